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
import { join } from 'node:path';
import { newReceiptKey, type ReceiptKeys, receiptKeysFrom, retiredKeys } from '#adapters/receipt-keys.ts';
import { ReelayError } from '#core/errors.ts';
import { errnoName, fromFileSystem } from './file-error.ts';

/** The keys of a data folder's receipts, in PEM; the first signs. */
export function receiptKeyPath(folder: string): string {
  return join(folder, 'receipt-key.pem');
}

/** The keys of a data folder, made at its first start. Throws a sentence where the file is not a key, or not its owner's alone. */
export function openReceiptKeys(folder: string): ReceiptKeys {
  const path = receiptKeyPath(folder);
  try {
    if (readIfThere(path) === undefined) place(path, newReceiptKey(), linkSync);
    return receiptKeysFrom(readIfThere(path) ?? '', path);
  } catch (error) {
    throw fromFileSystem(error, path);
  }
}

/** The keys of a data folder; undefined where it has none. Makes nothing. */
export function readReceiptKeys(folder: string): ReceiptKeys | undefined {
  const path = receiptKeyPath(folder);
  const pem = readIfThere(path);
  return pem === undefined ? undefined : receiptKeysFrom(pem, path);
}

/** Puts a new key before the others, of which only the public halves stay. Servers take it up when they start again. */
export function rotateReceiptKey(folder: string): ReceiptKeys {
  const path = receiptKeyPath(folder);
  try {
    const before = openReceiptKeys(folder);
    place(path, newReceiptKey() + retiredKeys(readFileSync(path, 'utf8'), path), renameSync);
    const after = receiptKeysFrom(readFileSync(path, 'utf8'), path);
    if (after.key === before.key) throw new ReelayError('internal', `${path}: the new key is not there.`);
    return after;
  } catch (error) {
    throw fromFileSystem(error, path);
  }
}

function readIfThere(path: string): string | undefined {
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

/** Whole or not at all. A link to a name that is taken fails, so of several first starts at once one makes the key. */
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
