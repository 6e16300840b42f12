/**
 * What stored references and videos may take of a process's memory while new jobs are made of them: a request of a hundred bytes names
 * 33 MB, so that its own size bounds nothing.
 */
import { ReelayError } from '../errors.ts';
import { limits } from '../limits.ts';
import type { BlobStore } from '../ports.ts';

/** By blob store: every door of a process has the same one. */
const inUse = new WeakMap<BlobStore, number>();

/**
 * Runs `use` while so many bytes of the store are counted as loaded. Throws `queue_full`, with nothing loaded, where they would be more
 * than limits.maxLoadedBytes together.
 */
export async function countLoaded<T>(blobs: BlobStore, bytes: number, use: () => Promise<T>): Promise<T> {
  const before = inUse.get(blobs) ?? 0;
  if (before + bytes > limits.maxLoadedBytes)
    throw new ReelayError('queue_full', 'This server is copying as many stored videos as it may; try again shortly.');
  inUse.set(blobs, before + bytes);
  try {
    return await use();
  } finally {
    inUse.set(blobs, (inUse.get(blobs) ?? 0) - bytes);
  }
}
