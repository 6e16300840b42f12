/** @file A bundle by its digest, out of the cache or from where the deployment keeps it. */
import { createHash, randomBytes } from 'node:crypto';
import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder, syncFolder } from '#adapters/local/durable-folder.ts';
import { fromFileSystem } from '#adapters/local/file-error.ts';
import { type BundlePin, manifestKey, type ObjectSource } from '#core/bundle-objects.ts';
import { ReelayError } from '#core/errors.ts';
import { type BundleManifest, bundleDigest, parseManifest } from '#gpu-container/runtime/bundle-manifest.ts';
import {
  type BundleCacheOptions,
  cachedFolder,
  clearLeavings,
  fetchingFolder,
  makeRoom,
  markInUse,
  moveIntoCache,
  withBundle,
} from './bundle-cache.ts';
import { fetchFiles } from './fetch-files.ts';
import { type RangePatience, readRange, sizeOf } from './read-range.ts';

/** Which bundle, from where, to where. */
export interface FetchBundleOptions extends BundlePin {
  /** As requests name the model; the bundle must call itself so. */
  readonly id: string;
  readonly source: ObjectSource;
  readonly cache: BundleCacheOptions;
  readonly signal: AbortSignal;
  /** Bytes so far, and of all files. */
  readonly onProgress?: ((fetched: number, all: number) => void) | undefined;
  readonly patience?: RangePatience | undefined;
}

/** A bundle that stays in the cache until released. */
export interface OpenBundle {
  readonly folder: string;
  /** Whether it was there already. */
  readonly cached: boolean;
  release(): void;
}

/**
 * Opens a bundle, fetching it first where it is not in the cache; of several processes one fetches and the others wait. Throws
 * `bundle_corrupt` where the source has other bytes than the pin says, `bundle_invalid` where it is no bundle, `store_unavailable`
 * where there is no room (known before the first large byte) or the source does not answer, the signal's reason when aborted.
 */
export async function openCachedBundle(options: FetchBundleOptions): Promise<OpenBundle> {
  const { digest, cache, signal } = options;
  return withBundle(cache.folder, digest, signal, async () => {
    const there = await isThere(cache.folder, digest);
    if (!there) await fetchWhole(options);
    else if (!(await manifestFits(options))) await renewManifest(options);
    const lock = await markInUse(cache.folder, digest);
    return { folder: cachedFolder(cache.folder, digest), cached: there, release: () => lock.release() };
  });
}

const isThere = (cache: string, digest: string): Promise<boolean> =>
  stat(cachedFolder(cache, digest)).then(
    facts => facts.isDirectory(),
    () => false,
  );

/** Whether the cached bundle.json is the one that is meant: the files may be shared by deployments whose limits differ. */
async function manifestFits(options: FetchBundleOptions): Promise<boolean> {
  try {
    const text = await readFile(join(cachedFolder(options.cache.folder, options.digest), 'bundle.json'));
    checkManifest(options, text);
    return true;
  } catch {
    return false; // whatever is wrong with it, the source has another
  }
}

/** Replaced at once: a worker that has the bundle open loads the same files by either. */
async function renewManifest(options: FetchBundleOptions): Promise<void> {
  const { bytes } = await fetchManifest(options);
  await writeManifest(cachedFolder(options.cache.folder, options.digest), bytes);
}

async function fetchWhole(options: FetchBundleOptions): Promise<void> {
  const { digest, cache, source } = options;
  const folder = fetchingFolder(cache.folder, digest);
  const { bytes, manifest } = await fetchManifest(options);
  const all = manifest.files.reduce((sum, file) => sum + file.bytes, 0);
  await clearLeavings(cache.folder);
  const there = await bytesThere(folder, manifest);
  await makeRoom(cache, { digest, bytes: all, there, what: `The model "${options.id}"` });
  let fetched = 0;
  const onProgress = (bytes: number) => {
    fetched += bytes;
    options.onProgress?.(fetched, all);
  };
  const fetching = { ...options, source, digest, folder, onProgress };
  await fetchFiles(manifest.files, fetching).catch(async error => {
    if (!(error instanceof ReelayError && error.code === 'bundle_corrupt' && error.retryable)) throw error;
    await rm(folder, { recursive: true, force: true }); // what a power cut left had not the bytes that were written
    fetched = 0;
    await fetchFiles(manifest.files, fetching);
  });
  await writeManifest(folder, bytes);
  await moveIntoCache(cache.folder, digest);
}

