import { blobPrefixSegments, blobSegments, checkRange } from '#adapters/blob-key.ts';
import type { BlobStore } from '#core/ports.ts';

/** A BlobStore that can be looked into. */
export interface MemoryBlobStore extends BlobStore {
  readonly blobs: ReadonlyMap<string, Uint8Array>;
}

/** Told of writes, before anyone else can see them. */
export interface BlobWatch {
  readonly onPut?: (key: string, bytes: Uint8Array) => void;
  readonly onDelete?: (prefix: string, keys: readonly string[]) => void;
}

/** The BlobStore port in memory. Every call has its whole effect before it returns its promise. */
export function createMemoryBlobStore({ onPut, onDelete }: BlobWatch = {}): MemoryBlobStore {
  const blobs = new Map<string, Uint8Array>();
  const etags = new Map<string, string>();
  let puts = 0;
  const stored = (key: string, bytes: Uint8Array) => ({ bytes: bytes.length, etag: etags.get(key)! });
  return {
    blobs,
    async put(key, bytes) {
      blobSegments(key);
      const kept = bytes.slice();
      blobs.set(key, kept);
      etags.set(key, `e${++puts}`);
      onPut?.(key, kept);
      return stored(key, kept);
    },
    async head(key) {
      blobSegments(key);
      const bytes = blobs.get(key);
      return bytes === undefined ? undefined : stored(key, bytes);
    },
    async get(key, range) {
      blobSegments(key);
      const bytes = blobs.get(key);
      if (bytes === undefined) return undefined;
      if (range !== undefined) checkRange(range, bytes.length);
      const part = range === undefined ? bytes : bytes.subarray(range.start, range.end + 1);
      return { ...stored(key, bytes), stream: chunksOf(part) };
    },
    async deletePrefix(prefix) {
      blobPrefixSegments(prefix);
      const keys = [...blobs.keys()].filter(key => key.startsWith(prefix));
      for (const key of keys) blobs.delete(key);
      onDelete?.(prefix, keys);
    },
    async presign(key) {
      blobSegments(key);
      return undefined;
    },
  };
}

const CHUNK_BYTES = 65_536;

async function* chunksOf(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) yield bytes.slice(at, at + CHUNK_BYTES);
}
