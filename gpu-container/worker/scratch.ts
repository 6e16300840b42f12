import { createHash } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ReelayError } from '#core/errors.ts';

/** A folder of one attempt's own, for the renderer's files. */
export interface Scratch {
  /** Absolute. */
  readonly folder: string;
  /** A file that the renderer wrote. */
  read(path: string): Promise<Uint8Array>;
  /** Writes a file for the renderer; its path and the hash of its bytes, lower-case hex. */
  write(name: string, bytes: Uint8Array): Promise<{ path: string; sha256: string }>;
  remove(): Promise<void>;
}

/** Makes the folder. Errors of the disk are `store_unavailable`: they say nothing about the job. */
export async function openScratch(folder: string): Promise<Scratch> {
  await onDisk(() => mkdir(folder, { recursive: true, mode: 0o700 }));
  return {
    folder,
    read: path => onDisk(() => readFile(path)),
    write: async (name, bytes) => {
      const path = join(folder, name);
      await onDisk(() => writeFile(path, bytes, { mode: 0o600 }));
      return { path, sha256: createHash('sha256').update(bytes).digest('hex') };
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

async function onDisk<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw new ReelayError('store_unavailable', 'The scratch folder of the worker cannot be read or written.', {
      cause,
    });
  }
}
