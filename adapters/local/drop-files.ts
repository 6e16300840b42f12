import { createHash, randomUUID } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { DropContent, DropFolder, DropRead, OutputBlob } from '#core/drop/drop-folder.ts';
import { safeExtension, safeStem } from '#core/drop/names.ts';
import { encodeName } from '#core/drop/utf8.ts';
import { ReelayError } from '#core/errors.ts';
import { type DropPlaces, isMissingPath, publish, READ_FLAGS, renameIfFree } from './drop-places.ts';
import { bodyOf, type LocalSource, pathIn, sourceOf, statOf } from './drop-source.ts';
import { syncFolder } from './durable-folder.ts';
import { errnoName, fromFileSystem, isMissing } from './file-error.ts';

/**
 * A drop folder on a local disk. Sources move by rename from in/ to accepted/ or rejected/, so their bytes are never written again;
 * what we write gets its name when it is whole and on disk. `find` is the scanner's.
 */
export function createLocalDropFolder(
  places: DropPlaces,
  find: (name: string) => LocalSource | 'unstable' | undefined,
): DropFolder<LocalSource> {
  return {
    read: (source, maxBytes) => access(places.in, () => read(places, source, maxBytes)),
    beside: async (_, name) => find(name),

    isFree: (place, names) =>
      access(places[place], async () => {
        for (const name of names) if (!(await isMissingPath(pathIn(places[place], encodeName(name))))) return false;
        return true;
      }),

    write: (place, name, text, { replace }) =>
      access(places[place], async () => {
        const target = join(places[place], name);
        if (!replace && !(await isMissingPath(target))) return false;
        const temporary = await writeTemporary(places[place], handle => handle.writeFile(text));
        const written = replace ? await rename(temporary, target).then(() => true) : await publish(temporary, target);
        await syncFolder(places[place]);
        return written;
      }),

    writeOutput: (name, blob) => access(places.out, () => writeOutput(places, name, blob)),
    takeAway: (source, to, options) => access(places[to], () => takeAway(places, source, to, options)),
  };
}

async function access<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw fromFileSystem(error, path);
  }
}

async function read(places: DropPlaces, source: LocalSource, maxBytes: number): Promise<DropRead> {
  let handle: FileHandle;
  try {
    handle = await open(pathIn(places.in, source.raw), READ_FLAGS);
  } catch (error) {
    // Gone, or a link by now: the next scan sees what is there.
    if (isMissing(error) || errnoName(error) === 'ELOOP') return { state: 'again' };
    throw error;
  }
  try {
    if (!isSame(source, await handle.stat({ bigint: true }))) return { state: 'again' };
    if (source.bytes > maxBytes) return { state: 'too_large' };
    const bytes = Buffer.alloc(source.bytes);
    let at = 0;
    while (at < bytes.length) {
      const { bytesRead } = await handle.read(bytes, at, bytes.length - at, at);
      if (bytesRead === 0) return { state: 'again' };
      at += bytesRead;
    }
    if (!isSame(source, await handle.stat({ bigint: true }))) return { state: 'again' };
    return { state: 'read', bytes, sha256: createHash('sha256').update(bytes).digest('hex'), own: false };
  } finally {
    await handle.close();
  }
}

function isSame(source: LocalSource, stats: BigIntStats): boolean {
  return sourceOf(source.raw, stats).identity === source.identity;
}

/** The path of a whole and synced file that has no name yet. */
async function writeTemporary(folder: string, fill: (handle: FileHandle) => Promise<void>): Promise<string> {
  const temporary = join(folder, `.~${randomUUID()}.tmp`);
  try {
    const handle = await open(temporary, 'wx', 0o600);
    try {
      await fill(handle);
      await handle.sync();
    } finally {
      await handle.close();
    }
    return temporary;
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {}); // the first error is the one to tell
    throw error;
  }
}

async function writeOutput(places: DropPlaces, name: string, blob: OutputBlob): Promise<void> {
  const target = join(places.out, name);
  if (!(await isMissingPath(target))) return;
  const hash = createHash('sha256');
  const temporary = await writeTemporary(places.out, async handle => {
    for await (const chunk of blob.stream) {
      hash.update(chunk);
      await handle.appendFile(chunk);
    }
    if (hash.digest('hex') === blob.sha256) return;
    throw new ReelayError('store_unavailable', 'The stored video is not the one that its record names.');
  });
  await publish(temporary, target);
  await syncFolder(places.out);
}

async function takeAway(
  places: DropPlaces,
  source: LocalSource,
  to: 'accepted' | 'rejected',
  { name, content }: { name?: string; content?: DropContent },
): Promise<void> {
  const from = pathIn(places.in, source.raw);
  const there = statOf(from);
  if (there === undefined || bodyOf(there) !== source.body) {
    // It was taken away or written over since it was read: what the job was made from is kept all the same.
    if (content !== undefined) await keepCopy(places[to], source, name, content);
    return;
  }
  const target = await freePath(places[to], source, name);
  await rename(from, target);
  const moved = statOf(target);
  if (moved !== undefined && bodyOf(moved) !== source.body) {
    // Someone put another file there between the look and the rename: it is a drop of its own and goes back.
    await putBack(places, source, target);
    if (content !== undefined) await keepCopy(places[to], source, name, content);
  }
  // No sync: a move that a power cut undoes is found in the watched folder and done again.
}

async function keepCopy(folder: string, source: LocalSource, name: string | undefined, content: DropContent) {
  const temporary = await writeTemporary(folder, handle => handle.writeFile(content.bytes));
  while (!(await renameIfFree(temporary, await freePath(folder, source, name))));
  await syncFolder(folder);
}

/** Its own name, or the one it was given; where those are taken, a safe one with its mark and a count. */
async function freePath(folder: string, source: LocalSource, name: string | undefined): Promise<Buffer> {
  const own = pathIn(folder, name === undefined ? source.raw : encodeName(name));
  if (await isMissingPath(own)) return own;
  for (let count = 1; ; count++) {
    const mark = source.identity.slice(0, 8) + (count === 1 ? '' : `-${count}`);
    const path = Buffer.from(join(folder, `${safeStem(source.name)}.${mark}${safeExtension(source.name)}`));
    if (await isMissingPath(path)) return path;
  }
}

async function putBack(places: DropPlaces, source: LocalSource, target: Buffer): Promise<void> {
  if (await renameIfFree(target, pathIn(places.in, source.raw))) return;
  while (!(await renameIfFree(target, await freePath(places.in, source, undefined))));
}
