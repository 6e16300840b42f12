import { ReelayError } from '#core/errors.ts';

/** errno names with what a person can do about them; the rest keep the system's words. */
const SENTENCES: Readonly<Record<string, string>> = {
  ENOSPC: 'cannot be written: the disk is full',
  EDQUOT: 'cannot be written: the disk quota is used up',
  EACCES: 'cannot be opened: check its permissions',
  EPERM: 'cannot be opened: check its permissions',
  EROFS: 'cannot be written: the disk is read-only',
  EMFILE: 'cannot be opened: this process has too many files open',
  EIO: 'cannot be read or written: the disk reports an error',
  ENOTDIR: 'cannot be made: part of its path is a file, not a folder',
  EEXIST: 'cannot be made: part of its path is a file, not a folder',
  EISDIR: 'cannot be written: a folder lies there',
};

/** The errno name of a system error, or undefined. */
export function errnoName(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** A file or folder that is not there, or cannot be because its parent is a file. */
export function isMissing(error: unknown): boolean {
  const name = errnoName(error);
  return name === 'ENOENT' || name === 'ENOTDIR';
}

/** Any error as a ReelayError: those of the file system become `store_unavailable` with a sentence that names the path. */
export function fromFileSystem(error: unknown, path: string): ReelayError {
  if (error instanceof ReelayError) return error;
  const said = SENTENCES[errnoName(error) ?? ''];
  const sentence = said ?? `does not work: ${error instanceof Error ? error.message : String(error)}`;
  return new ReelayError('store_unavailable', `The file ${path} ${sentence}.`, { cause: error });
}
