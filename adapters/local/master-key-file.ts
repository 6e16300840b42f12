import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { readMasterKey } from '#adapters/master-key.ts';
import { createSealing, type Sealing } from '#adapters/sealing.ts';
import type { KeyValueStore } from '#core/ports.ts';
import { fromFileSystem } from './file-error.ts';
import { makeSecretFile, readSecretFile } from './secret-file.ts';

/** The key of a data folder that all keys of people are wrapped with, 64 characters of hex. Without it nothing that is sealed opens. */
export function masterKeyPath(folder: string): string {
  return join(folder, 'master-key');
}

/** The master key of a data folder, made at its first start. Throws a sentence where the file is none, or not its owner's alone. */
export function openMasterKey(folder: string): Uint8Array {
  const path = masterKeyPath(folder);
  try {
    if (readSecretFile(path) === undefined) makeSecretFile(path, `${randomBytes(32).toString('hex')}\n`);
    return readMasterKey(readSecretFile(path) ?? '', path);
  } catch (error) {
    throw fromFileSystem(error, path);
  }
}

/** Sealing with the master key of a data folder. */
export function openSealing(
  folder: string,
  stores: { readonly kv: KeyValueStore; readonly now: () => number },
): Sealing {
  return createSealing({ ...stores, master: openMasterKey(folder), where: masterKeyPath(folder) });
}
