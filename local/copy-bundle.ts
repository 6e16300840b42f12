import { createHash } from 'node:crypto';
import { mkdir, open, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { syncFolder } from '#adapters/local/durable-folder.ts';
import { fromFileSystem } from '#adapters/local/file-error.ts';
import { ReelayError } from '#core/errors.ts';
import { limits } from '#core/limits.ts';
import {
  checkPresence,
  hashDiffers,
  type ListedFile,
  openPlainFile,
  whyUnreadable,
} from '#gpu-container/runtime/bundle-files.ts';

/** A file to copy; with a hash, it must have that one. */
export interface FileToCopy {
  readonly path: string;
  readonly bytes: number;
  readonly sha256?: string;
}

/** From where to where, and who watches. */
export interface CopyOptions {
  /** For messages. */
  readonly name: string;
  /** A real path. */
  readonly from: string;
  readonly to: string;
  readonly onProgress?: ((copied: number, all: number) => void) | undefined;
}

/**
 * Copies the files of a bundle, hashing on the way, and fsyncs them; returns what was written. Throws `bundle_corrupt` for a file
 * that is not what it should be, `store_unavailable` when the disk has no room for all of them or fails.
 */
export async function copyBundle(files: readonly FileToCopy[], options: CopyOptions): Promise<ListedFile[]> {
  const { name, from, to, onProgress } = options;
  const all = files.reduce((sum, file) => sum + file.bytes, 0);
  await makeFolder(to);
  await refuseFullDisk(name, to, all);
  for (const file of files) await checkPresence(name, from, file);
  const written: ListedFile[] = [];
  const folders = new Set<string>([to]);
  let copied = 0;
  for (const file of files) {
    const target = join(to, file.path);
    await makeFolder(dirname(target));
    folders.add(dirname(target));
    const sha256 = await copyFile(name, join(from, file.path), target, file, bytes => {
      copied += bytes;
      onProgress?.(copied, all);
    });
    const listed = { path: file.path, bytes: file.bytes, sha256 };
    if (file.sha256 !== undefined && file.sha256 !== sha256)
      throw hashDiffers(name, { ...listed, sha256: file.sha256 }, sha256);
    written.push(listed);
  }
  for (const folder of folders) await syncFolder(folder);
  return written;
}

async function makeFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 }).catch(writing(folder));
}

/** Turns what goes wrong on the data folder's side into a sentence. */
const writing = (path: string) => (error: unknown) => {
  throw fromFileSystem(error, path);
};

/** Found out before the copying, not at its end. */
async function refuseFullDisk(name: string, folder: string, bytes: number): Promise<void> {
  const disk = await statfs(folder).catch(writing(folder));
  const free = disk.bavail * disk.bsize;
  if (free - bytes >= limits.minFreeBytes) return;
  const gb = (value: number) => `${(value / 1e9).toFixed(1)} GB`;
  throw new ReelayError(
    'store_unavailable',
    `${name}: its files are ${gb(bytes)}; the disk of ${folder} has ${gb(free)} free, of which ${gb(limits.minFreeBytes)} must stay.`,
    { retryable: false },
  );
}

const READ_BYTES = 4_194_304;

/** The file's sha256. A file that grows or shrinks meanwhile is refused: the list says how long it is. */
async function copyFile(
  name: string,
  from: string,
  to: string,
  file: FileToCopy,
  onBytes: (bytes: number) => void,
): Promise<string> {
  const reading = (error: unknown) => {
    throw whyUnreadable(error, name, file.path);
  };
  const source = await openPlainFile(from).catch(reading);
  try {
    const target = await open(to, 'wx', 0o600).catch(writing(to));
    try {
      const hash = createHash('sha256');
      const buffer = Buffer.alloc(Math.min(READ_BYTES, file.bytes + 1));
      let at = 0;
      for (;;) {
        const { bytesRead } = await source.read(buffer, 0, buffer.length, at).catch(reading);
        if (bytesRead === 0) break;
        at += bytesRead;
        if (at > file.bytes) break;
        const piece = buffer.subarray(0, bytesRead);
        hash.update(piece);
        await target.writeFile(piece).catch(writing(to));
        onBytes(bytesRead);
      }
      if (at !== file.bytes)
        throw new ReelayError('bundle_corrupt', `${name}: ${file.path} changed its length while it was copied.`);
      await target.sync().catch(writing(to));
      return hash.digest('hex');
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}
