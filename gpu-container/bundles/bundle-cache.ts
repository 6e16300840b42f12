/**
 * @file Bundles on disk by digest: `<cache>/<digest>` is whole and checked, `.fetching/<digest>` is one on its way, `.locks` says who
 * works on one and `.users/<digest>` which processes have it open. All locks die with their process.
 *
 *     nothing -> .fetching/<digest> (survives a kill) --all files checked and fsynced--> <digest>      one rename
 *     <digest> --room is needed, least recently used, nobody has it open--> .leaving-* -> nothing
 *
 * Whoever opens, fetches or removes a bundle holds its lock meanwhile, so that none goes while somebody is about to open it.
 */
import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { readdir, rename, rm, stat, statfs, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeFolder, syncFolder } from '#adapters/local/durable-folder.ts';
import { fromFileSystem, isMissing } from '#adapters/local/file-error.ts';
import { cleanDeadLocks, holdLock, isHeld, type ProcessLock } from '#adapters/local/process-lock.ts';
import { ReelayError } from '#core/errors.ts';
import { limits } from '#core/limits.ts';

/** Where bundles are kept, and how much of the disk they may take. */
export interface BundleCacheOptions {
  readonly folder: string;
  /** Of all bundles together; undefined: as much as the disk has, less limits.minFreeBytes. */
  readonly quotaBytes?: number | undefined;
}

/** A bundle of the cache, whole. */
export interface CachedBundle {
  readonly digest: string;
  readonly folder: string;
  readonly bytes: number;
  readonly usedAtMs: number;
  /** Some living process has it open. */
  readonly inUse: boolean;
}

const DIGEST = /^[0-9a-f]{64}$/;

/** Where a bundle lies once it is whole. */
export const cachedFolder = (cache: string, digest: string): string => join(cache, digest);

/** Where it lies until then. */
export const fetchingFolder = (cache: string, digest: string): string => join(cache, '.fetching', digest);

/** Acts while no other process, and nobody else in this one, works on the bundle; waits for that. Throws the signal's reason. */
export async function withBundle<T>(
  cache: string,
  digest: string,
  signal: AbortSignal,
  act: () => Promise<T>,
): Promise<T> {
  await onDisk(cache, () => makeFolder(join(cache, '.fetching')));
  for (;;) {
    signal.throwIfAborted();
    const lock = holdLock(lockPath(cache, digest));
    if (lock !== undefined)
      try {
        return await act();
      } finally {
        lock.release();
      }
    await sleep(limits.bundleWaitMs, undefined, { signal });
  }
}

/** Says that this process has the bundle open, until released or dead. To be called within withBundle. */
export async function markInUse(cache: string, digest: string): Promise<ProcessLock> {
  const name = `${hostname()}-${process.pid}-${randomBytes(4).toString('hex')}.lock`;
  const lock = holdLock(join(cache, '.users', digest, name))!;
  const now = new Date();
  await utimes(cachedFolder(cache, digest), now, now).catch(() => undefined); // its age only orders who goes first
  return lock;
}

/** A bundle whose files are all there becomes one of the cache. */
export async function moveIntoCache(cache: string, digest: string): Promise<string> {
  const target = cachedFolder(cache, digest);
  await onDisk(target, async () => {
    await rename(fetchingFolder(cache, digest), target);
    await syncFolder(cache);
  });
  return target;
}

/** What is there, the least recently used first. */
export async function listCache(cache: string): Promise<CachedBundle[]> {
  const names = await readdir(cache).catch(error => {
    if (isMissing(error)) return [];
    throw fromFileSystem(error, cache);
  });
  const found = await Promise.all(
    names
      .filter(name => DIGEST.test(name))
      .map(async (digest): Promise<CachedBundle | undefined> => {
        const folder = cachedFolder(cache, digest);
        const facts = await stat(folder).catch(() => undefined);
        if (facts === undefined) return undefined; // it has just gone
        return { digest, folder, bytes: await bytesIn(folder), usedAtMs: facts.mtimeMs, inUse: isInUse(cache, digest) };
      }),
  );
  return found.filter(bundle => bundle !== undefined).sort((a, b) => a.usedAtMs - b.usedAtMs);
}

/** A bundle that needs room. */
export interface RoomWanted {
  readonly digest: string;
  /** Of all its files, and of what an earlier fetch left of them. */
  readonly bytes: number;
  readonly there: number;
  /** For the sentence. */
  readonly what: string;
}

/**
 * Makes room for a bundle: first goes what fetches left that nobody goes on with, then bundles that nobody has open, the least recently
 * used first. Throws `store_unavailable` with a sentence where that is not enough; nothing more is removed than is needed, and nothing at
 * all where it cannot be enough.
 */
