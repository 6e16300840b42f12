import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type BundlePin, formatBundlePin, manifestKey, parseBundlePin } from '#core/bundle-objects.ts';
import { undecided } from '#core/governance/gate.ts';
import { type FetchBundleOptions, openCachedBundle } from '#gpu-container/bundles/fetch-bundle.ts';
import { createFolderObjects } from '#gpu-container/bundles/folder-objects.ts';
import { pushBundle } from '#gpu-container/bundles/push-bundle.ts';
import { openWorkerBundles } from '#gpu-container/bundles/worker-bundles.ts';
import { readModelCard } from '#gpu-container/runtime/load-bundle.ts';
import { readCards } from '#infra/model-cards.ts';
import { workerEnvironment } from '#infra/worker.ts';
import { largeBundle, sha256 } from './large-bundle.ts';

const [A, B] = ['a'.repeat(64), 'b'.repeat(64)];

async function emptyFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'reelay-pin-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A bundle that is pushed, then given another description and pushed again: the same files, another bundle.json. */
async function twoManifests() {
  const bundle = await largeBundle(1_000);
  const share = await emptyFolder();
  const source = createFolderObjects(share);
  const first = await pushBundle(bundle.folder, source);
  const path = join(bundle.folder, 'bundle.json');
  const changed = { ...JSON.parse(await readFile(path, 'utf8')), description: 'other limits' };
  await writeFile(path, JSON.stringify(changed));
  const second = await pushBundle(bundle.folder, source);
  const cache = await emptyFolder();
  const open = (pin: BundlePin, more: Partial<FetchBundleOptions> = {}) =>
    openCachedBundle({
      ...{ id: bundle.id, ...pin, source, cache: { folder: cache }, signal: new AbortController().signal },
      ...more,
    });
  const describedIn = async (folder: string) => (await readModelCard(folder)).description;
  return { share, first, second, open, describedIn, bundle };
}

describe('a bundle that is pinned by its bundle.json', () => {
  test('is the very one that was pinned, also after another was pushed over it', async () => {
    const { first, second, open, describedIn } = await twoManifests();
    expect([first.digest, first.manifest]).toEqual([second.digest, expect.not.stringMatching(second.manifest)]);
    expect(await describedIn((await open(first)).folder)).not.toBe('other limits');
  });

  test('takes no other bundle.json from the cache, and fetches no file again for the right one', async () => {
    const { first, second, open, describedIn, bundle } = await twoManifests();
    const { folder } = await open(first);
    const weights = join(folder, bundle.files.at(-1)!.path);
    const { ino } = await stat(weights);
    const again = await open(second);
    expect([again.cached, again.folder, await describedIn(folder)]).toEqual([true, folder, 'other limits']);
    expect((await stat(weights)).ino).toBe(ino);
  });

  test('is refused with both hashes where the source has another one, and nothing is offered', async () => {
    const { share, first, second, open } = await twoManifests();
    const newest = await readFile(join(share, manifestKey({ digest: first.digest })));
    await writeFile(join(share, manifestKey(first)), newest);
    await expect(open(first)).rejects.toMatchObject({
      code: 'bundle_corrupt',
      message: expect.stringMatching(`sha256 ${second.manifest}, not ${first.manifest}`),
    });
  });

  test('is found where only bundle.json was put, as long as it is that one', async () => {
    const { share, second, first, open } = await twoManifests();
    for (const pushed of [first, second]) await rm(join(share, manifestKey(pushed)));
    expect((await open(second)).cached).toBe(false);
    await expect(open(first)).rejects.toMatchObject({ code: 'bundle_corrupt' });
  });
});

test('a cached bundle is not opened under a name that it does not have', async () => {
  const { first, open } = await twoManifests();
  (await open({ digest: first.digest })).release();
  await expect(open({ digest: first.digest }, { id: 'wan' })).rejects.toMatchObject({
    code: 'bundle_invalid',
    message: expect.stringContaining('calls itself "small", not "wan"'),
  });
});

test('a deployment pins the bundle.json that its cards were made from', async () => {
  const cards = readCards(['models/reelay-mini']);
  const told = workerEnvironment({}, cards).REELAY_BUNDLE_DIGESTS ?? '';
  const bytes = await readFile(join(import.meta.dirname, '..', '..', 'models', 'reelay-mini', 'bundle.json'));
  expect(told).toBe(`reelay-mini=${cards[0]!.digest}:${sha256(bytes)}`);
});

test.each([
  [A, { digest: A }],
  [`${A}:${B}`, { digest: A, manifest: B }],
] as const)('the pin %s is read, and written as it was', (text, pin) => {
  expect(parseBundlePin(text)).toEqual(pin);
  expect(formatBundlePin(pin)).toBe(text);
});

test.each(['', A.toUpperCase(), `${A}:`, `${A}:${B}:${B}`, `${A}${B}`, ` ${A}`])('%j is no pin', text => {
  expect(parseBundlePin(text)).toBeUndefined();
});

describe('a folder that the settings name', () => {
  const MINI = join(import.meta.dirname, '..', '..', 'models', 'reelay-mini');
  const [card] = readCards(['models/reelay-mini']);
  const open = (id: string, { digest, manifest }: Partial<BundlePin>) =>
    openWorkerBundles({
      folders: new Map([[id, MINI]]),
      digests: new Map(digest === undefined ? [] : [[id, digest]]),
      manifests: new Map(manifest === undefined ? [] : [[id, manifest]]),
      source: undefined,
      cache: { folder: '/nowhere' },
      device: { provider: 'cpu', memoryBytes: 1e12 },
      governing: undecided,
      signal: new AbortController().signal,
      log: () => undefined,
    });

  test('is taken where it is what they say', async () => {
    const { folders } = await open('reelay-mini', card!);
    expect([...folders]).toEqual([['reelay-mini', MINI]]);
  });

  test.each([
    [
      'of another name',
      'wan',
      {},
      'bundle_invalid',
      'REELAY_BUNDLES, wan: the bundle in .* calls itself "reelay-mini"',
    ],
    ['of other files', 'reelay-mini', { digest: A }, 'bundle_corrupt', `has the digest \\w+; .* says ${A}`],
    ['of another bundle.json', 'reelay-mini', { manifest: B }, 'bundle_corrupt', `has the sha256 \\w+; .* says ${B}`],
  ])('%s ends the start', async (_, id, pin, code, sentence) => {
    await expect(open(id, pin)).rejects.toMatchObject({ code, message: expect.stringMatching(sentence) });
  });
});
