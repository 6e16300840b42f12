import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { bundleKey } from '#core/bundle-objects.ts';
import { limits } from '#core/limits.ts';
import { fetchingFolder, listCache, withBundle } from '#gpu-container/bundles/bundle-cache.ts';
import { type FetchBundleOptions, openCachedBundle } from '#gpu-container/bundles/fetch-bundle.ts';
import { createFolderObjects } from '#gpu-container/bundles/folder-objects.ts';
import { createHttpObjects } from '#gpu-container/bundles/http-objects.ts';
import { pushBundle } from '#gpu-container/bundles/push-bundle.ts';
import { loadBundle } from '#gpu-container/runtime/load-bundle.ts';
import { largeBundle, type ServedBundle, servedFrom, WEIGHTS } from './large-bundle.ts';
import { type Fault, startRangeServer } from './range-server.ts';

const RANGE = limits.bundleRangeBytes;
const CHILD = join(import.meta.dirname, 'fetch-child.ts');

async function emptyFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'reelay-cache-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function served(bundle: ServedBundle, fault?: Parameters<typeof startRangeServer>[1]) {
  const server = await startRangeServer(bundle.objects, fault);
  onTestFinished(() => server.close());
  return server;
}

/** Impatient, so that a test of a stalled connection takes a moment. */
const options = (bundle: ServedBundle, url: string, cache: string, more: Partial<FetchBundleOptions> = {}) => ({
  id: bundle.id,
  digest: bundle.digest,
  source: createHttpObjects(url),
  cache: { folder: cache },
  signal: new AbortController().signal,
  patience: { stallMs: 300, retryMs: 5 },
  ...more,
});

describe('a bundle is fetched by its digest', () => {
  test('in ranges, checked, and found in the cache the next time', async () => {
    const bundle = await largeBundle(2 * RANGE + 12_345);
    const server = await served(bundle);
    const cache = await emptyFolder();
    const progress: number[] = [];
    const first = await openCachedBundle(
      options(bundle, server.url, cache, { onProgress: fetched => progress.push(fetched) }),
    );
    expect(first.cached).toBe(false);
    expect(
      (await readFile(join(first.folder, WEIGHTS))).equals(bundle.objects.get(bundleKey(bundle.digest, WEIGHTS))!),
    ).toBe(true);
    expect((await loadBundle(first.folder)).digest).toBe(bundle.digest);
    expect(server.asked.filter(line => line.includes(`/${WEIGHTS} `))).toHaveLength(3);
    expect(progress.at(-1)).toBe(bundle.files.reduce((sum, file) => sum + file.bytes, 0));
    const before = server.asked.length;
    const second = await openCachedBundle(options(bundle, server.url, cache));
    expect([second.cached, second.folder, server.asked.length]).toEqual([true, first.folder, before]);
    expect(await readdir(join(cache, '.fetching'))).toEqual([]);
  });

  test.each<Fault>(['cut', 'stall', 'short', '503'])('also where every range first meets: %s', async fault => {
    const bundle = await largeBundle(RANGE + 99);
    const server = await served(bundle, (_key, start, again) =>
      start % RANGE === 0 && again === 0 ? fault : undefined,
    );
    const { folder } = await openCachedBundle(options(bundle, server.url, await emptyFolder()));
    expect((await loadBundle(folder)).digest).toBe(bundle.digest);
    if (fault === 'cut' || fault === 'short')
      // What had come is not asked for again.
      expect(server.asked.some(line => line.endsWith(`${WEIGHTS} ${RANGE >> 1}-${RANGE - 1}`))).toBe(true);
  });

  test('from a folder, as from an address', async () => {
    const bundle = await largeBundle(1_000);
    const share = await emptyFolder();
    await pushBundle(bundle.folder, createFolderObjects(share));
    const opened = await openCachedBundle(
      options(bundle, 'http://127.0.0.1:9', await emptyFolder(), { source: createFolderObjects(share) }),
    );
    expect((await loadBundle(opened.folder)).digest).toBe(bundle.digest);
  });
});