export async function makeRoom(options: BundleCacheOptions, wanted: RoomWanted): Promise<void> {
  const { folder: cache, quotaBytes = Number.POSITIVE_INFINITY } = options;
  const [cached, begun] = [await listCache(cache), await listBegun(cache, wanted.digest)];
  const all = sum(cached) + sum(begun);
  const disk = await onDisk(cache, () => statfs(cache));
  const free = disk.bavail * disk.bsize - limits.minFreeBytes;
  let missing = Math.max(wanted.bytes - wanted.there - free, all + wanted.bytes - quotaBytes);
  const idle = [...begun, ...cached].filter(bundle => !bundle.inUse);
  const removable = sum(idle);
  const refusal = () => noRoom(wanted, { ...options, free: Math.max(0, free), inUse: all - removable });
  if (missing > removable) throw refusal();
  for (const bundle of idle) {
    if (missing <= 0) return;
    if (await remove(cache, bundle.digest, bundle.folder)) missing -= bundle.bytes;
  }
  if (missing > 0) throw refusal();
}

const sum = (bundles: readonly Pick<CachedBundle, 'bytes'>[]) => bundles.reduce((all, { bytes }) => all + bytes, 0);

type Begun = Pick<CachedBundle, 'digest' | 'folder' | 'bytes' | 'inUse'>;

/** What other fetches left or have so far; in use while somebody works on it. */
async function listBegun(cache: string, own: string): Promise<Begun[]> {
  const names = await readdir(join(cache, '.fetching')).catch(() => []);
  const begun = names
    .filter(name => DIGEST.test(name) && name !== own)
    .map(async (digest): Promise<Begun> => {
      const folder = fetchingFolder(cache, digest);
      return { digest, folder, bytes: await bytesIn(folder), inUse: isHeld(lockPath(cache, digest)) };
    });
  return Promise.all(begun);
}

/** Takes a bundle out of the cache whose bytes are not what was fetched; false where another process has it open. */
export function dropBundle(cache: string, digest: string): Promise<boolean> {
  return remove(cache, digest, cachedFolder(cache, digest));
}

/** Whether it went: not one that a process has opened meanwhile, or works on. */
async function remove(cache: string, digest: string, folder: string): Promise<boolean> {
  const lock = holdLock(lockPath(cache, digest));
  if (lock === undefined) return false;
  try {
    if (isInUse(cache, digest)) return false;
    const leaving = join(cache, '.fetching', `leaving-${randomBytes(6).toString('hex')}`);
    await onDisk(cache, async () => {
      await rename(folder, leaving);
      await rm(leaving, { recursive: true, force: true });
    });
    return true;
  } finally {
    lock.release();
  }
}

/** Removes what a killed process was removing; fetches that were begun stay, to be gone on with. */
export async function clearLeavings(cache: string): Promise<void> {
  const folder = join(cache, '.fetching');
  const names = await readdir(folder).catch(() => []);
  for (const name of names.filter(one => one.startsWith('leaving-')))
    await rm(join(folder, name), { recursive: true, force: true });
}

const lockPath = (cache: string, digest: string) => join(cache, '.locks', `${digest}.lock`);

/** Locks of the dead are cleared on the way; what is left is held. */
function isInUse(cache: string, digest: string): boolean {
  const users = join(cache, '.users', digest);
  cleanDeadLocks(users);
  try {
    return readdirSync(users).some(name => name.endsWith('.lock'));
  } catch (error) {
    if (isMissing(error)) return false;
    throw fromFileSystem(error, users);
  }
}

async function bytesIn(folder: string): Promise<number> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true }).catch(() => []);
  const sizes = entries
    .filter(entry => entry.isFile())
    .map(async entry => (await stat(join(entry.parentPath, entry.name)).catch(() => ({ size: 0 }))).size);
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

function noRoom(
  { what, bytes }: RoomWanted,
  room: BundleCacheOptions & { readonly free: number; readonly inUse: number },
): ReelayError {
  const { folder, quotaBytes, free, inUse } = room;
  const quota = quotaBytes === undefined ? '' : `, the quota is ${gigabytes(quotaBytes)}`;
  return new ReelayError(
    'store_unavailable',
    `${what} needs ${gigabytes(bytes)} in ${folder}: the disk has ${gigabytes(free)} to give${quota}, and what is in use takes ${gigabytes(inUse)}.`,
    { retryable: false },
  );
}

const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(2)} GB`;

async function onDisk<T>(path: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw fromFileSystem(error, path);
  }
}
