import { afterEach, beforeEach, expect, test } from 'vitest';
import { accept } from '#core/drop/accept.ts';
import type { DropSource } from '#core/drop/drop-folder.ts';
import { ALL_TASKS } from '#test/core/model-card.ts';
import { type LocalBench, openLocalBench } from '../local-bench.ts';

let bench: LocalBench;
beforeEach(async () => {
  bench = await openLocalBench();
});
afterEach(() => bench.close());

const I2V = { ...ALL_TASKS, id: 'picture-only', tasks: ['i2v' as const] };

test.each([
  [[I2V], {}, 'Drop an image, with its prompt in a .txt of the same name.'],
  [[ALL_TASKS, I2V], { model: 'picture-only' }, 'Drop an image, with its prompt in a .txt of the same name.'],
  [
    [{ ...I2V, tasks: ['i2v' as const, 'v2v' as const] }],
    {},
    'Drop an image, with its prompt in a .txt of the same name; or a video, with its prompt in a .txt of the same name.',
  ],
])('a drop that no model offers is told what to drop instead, and nothing else', async (models, fields, advice) => {
  const source = { identity: 'one', name: 'a.json', folder: 'in' } as unknown as DropSource;
  const taken = accept({ ...bench.ports, models, tenant: 'acme' }, source, [
    { body: { prompt: 'x', ...fields }, line: null },
  ]);
  await expect(taken).rejects.toMatchObject({ code: 'unsupported_operation' });
  await expect(taken).rejects.toThrow(/^input_reference: got nothing.*\. Drop/);
  expect((await taken.catch(error => error.message)).endsWith(` ${advice}`)).toBe(true);
});