describe('what is not the bundle is never used', () => {
  test('a flipped byte is refused with the file and both hashes, and nothing of it stays', async () => {
    const bundle = await largeBundle(RANGE + 99);
    const server = await served(bundle, (key, start) => (key.endsWith(WEIGHTS) && start > 0 ? 'flip' : undefined));
    const cache = await emptyFolder();
    const listed = bundle.files.find(file => file.path === WEIGHTS)!.sha256;
    await expect(openCachedBundle(options(bundle, server.url, cache))).rejects.toMatchObject({
      code: 'bundle_corrupt',
      retryable: false,
      message: expect.stringMatching(`${WEIGHTS} does not match .*${listed}.* has [0-9a-f]{64}`),
    });
    expect(await listCache(cache)).toEqual([]);
    expect(await stat(join(fetchingFolder(cache, bundle.digest), WEIGHTS)).catch(() => 'gone')).toBe('gone');
  });

  test('a bundle.json of other files is not that of the digest', async () => {
    const bundle = await largeBundle(10);
    const other = await largeBundle(20);
    const key = bundleKey(bundle.digest, 'bundle.json');
    bundle.objects.set(key, other.objects.get(bundleKey(other.digest, 'bundle.json'))!);
    const server = await served(bundle);
    await expect(openCachedBundle(options(bundle, server.url, await emptyFolder()))).rejects.toMatchObject({
      code: 'bundle_corrupt',
      message: expect.stringContaining(`have the digest ${other.digest}, not ${bundle.digest}`),
    });
  });

  test.each([
    ['another name', { id: 'wan' }, 'bundle_invalid', 'calls itself "small", not "wan"'],
    ['no such digest', { digest: 'f'.repeat(64) }, 'bundle_corrupt', 'there is no bundles/ffff'],
  ] as const)('%s is refused', async (_, change, code, sentence) => {
    const bundle = await largeBundle(10);
    const server = await served(bundle);
    const opening = openCachedBundle(options(bundle, server.url, await emptyFolder(), change));
    await expect(opening).rejects.toMatchObject({ code, message: expect.stringContaining(sentence) });
  });

  test.each([
    ['403', 'answered 403', 1],
    ['whole', 'does not serve ranges', 1],
    ['503', 'could not be read', limits.bundleTries],
  ] as const)('a source that always says %s is given up in a sentence', async (fault, sentence, tries) => {
    const bundle = await largeBundle(RANGE + 99);
    const server = await served(bundle, (key, start) => (key.endsWith(WEIGHTS) && start > 0 ? fault : undefined));
    const opening = openCachedBundle(options(bundle, server.url, await emptyFolder()));
    await expect(opening).rejects.toMatchObject({
      code: 'store_unavailable',
      message: expect.stringContaining(sentence),
    });
    expect(server.asked.filter(line => line.includes(`${WEIGHTS} ${RANGE}-`))).toHaveLength(tries);
  });
});

