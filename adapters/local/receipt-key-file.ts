import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { newReceiptKey, type ReceiptKeys, receiptKeysFrom, retiredKeys } from '#adapters/receipt-keys.ts';
import { ReelayError } from '#core/errors.ts';
import { fromFileSystem } from './file-error.ts';
import { makeSecretFile, readSecretFile, replaceSecretFile } from './secret-file.ts';

/** The keys of a data folder's receipts, in PEM; the first signs. */
export function receiptKeyPath(folder: string): string {
  return join(folder, 'receipt-key.pem');
}

/** The keys of a data folder, made at its first start. Throws a sentence where the file is not a key, or not its owner's alone. */
export function openReceiptKeys(folder: string): ReceiptKeys {
  const path = receiptKeyPath(folder);
  try {
    if (readSecretFile(path) === undefined) makeSecretFile(path, newReceiptKey());
    return receiptKeysFrom(readSecretFile(path) ?? '', path);
  } catch (error) {
    throw fromFileSystem(error, path);
  }
}

/** The keys of a data folder; undefined where it has none. Makes nothing. */
export function readReceiptKeys(folder: string): ReceiptKeys | undefined {
  const path = receiptKeyPath(folder);
  const pem = readSecretFile(path);
  return pem === undefined ? undefined : receiptKeysFrom(pem, path);
}

/** Puts a new key before the others, of which only the public halves stay. Servers take it up when they start again. */
export function rotateReceiptKey(folder: string): ReceiptKeys {
  const path = receiptKeyPath(folder);
  try {
    const before = openReceiptKeys(folder);
    replaceSecretFile(path, newReceiptKey() + retiredKeys(readFileSync(path, 'utf8'), path));
    const after = receiptKeysFrom(readFileSync(path, 'utf8'), path);
    if (after.key === before.key) throw new ReelayError('internal', `${path}: the new key is not there.`);
    return after;
  } catch (error) {
    throw fromFileSystem(error, path);
  }
}
