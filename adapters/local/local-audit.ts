import { randomBytes, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pseudonymHmacOf, readPseudonymKey, sha256Hex } from '#adapters/audit-crypto.ts';
import type { AuditPort } from '#core/audit/audit-port.ts';
import { openAudit } from '#core/audit/open-audit.ts';
import type { LedgerPorts } from '#core/audit/shard-head.ts';
import { fromFileSystem } from './file-error.ts';
import { holdLock, type ProcessLock } from './process-lock.ts';
import { openReceiptKeys } from './receipt-key-file.ts';
import { makeSecretFile, readSecretFile } from './secret-file.ts';

/** The ledger of a data folder, for one process of it. */
export interface LocalAudit extends AuditPort {
  /** Leaves the process's shard to the next one; again is fine. */
  readonly close: () => void;
}

/** The key of a data folder's pseudonyms, 64 characters of hex. */
export function pseudonymKeyPath(folder: string): string {
  return join(folder, 'audit-key');
}

/**
 * Each process of a folder has a shard of its own, `door-0` the first: the lowest whose lock is free, so that there are as many as there
 * ever were processes at once. The folder's pseudonym key is made with the first record.
 */
export function createLocalAudit(folder: string, stores: Pick<LedgerPorts, 'kv' | 'blobs' | 'now'>): LocalAudit {
  const { kv, blobs, now } = stores;
  let held: { shard: string; lock: ProcessLock } | undefined;
  const audit = openAudit(() => {
    held ??= holdShard(folder);
    return {
      ...{ kv, now, shard: held.shard, random: randomBytes, sha256: sha256Hex, hmacOf: pseudonymHmacOf },
      pseudonymKey: openPseudonymKey(folder),
      writer: randomUUID(),
      sleep: ms => sleep(ms),
      closer: { blobs, signer: openReceiptKeys(folder) },
    };
  });
  return {
    ...audit,
    close: () => {
      held?.lock.release();
      held = undefined;
    },
  };
}

/** The key of a data folder, made where there is none. Throws a sentence where the file is none, or not its owner's alone. */
export function openPseudonymKey(folder: string): string {
  const path = pseudonymKeyPath(folder);
  try {
    if (readSecretFile(path) === undefined) makeSecretFile(path, `${randomBytes(32).toString('hex')}\n`);
    return readPseudonymKey(readSecretFile(path) ?? '', path);
  } catch (error) {
    throw fromFileSystem(error, path);
  }
}

function holdShard(folder: string): { shard: string; lock: ProcessLock } {
  for (let n = 0; ; n++) {
    const shard = `door-${n}`;
    const lock = holdLock(join(folder, 'audit', `${shard}.lock`));
    if (lock !== undefined) return { shard, lock };
  }
}
