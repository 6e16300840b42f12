import {
  closeSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { ReelayError } from '#core/errors.ts';
import { errnoName, fromFileSystem } from './file-error.ts';

/** The text of a file that is its owner's alone; undefined where it is not there. Throws a sentence where others may read it. */
export function readSecretFile(path: string): string | undefined {
  try {
    const { mode } = statSync(path);
    if (process.platform !== 'win32' && (mode & 0o077) !== 0)
      throw new ReelayError(
        'invalid_request',
        `${path}: others than its owner may read this private key (mode ${(mode & 0o777).toString(8)}); chmod 600 is allowed.`,
      );
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (errnoName(error) === 'ENOENT' || errnoName(error) === 'ENOTDIR') return undefined;
    throw fromFileSystem(error, path);
  }
}

/** Writes it where there is none, whole or not at all; of several first starts at once one makes it, and all read that. */
export function makeSecretFile(path: string, text: string): void {
  place(path, text, linkSync);
}

/** Writes it in place of what is there. */
export function replaceSecretFile(path: string, text: string): void {
  place(path, text, renameSync);
}

/** A link to a name that is taken fails. */
function place(path: string, text: string, put: (from: string, to: string) => void): void {
  const made = `${path}.${process.pid}.new`;
  const file = openSync(made, 'w', 0o600);
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  try {
    put(made, path);
  } catch (error) {
    if (errnoName(error) !== 'EEXIST') throw error;
  } finally {
    rmSync(made, { force: true });
  }
}
