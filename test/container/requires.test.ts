import { expect, test } from 'vitest';
import { loadBundle, readModelCard } from '#gpu-container/runtime/load-bundle.ts';
import { smallBundle } from '#test/runtime/small-bundle.ts';

test('what a bundle needs is in its card, and its digest names the files alone', async () => {
  const { folder, rewrite } = await smallBundle();
  const plain = await readModelCard(folder);
  expect(plain.requires).toBeUndefined();
  await rewrite(manifest => Object.assign(manifest, { requires: { provider: 'cuda', memoryBytes: 40e9 } }));
  const { card } = await loadBundle(folder);
  expect(card).toMatchObject({ digest: plain.digest, requires: { provider: 'cuda', memoryBytes: 40e9 } });
});

test.each([
  { provider: 'cpu' },
  { provider: 'rocm' },
  { memoryBytes: 0 },
  { memoryBytes: '40 GB' },
  { gpu: 1 },
  'cuda',
])('requires: %j is refused, naming it', async requires => {
  const { folder, rewrite } = await smallBundle();
  await rewrite(manifest => Object.assign(manifest, { requires }));
  const refused = { code: 'bundle_invalid', message: expect.stringContaining('requires') };
  await expect(readModelCard(folder)).rejects.toMatchObject(refused);
});
