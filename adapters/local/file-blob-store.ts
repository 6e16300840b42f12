import { createHash, randomUUID } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { blobPrefixSegments, blobSegments, checkRange } from '#adapters/blob-key.ts';
import { translatedStream } from '#adapters/translated-stream.ts';
import type { BlobBody, BlobStore, StoredBlob } from '#core/ports.ts';
import { type FileFunctions, makeFolder, nodeFiles, syncFolder } from './durable-folder.ts';
import { fromFileSystem, isMissing } from './file-error.ts';

/** Where the bytes of a key lie, as an absolute path. Throws `invalid_request` for a key outside the grammar. */
export function blobPath(rootFolder: string, key: string): string {
  return join(resolve(rootFolder), ...blobSegments(key));
}

/**
 * Blobs as plain files below a folder, which is made on the first put. The content type is not kept: the record knows it. A key
 * cannot be both a file and a folder of other keys. There are no links: `presign` gives undefined.
 *
 * A put that fails leaves the old bytes or nothing; only when the last step failed, making the new name durable, are the new bytes seen,
 * all of them. `files` is the disk, for tests.
 */
export function createFileBlobStore(rootFolder: string, files: FileFunctions = nodeFiles): BlobStore {
  return {
    async put(key, bytes) {
      const path = blobPath(rootFolder, key);
      return access(path, () => replaceFile(files, path, bytes));
    },

    async head(key) {
      const path = blobPath(rootFolder, key);
      return access(path, () => headOf(files, path));
    },

    async get(key, range) {
      const path = blobPath(rootFolder, key);
      return access(path, () => read(files, path, range));
    },

    async deletePrefix(prefix) {
      const path = join(resolve(rootFolder), ...blobPrefixSegments(prefix));
      await access(path, async () => {
        await files.rm(path, { recursive: true, force: true });
        await syncFolder(dirname(path), files).catch(ignoreMissing);
      });
    },

    async presign(key) {
      blobSegments(key);
      return undefined;
    },
  };
}

async function access<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw fromFileSystem(error, path);
  }
}

/** Temporary file, fsync, rename, fsync of the folder: whoever reads sees the old bytes or the new, also after a power cut. */
async function replaceFile(files: FileFunctions, path: string, bytes: Uint8Array): Promise<StoredBlob> {
  const folder = dirname(path);
  await makeFolder(folder, files);
  // `~` is outside the key grammar, so no key can name it; deletePrefix takes what a crash leaves.
  const temporary = join(folder, `~${randomUUID()}.tmp`);
  try {
    const handle = await files.open(temporary, 'wx', 0o600);
    try {
      await handle.writeFile(bytes);
      await handle.sync();
      const stored = describe(await handle.stat({ bigint: true }));
      await files.rename(temporary, path);
      await syncFolder(folder, files);
      return stored;
    } finally {
      await handle.close();
    }
  } catch (error) {
    await files.rm(temporary, { force: true }).catch(() => {}); // the first error is the one to tell
    throw error;
  }
}

async function headOf(files: FileFunctions, path: string): Promise<StoredBlob | undefined> {
  try {
    const stats = await files.stat(path, { bigint: true });
    return stats.isFile() ? describe(stats) : undefined;
  } catch (error) {
    return ignoreMissing(error);
  }
}

async function read(
  files: FileFunctions,
  path: string,
  range: { start: number; end: number } | undefined,
): Promise<BlobBody | undefined> {
  const handle = await files.open(path, 'r').catch(ignoreMissing);
  if (handle === undefined) return undefined;
  try {
    // Of the open file, so that size, etag and bytes belong together even if a put replaces the name meanwhile.
    const stats = await handle.stat({ bigint: true });
    if (!stats.isFile()) {
      await handle.close();
      return undefined;
    }
    const stored = describe(stats);
    if (range !== undefined) checkRange(range, stored.bytes);
    const stream = handle.createReadStream(range ?? {});
    return { ...stored, stream: translatedStream(stream, error => fromFileSystem(error, path)) };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/**
 * The etag hashes size, modification time and inode rather than the bytes: a head stays one stat. A put makes a new inode, so it
 * changes with every put, and a restart leaves it as it is.
 */
function describe(stats: BigIntStats): StoredBlob {
  const identity = `${stats.size}:${stats.mtimeNs}:${stats.ino}`;
  return { bytes: Number(stats.size), etag: createHash('sha256').update(identity).digest('hex').slice(0, 32) };
}

function ignoreMissing(error: unknown): undefined {
  if (isMissing(error)) return undefined;
  throw error;
}
