/** @file The files of a bundle on disk: plain ones only, reached through no link, read in pieces. */
import { createHash } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import { type FileHandle, lstat, open, realpath } from 'node:fs/promises';
import { basename, dirname, join, posix, resolve } from 'node:path';
import { ReelayError } from '#core/errors.ts';
import { checkGraph, type Neighbour } from './check-graph.ts';
import type { OnnxModel } from './onnx-graph.ts';
import { windowOf } from './onnx-wire.ts';

/** A file as bundle.json lists it. */
export interface ListedFile {
  readonly path: string;
  readonly bytes: number;
  /** Lower-case hex. */
  readonly sha256: string;
}

/** For messages: a folder's last two names, "models/reelay-mini". */
export function bundleName(folder: string): string {
  const path = resolve(folder);
  return `${basename(dirname(path))}/${basename(path)}`;
}

/** A file-system error on the way to a bundle's file as `bundle_corrupt`, in a sentence; any other error as it is. */
export function whyUnreadable(error: unknown, name: string, path: string): unknown {
  if (error instanceof ReelayError || !(error instanceof Error && 'syscall' in error && 'code' in error)) return error;
  return new ReelayError('bundle_corrupt', `${name}: ${path} cannot be read (${error.code}).`, { cause: error });
}

/**
 * Bytes of a plain file in `root`, which is a real path; undefined where there is nothing. `bundle_corrupt` for a link, a folder and
 * whatever else is no plain file; the file itself may have other names.
 */
export async function plainFileBytes(name: string, root: string, path: string): Promise<number | undefined> {
  const full = join(root, path);
  const stats = await lstat(full).catch(error => {
    if (['ENOENT', 'ENOTDIR'].includes(error.code)) return undefined;
    throw whyUnreadable(error, name, path);
  });
  if (stats === undefined) return undefined;
  const real = await realpath(full).catch(error => {
    throw whyUnreadable(error, name, path);
  });
  if (!stats.isFile() || real !== full)
    throw new ReelayError(
      'bundle_corrupt',
      `${name}: ${path} is not a plain file inside the bundle; links are not followed (cp -rL makes a copy without).`,
    );
  return stats.size;
}

/** Opens a plain file to read; never through a link, and never waiting for a pipe. */
export function openPlainFile(path: string): Promise<FileHandle> {
  const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants;
  return open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
}

/**
 * Text of a plain file in `root`, or of its first `bytes`; undefined where there is nothing. `bundle_corrupt` for what is no plain
 * file and for what cannot be read.
 */
export async function readPlainText(
  name: string,
  root: string,
  path: string,
  bytes = Number.POSITIVE_INFINITY,
): Promise<string | undefined> {
  const size = await plainFileBytes(name, root, path);
  if (size === undefined) return undefined;
  try {
    const file = await openPlainFile(join(root, path));
    try {
      if (size <= bytes) return await file.readFile('utf8');
      const { buffer, bytesRead } = await file.read(Buffer.alloc(bytes), 0, bytes, 0);
      return buffer.toString('utf8', 0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (error) {
    throw whyUnreadable(error, name, path);
  }
}

/** A file is there, plain, and as long as it should be: quick, for all files before the first is read. */
export async function checkPresence(name: string, root: string, file: Omit<ListedFile, 'sha256'>): Promise<void> {
  const bytes = await plainFileBytes(name, root, file.path);
  if (bytes === undefined) throw new ReelayError('bundle_corrupt', `${name}: ${file.path} is missing.`);
  if (bytes !== file.bytes)
    throw new ReelayError(
      'bundle_corrupt',
      `${name}: ${file.path} has ${bytes} bytes, bundle.json says ${file.bytes}.`,
    );
}

/** A file's bytes are those that the manifest vouches for. */
export async function checkHash(name: string, root: string, file: ListedFile): Promise<void> {
  const sha256 = await hashFile(join(root, file.path)).catch(error => {
    throw whyUnreadable(error, name, file.path);
  });
  if (sha256 !== file.sha256) throw hashDiffers(name, file, sha256);
}

/** What is said of a file with another hash. */
export function hashDiffers(name: string, file: ListedFile, sha256: string): ReelayError {
  const [listed, found] = [file.sha256, sha256].map(hash => `${hash.slice(0, 12)}…`);
  return new ReelayError(
    'bundle_corrupt',
    `${name}: ${file.path} does not match its sha256: bundle.json says ${listed}, the file has ${found}.`,
  );
}

/**
 * The graph at a path of the bundle, read and checked before ONNX Runtime meets it; `neighbour` tells the bytes of the files beside it,
 * by their path in the bundle. Throws `bundle_invalid` in a sentence that names the file, `bundle_corrupt` when it cannot be read.
 */
export async function readGraph(name: string, root: string, path: string, neighbour: Neighbour): Promise<OnnxModel> {
  const file = await openPlainFile(join(root, path)).catch(error => {
    throw whyUnreadable(error, name, path);
  });
  try {
    const { size } = await file.stat();
    return checkGraph(windowOf(file.fd, size), location => neighbour(posix.join(posix.dirname(path), location)));
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw whyUnreadable(cause, name, path);
    throw new ReelayError('bundle_invalid', `${name}: ${path} is no graph that can be loaded: ${cause.message}.`, {
      cause,
    });
  } finally {
    await file.close();
  }
}

/** Large reads: 20 GB are some 20,000 of them. */
const READ_BYTES = 1_048_576;

async function hashFile(path: string): Promise<string> {
  const handle = await openPlainFile(path);
  const hash = createHash('sha256');
  for await (const chunk of createReadStream('', { fd: handle, highWaterMark: READ_BYTES })) hash.update(chunk);
  return hash.digest('hex');
}
