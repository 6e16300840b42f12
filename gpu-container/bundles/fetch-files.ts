/**
 * @file The files of a bundle, streamed to disk. Many ranges come at once and are hashed and written in their order, so that a file on
 * disk is always a hashed beginning: after a kill it is read once more and gone on from. What is not yet its turn waits in memory, never
 * more than limits.bundleRanges ranges.
 */
import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { syncFolder } from '#adapters/local/durable-folder.ts';
import { fromFileSystem } from '#adapters/local/file-error.ts';
import { type ByteRange, bundleKey, type ObjectSource } from '#core/bundle-objects.ts';
import { ReelayError } from '#core/errors.ts';
import { limits } from '#core/limits.ts';
import type { ListedFile } from '#gpu-container/runtime/bundle-files.ts';
import { inOrder } from './in-order.ts';
import { type RangePatience, readRange } from './read-range.ts';

/** From where to where. */
export interface FetchFilesOptions {
  readonly source: ObjectSource;
  readonly digest: string;
  /** Files that are there already are gone on from. */
  readonly folder: string;
  readonly signal: AbortSignal;
  readonly onProgress?: ((bytes: number) => void) | undefined;
  readonly patience?: RangePatience | undefined;
}

/**
 * Fetches files until each has its bytes, its sha256 and an fsync. Throws `bundle_corrupt` with the file and both hashes where the source
 * has other bytes (what came is removed), `store_unavailable` where it or the disk does not answer, the signal's reason when aborted.
 */
export async function fetchFiles(files: readonly ListedFile[], options: FetchFilesOptions): Promise<void> {
  const { folder, source, digest, signal, patience, onProgress } = options;
  const folders = new Set([folder, ...files.map(file => join(folder, dirname(file.path)))]);
  for (const one of folders) await onDisk(one, () => mkdir(one, { recursive: true, mode: 0o700 }));
  const writers: FileWriter[] = [];
  try {
    for (const file of files) {
      const writer = await openWriter(options, file);
      writers.push(writer);
      onProgress?.(writer.at());
    }
    const rooms: Buffer[] = []; // used again and again: what is thrown away stays resident until the collector comes by
    const fetched = inOrder(
      pieces(writers),
      { width: limits.bundleRanges, signal },
      async ({ writer, range }, both) => {
        const room = rooms.pop() ?? Buffer.allocUnsafeSlow(limits.bundleRangeBytes);
        const key = bundleKey(digest, writer.file.path);
        return { writer, room, bytes: await readRange(source, key, range, both, patience, room) };
      },
    );
    for await (const { writer, room, bytes } of fetched) {
      await writer.write(bytes);
      rooms.push(room);
      onProgress?.(bytes.length);
      if (writer.at() === writer.file.bytes) await writer.finish();
    }
    for (const writer of writers) await writer.finish();
  } finally {
    for (const writer of writers) await writer.close();
  }
  for (const one of folders) await onDisk(one, () => syncFolder(one));
}

/** What is missing, file after file, in ranges. */
function* pieces(writers: readonly FileWriter[]): Generator<{ writer: FileWriter; range: ByteRange }> {
  for (const writer of writers)
    for (let start = writer.at(); start < writer.file.bytes; start += limits.bundleRangeBytes)
      yield { writer, range: { start, end: Math.min(start + limits.bundleRangeBytes, writer.file.bytes) - 1 } };
}

/** A file that grows from its beginning. */
interface FileWriter {
  readonly file: ListedFile;
  /** Bytes that are written and hashed. */
  at(): number;
  write(bytes: Uint8Array): Promise<void>;
  /** Checks the hash and makes the bytes durable; again is fine. */
  finish(): Promise<void>;
  close(): Promise<void>;
}

async function openWriter(options: FetchFilesOptions, file: ListedFile): Promise<FileWriter> {
  const path = join(options.folder, file.path);
  const handle = await onDisk(path, () => open(path, 'a+', 0o600));
  let { hash, at } = await hashed(path, handle, file);
  const resumed = at > 0;
  let finished = false;
  let closed = false;
  return {
    file,
    at: () => at,
    async write(bytes) {
      hash.update(bytes);
      await onDisk(path, () => handle.appendFile(bytes));
      at += bytes.length;
    },
    async finish() {
      if (finished) return;
      const sha256 = hash.digest('hex');
      if (sha256 !== file.sha256) {
        await rm(path, { force: true });
        throw wrongHash(options.source, file, sha256, resumed);
      }
      await onDisk(path, () => handle.sync());
      finished = true;
    },
    async close() {
      if (!closed) await handle.close();
      closed = true;
    },
  };
}

/** What an earlier fetch left, hashed; a file that is too long cannot be a beginning. */
async function hashed(path: string, handle: FileHandle, file: ListedFile): Promise<{ hash: Hash; at: number }> {
  const hash = createHash('sha256');
  const { size } = await onDisk(path, () => handle.stat());
  if (size > file.bytes) {
    await onDisk(path, () => handle.truncate(0));
    return { hash, at: 0 };
  }
  const left = createReadStream('', { fd: handle, start: 0, autoClose: false, highWaterMark: limits.bundleRangeBytes });
  if (size > 0) await onDisk(path, async () => void (await feed(hash, left)));
  return { hash, at: size };
}

async function feed(hash: Hash, stream: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const piece of stream) hash.update(piece);
}

async function onDisk<T>(path: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw fromFileSystem(error, path);
  }
}

/** After a resume the fault may be the disk's (a power cut), so that another try from nothing may help; otherwise it is the source's. */
function wrongHash(source: ObjectSource, file: ListedFile, sha256: string, resumed: boolean): ReelayError {
  return new ReelayError(
    'bundle_corrupt',
    `${source.name}: ${file.path} does not match its sha256: bundle.json says ${file.sha256}, what came has ${sha256}. It was removed and is not used.`,
    { retryable: resumed },
  );
}