/** What an earlier fetch left of the listed files. */
async function bytesThere(folder: string, manifest: BundleManifest): Promise<number> {
  const sizes = manifest.files.map(async ({ path, bytes }) => {
    const facts = await stat(join(folder, path)).catch(() => undefined);
    return Math.min(bytes, facts?.size ?? 0);
  });
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

/** bundle.json: a page of text; of a file this large it is not one. */
const MAX_MANIFEST_BYTES = 1_048_576;

/** The bundle.json that is meant, or a throw: of these files, of this name, and word for word where its sha256 is said. */
function checkManifest({ id, digest, manifest: pinned, source }: FetchBundleOptions, bytes: Buffer): BundleManifest {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  if (pinned !== undefined && sha256 !== pinned)
    throw new ReelayError(
      'bundle_corrupt',
      `${source.name}: the bundle.json of "${id}" has the sha256 ${sha256}, not ${pinned} (REELAY_BUNDLE_DIGESTS): it is not the one that this deployment offers. reelay models push puts that there.`,
    );
  const manifest = parseManifest(`${source.name}/bundles/${digest.slice(0, 12)}…`, bytes.toString('utf8'));
  const found = bundleDigest(manifest);
  if (found !== digest)
    throw new ReelayError(
      'bundle_corrupt',
      `${source.name}: the files that bundles/${digest}/bundle.json lists have the digest ${found}, not ${digest}. It is not used.`,
    );
  if (manifest.id !== id)
    throw new ReelayError(
      'bundle_invalid',
      `${source.name}: the bundle ${digest.slice(0, 12)}… calls itself "${manifest.id}", not "${id}" (REELAY_BUNDLE_DIGESTS).`,
    );
  return manifest;
}

/** The very one that is pinned, or else the newest, which then has to be it. */
async function fetchManifest(options: FetchBundleOptions): Promise<{ bytes: Buffer; manifest: BundleManifest }> {
  const { digest } = options;
  const pinned = options.manifest === undefined ? undefined : await readObject(options, manifestKey(options));
  const bytes = pinned ?? (await readObject(options, manifestKey({ digest })));
  if (bytes !== undefined) return { bytes, manifest: checkManifest(options, bytes) };
  const said = `${options.source.name}: there is no ${manifestKey({ digest })}; reelay models push puts it there.`;
  throw new ReelayError('bundle_corrupt', said);
}

async function readObject({ source, signal, patience }: FetchBundleOptions, key: string): Promise<Buffer | undefined> {
  const bytes = await sizeOf(source, key, signal, patience);
  if (bytes === undefined) return undefined;
  if (bytes === 0 || bytes > MAX_MANIFEST_BYTES)
    throw new ReelayError('bundle_corrupt', `${source.name}: ${key} has ${bytes} bytes and is no bundle.json.`);
  return readRange(source, key, { start: 0, end: bytes - 1 }, signal, patience);
}

/** Under another name until it is on the disk: it may replace one that is read meanwhile. */
async function writeManifest(folder: string, bytes: Buffer): Promise<void> {
  const path = join(folder, 'bundle.json');
  const coming = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    await makeFolder(folder);
    await writeFile(coming, bytes, { mode: 0o600, flush: true });
    await rename(coming, path);
    await syncFolder(folder);
  } catch (error) {
    throw fromFileSystem(error, path);
  } finally {
    await rm(coming, { force: true });
  }
}