describe('processes that die and processes that meet', () => {
  const child = (url: string, bundle: ServedBundle, cache: string) => {
    const args = ['--disable-warning=ExperimentalWarning', CHILD, url, bundle.id, bundle.digest, cache];
    const process = spawn(globalThis.process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    onTestFinished(() => void process.kill('SIGKILL'));
    let said = '';
    process.stdout.setEncoding('utf8').on('data', text => {
      said += text;
    });
    const until = async (what: RegExp) => {
      for (let looks = 0; looks < 400 && !what.test(said); looks++) await sleep(25);
      expect(said).toMatch(what);
    };
    return { process, until, said: () => said };
  };

  test('kill -9 in the middle: the next one goes on from what is on the disk', async () => {
    const bundle = await largeBundle(4 * RANGE);
    let slow = true;
    // The third range never comes, so two are on the disk and the rest is not.
    const server = await served(bundle, (key, start) =>
      slow && key.endsWith(WEIGHTS) && start >= 2 * RANGE ? 'stall' : undefined,
    );
    const cache = await emptyFolder();
    const first = child(server.url, bundle, cache);
    for (let looks = 0; looks < 200; looks++) {
      const there = await stat(join(fetchingFolder(cache, bundle.digest), WEIGHTS)).catch(() => ({ size: 0 }));
      if (there.size >= 2 * RANGE) break;
      await sleep(25);
    }
    first.process.kill('SIGKILL');
    await once(first.process, 'exit');
    expect(await listCache(cache)).toEqual([]);
    slow = false;
    const before = server.asked.length;
    const { folder } = await openCachedBundle(options(bundle, server.url, cache));
    expect((await loadBundle(folder)).digest).toBe(bundle.digest);
    const again = server.asked.slice(before).filter(line => line.includes(`${WEIGHTS} `));
    expect(again).toEqual([2, 3].map(at => expect.stringContaining(` ${at * RANGE}-${(at + 1) * RANGE - 1}`)));
  });

  test('what a power cut left in a half file is noticed, and fetched from nothing', async () => {
    const bundle = await largeBundle(RANGE + 5);
    const server = await served(bundle);
    const cache = await emptyFolder();
    const half = join(fetchingFolder(cache, bundle.digest), WEIGHTS);
    await mkdir(join(half, '..'), { recursive: true });
    await writeFile(half, Buffer.alloc(4_096));
    const { folder } = await openCachedBundle(options(bundle, server.url, cache));
    expect((await loadBundle(folder)).digest).toBe(bundle.digest);
  });

  test('two at once share one download', async () => {
    const bundle = await largeBundle(3 * RANGE);
    const server = await served(bundle);
    const cache = await emptyFolder();
    const both = [child(server.url, bundle, cache), child(server.url, bundle, cache)];
    for (const one of both) await one.until(/opened/);
    expect(both.map(one => /opened (\w+)/.exec(one.said())?.[1]).sort()).toEqual(['cached', 'fetched']);
    expect(server.asked.filter(line => line.includes(`${WEIGHTS} `))).toHaveLength(3);
    expect((await listCache(cache)).map(one => one.inUse)).toEqual([true]);
    for (const one of both) {
      one.process.kill('SIGKILL');
      await once(one.process, 'exit');
    }
    expect((await listCache(cache)).map(one => one.inUse)).toEqual([false]);
  });

  test('an abort ends the fetch at once, and what was there stays for the next', async () => {
    const bundle = await largeBundle(2 * RANGE);
    const server = await served(bundle, (_key, start) => (start > 0 ? 'stall' : undefined));
    const cache = await emptyFolder();
    const stop = new AbortController();
    const patience = { stallMs: 60_000, retryMs: 5 };
    const opening = openCachedBundle(options(bundle, server.url, cache, { signal: stop.signal, patience }));
    opening.catch(() => undefined);
    const half = join(fetchingFolder(cache, bundle.digest), WEIGHTS);
    for (let looks = 0; looks < 200; looks++) {
      if ((await stat(half).catch(() => ({ size: 0 }))).size >= RANGE) break;
      await sleep(10);
    }
    const startedMs = performance.now();
    stop.abort(new Error('draining'));
    await expect(opening).rejects.toThrow('draining');
    expect(performance.now() - startedMs).toBeLessThan(1_000);
    expect((await stat(half)).size).toBe(RANGE);
  });
});

describe('room on the disk', () => {
  test('is made from bundles that nobody has open, the least recently used first', async () => {
    const cache = await emptyFolder();
    const bundles = [await largeBundle(30_000), await largeBundle(30_001), await largeBundle(30_002)];
    const server = await startRangeServer(new Map(bundles.flatMap(bundle => [...bundle.objects])));
    onTestFinished(() => server.close());
    const quota = { folder: cache, quotaBytes: 75_000 };
    const opened = [];
    for (const bundle of bundles.slice(0, 2))
      opened.push(await openCachedBundle(options(bundle, server.url, cache, { cache: quota })));
    opened[0]!.release();
    opened[1]!.release();
    const long = new Date(Date.now() - 3_600_000);
    await utimes(opened[1]!.folder, long, long);
    await openCachedBundle(options(bundles[2]!, server.url, cache, { cache: quota }));
    const digests = (await listCache(cache)).map(one => one.digest);
    expect(new Set(digests)).toEqual(new Set([bundles[0]!.digest, bundles[2]!.digest]));
  });

  test('is made from fetches that nobody goes on with, before any whole bundle goes', async () => {
    const cache = await emptyFolder();
    const [one, two] = [await largeBundle(30_000), await largeBundle(30_001)];
    const server = await startRangeServer(new Map([...one.objects, ...two.objects]));
    onTestFinished(() => server.close());
    const quota = { folder: cache, quotaBytes: 75_000 };
    (await openCachedBundle(options(one, server.url, cache, { cache: quota }))).release();
    const left = join(fetchingFolder(cache, 'c'.repeat(64)), WEIGHTS);
    await mkdir(join(left, '..'), { recursive: true });
    await writeFile(left, Buffer.alloc(30_000));
    await openCachedBundle(options(two, server.url, cache, { cache: quota }));
    expect(await stat(left).catch(() => 'gone')).toBe('gone');
    expect(await listCache(cache)).toHaveLength(2);
  });

  test('counts what another process is fetching, and leaves it alone', async () => {
    const cache = await emptyFolder();
    const bundle = await largeBundle(30_000);
    const server = await served(bundle);
    const digest = 'c'.repeat(64);
    const left = join(fetchingFolder(cache, digest), WEIGHTS);
    await mkdir(join(left, '..'), { recursive: true });
    await writeFile(left, Buffer.alloc(30_000));
    const quota = { folder: cache, quotaBytes: 50_000 };
    await withBundle(cache, digest, new AbortController().signal, () =>
      expect(openCachedBundle(options(bundle, server.url, cache, { cache: quota }))).rejects.toMatchObject({
        code: 'store_unavailable',
      }),
    );
    expect((await stat(left)).size).toBe(30_000);
  });

  test('is refused before anything large comes where it would need what is in use', async () => {
    const cache = await emptyFolder();
    const [one, two] = [await largeBundle(40_000), await largeBundle(50_000)];
    const server = await startRangeServer(new Map([...one.objects, ...two.objects]));
    onTestFinished(() => server.close());
    const quota = { folder: cache, quotaBytes: 60_000 };
    await openCachedBundle(options(one, server.url, cache, { cache: quota }));
    const before = server.asked.length;
    await expect(openCachedBundle(options(two, server.url, cache, { cache: quota }))).rejects.toMatchObject({
      code: 'store_unavailable',
      retryable: false,
      message: expect.stringMatching(
        /^The model "small" needs 0\.00 GB in .*quota is 0\.00 GB, and what is in use takes/,
      ),
    });
    expect(server.asked.slice(before).filter(line => line.startsWith('GET'))).toHaveLength(1); // bundle.json
    expect((await listCache(cache)).map(each => each.digest)).toEqual([one.digest]);
  });
});

test('a push skips what is there, puts bundle.json last, and never a file that is not what it says', async () => {
  const bundle = await largeBundle(5_000);
  const share = await emptyFolder();
  const order: string[] = [];
  const target = createFolderObjects(share);
  const first = await pushBundle(bundle.folder, target, path => order.push(path));
  expect(first).toMatchObject({ id: 'small', digest: bundle.digest, put: bundle.files.length + 2, skipped: 0 });
  expect(order.at(-1)).toBe('bundle.json');
  expect(await pushBundle(bundle.folder, target)).toMatchObject({ put: 0, skipped: bundle.files.length + 2 });
  expect((await servedFrom(join(share, 'bundles', bundle.digest))).digest).toBe(bundle.digest);
  await writeFile(join(bundle.folder, WEIGHTS), Buffer.alloc(5_000));
  await expect(pushBundle(bundle.folder, target)).rejects.toMatchObject({ code: 'bundle_corrupt' });
});
