import { randomBytes } from 'node:crypto';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { readMasterKey } from '#adapters/master-key.ts';
import { createSealing, type Sealing } from '#adapters/sealing.ts';
import { ReelayError } from '#core/errors.ts';
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

/**
 * Sealing with the master key of a data folder. A key that was made just now, and is not the one that the folder's prompts were sealed
 * with, does not stay: whoever looks for the lost one, or backs the folder up, would take it for that.
 */
export function openSealing(
  folder: string,
  stores: { readonly kv: KeyValueStore; readonly now: () => number },
): Sealing {
  const where = masterKeyPath(folder);
  const wasThere = existsSync(where);
  const sealing = createSealing({ ...stores, master: openMasterKey(folder), where });
  return wasThere ? sealing : { ...sealing, check: () => sealing.check().catch(error => dropNew(where, error)) };
}

function dropNew(path: string, error: unknown): never {
  if (error instanceof ReelayError && error.code === 'invalid_request') rmSync(path, { force: true });
  throw error;
}
