import { type BigIntStats, constants } from 'node:fs';
import { link, lstat, readdir, realpath, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { ReelayError } from '#core/errors.ts';
import { makeFolder } from './durable-folder.ts';
import { errnoName, fromFileSystem, isMissing } from './file-error.ts';

/** The four folders of a drop folder, as absolute paths. */
export interface DropPlaces {
  readonly root: string;
  /** Watched; never written. */
  readonly in: string;
  /** Sources that became jobs. */
  readonly accepted: string;
  readonly out: string;
  readonly rejected: string;
}

/** Sources are opened so: a link at the end of the path is refused, and a pipe does not hold us up. */
export const READ_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** What we write and have not finished; a hidden name, so that nobody takes it for a result. */
const TEMPORARY = /^\.~[0-9a-f-]{36}\.tmp$/;

/** Makes the folders and checks them. Throws `store_unavailable` in words when they cannot be used. */
export async function openDropPlaces(folder: string): Promise<DropPlaces> {
  const asked = resolve(folder);
  try {
    await makeFolder(asked);
    const root = await realpath(asked);
    const at = (name: string) => join(root, name);
    const places = { root, in: at('in'), accepted: at('accepted'), out: at('out'), rejected: at('rejected') };
    await checkPlaces(places);
    return places;
  } catch (error) {
    throw fromFileSystem(error, asked);
  }
}

/**
 * All four are folders of their own, on one disk, and none is a link: else what we write could come back in, and what we move could
 * land elsewhere. Those that are missing are made. Returns the identity of the watched one.
 */
export async function checkPlaces(places: DropPlaces): Promise<string> {
  const seen = new Map<string, string>();
  let device: bigint | undefined;
  for (const name of ['in', 'accepted', 'out', 'rejected'] as const) {
    const stats = await folderStats(places[name]);
    const id = `${stats.dev}:${stats.ino}`;
    const other = seen.get(id);
    if (other !== undefined) throw unusable(places, `${other}/ and ${name}/ are one and the same folder`);
    seen.set(id, name);
    device ??= stats.dev;
    if (stats.dev !== device)
      throw unusable(places, `in/ and ${name}/ lie on two disks, so files cannot be moved whole`);
    if (!stats.isDirectory()) throw unusable(places, `${name}/ is ${stats.isSymbolicLink() ? 'a link' : 'no folder'}`);
  }
  return [...seen.keys()][0] ?? '';
}

async function folderStats(path: string): Promise<BigIntStats> {
  try {
    return await lstat(path, { bigint: true });
  } catch (error) {
    if (!isMissing(error)) throw fromFileSystem(error, path);
    await makeFolder(path);
    return lstat(path, { bigint: true });
  }
}

function unusable({ root }: DropPlaces, why: string): ReelayError {
  const todo = 'give in, accepted, out and rejected real folders of their own there, or choose another drop folder.';
  return new ReelayError('store_unavailable', `The drop folder ${root} cannot be used: ${why}; ${todo}`);
}

/** Removes what a process left unfinished that was killed; only for whoever holds the lock of the drop folder. */
export async function removeUnfinished(places: DropPlaces): Promise<void> {
  for (const folder of [places.accepted, places.out, places.rejected])
    for (const name of await readdir(folder)) if (TEMPORARY.test(name)) await rm(join(folder, name), { force: true });
}

/** Gives a file of ours its name unless the name is taken; false when it is. The old name goes in either case. */
export async function publish(temporary: string, target: string): Promise<boolean> {
  const free = await renameIfFree(temporary, target);
  if (!free) await rm(temporary, { force: true });
  return free;
}

/** Renames without ever writing over a file: rename alone would. */
export async function renameIfFree(from: string | Buffer, to: string | Buffer): Promise<boolean> {
  try {
    await link(from, to);
  } catch (error) {
    const name = errnoName(error);
    if (name === 'EEXIST') return false;
    // File systems without links (FAT, some shares): a look before the rename is the best there is.
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EACCES'].includes(name ?? '')) throw error;
    if (!(await isMissingPath(to))) return false;
    await rename(from, to);
    return true;
  }
  await rm(from, { force: true });
  return true;
}

/** Whether nothing, not even a dangling link, has this path. */
export async function isMissingPath(path: string | Buffer): Promise<boolean> {
  try {
    await lstat(path);
    return false;
  } catch (error) {
    if (isMissing(error)) return true;
    throw error;
  }
}
