import { join } from 'node:path';
import { pseudonymHmac, sha256Hex } from '#adapters/audit-crypto.ts';
import { type FileFunctions, nodeFiles } from '#adapters/local/durable-folder.ts';
import { createFileBlobStore } from '#adapters/local/file-blob-store.ts';
import { openDatabase } from '#adapters/local/sqlite.ts';
import { createSqliteKeyValueStore } from '#adapters/local/sqlite-key-value-store.ts';
import { newReceiptKey, receiptKeysFrom } from '#adapters/receipt-keys.ts';
import { readStoredLedger } from '#core/audit/ledger-reader.ts';
import { pseudonymOf } from '#core/audit/pseudonym.ts';
import { type AuditEntry, type AuditRecord, readRecord } from '#core/audit/record.ts';
import type { LedgerPorts } from '#core/audit/shard-head.ts';
import { type Anchor, readStatement } from '#core/audit/statement.ts';
import { type LedgerReport, verifyLedger } from '#core/audit/verify-ledger.ts';
import type { BlobStore, KeyValueStore } from '#core/ports.ts';
import { temporaryFolder } from '#test/contracts/local-folder.ts';

export const keys = receiptKeysFrom(newReceiptKey(), 'test');
export const installation = '6b1f';
export const hmac = pseudonymHmac(Buffer.alloc(32, 7));
export const noon = Date.UTC(2026, 10, 21, 12);
export const evidence = { sha256: sha256Hex, verify: keys.verify, installation };

export type Stores = Pick<LedgerPorts, 'kv' | 'blobs'>;

export interface AuditWorld {
  readonly folder: string;
  readonly stores: Stores;
  readonly time: { nowMs: number };
  /** Of a process whose stores are these. */
  ports(stores?: Stores): LedgerPorts;
  verify(anchors?: readonly Anchor[]): Promise<LedgerReport>;
  records(shard: string): Promise<readonly AuditRecord[]>;
  /** For settings of the database. */
  exec(sql: string): void;
  close(): void;
}

/** A disk that is never waited for. */
const lazyFiles: FileFunctions = {
  ...nodeFiles,
  open: async (...args) => {
    const handle = await nodeFiles.open(...args);
    handle.sync = async () => undefined;
    return handle;
  },
};

/** The local adapters in a folder of their own, on a clock that the test moves. */
export function openAuditWorld({ durable = false } = {}): AuditWorld {
  const folder = temporaryFolder();
  const db = openDatabase(folder.path);
  if (!durable) db.exec('PRAGMA synchronous=OFF'); // what is shown here does not depend on the disk
  const stores = {
    kv: createSqliteKeyValueStore(db),
    blobs: createFileBlobStore(join(folder.path, 'blobs'), lazyFiles),
  };
  const time = { nowMs: noon };
  return {
    folder: folder.path,
    stores,
    time,
    ports: (own = stores) => ({ ...own, sha256: sha256Hex, signer: keys, now: () => time.nowMs, installation }),
    verify: (anchors = []) => verifyLedger(readStoredLedger(stores), anchors, evidence),
    records: shard => Array.fromAsync(recordsOf(stores, shard)),
    exec: sql => db.exec(sql),
    close: () => {
      db.close();
      folder.remove();
    },
  };
}

async function* recordsOf(stores: Stores, shard: string): AsyncGenerator<AuditRecord> {
  const reader = readStoredLedger(stores);
  for (let segment = 1; ; segment++) {
    const stored = await reader.segment(shard, segment);
    if (stored === undefined) break;
    for await (const { text } of stored.lines ?? []) yield readRecord(text)!;
  }
  for await (const { text } of reader.open(shard)) yield readRecord(text)!;
}

export function entry(n: number, some: Partial<AuditEntry> = {}): AuditEntry {
  return {
    actor: pseudonymOf(hmac, 'key', `key_${n % 7}`),
    action: 'job.submit',
    object: pseudonymOf(hmac, 'job', `video_${n}`),
    decision: { outcome: 'allow', rules: n % 5 === 0 ? ['floor.minors'] : [], policy: null },
    ...some,
  };
}

export function anchorOf(text: string): Anchor {
  return readStatement(keys.verify, 'anchor', text);
}

export const isLost = (error: unknown) => (error as { code?: string }).code === 'lease_lost';

/** Both stores with each of their writes made to go through `gate`. */
export function gated(stores: Stores, gate: <T>(write: () => Promise<T>) => Promise<T>): Stores {
  const { kv, blobs } = stores;
  const through =
    <A extends unknown[], T>(call: (...args: A) => Promise<T>) =>
    (...args: A) =>
      gate(() => call(...args));
  const gatedKv: KeyValueStore = {
    ...kv,
    create: through(kv.create),
    replace: through(kv.replace),
    put: through(kv.put),
    remove: through(kv.remove),
  };
  const gatedBlobs: BlobStore = {
    ...blobs,
    put: through(blobs.put.bind(blobs)),
    deletePrefix: through(blobs.deletePrefix.bind(blobs)),
  };
  return { kv: gatedKv, blobs: gatedBlobs };
}

/** Thrown by the stores of a process that was killed. */
export class Killed extends Error {}

/** Stores that die with their process at the write of that number, before it is done or just after, without an answer. */
export function dyingStores(stores: Stores, write: number, moment: 'before' | 'after'): Stores & { dead(): boolean } {
  let writes = 0;
  let isDead = false;
  const live =
    <A extends unknown[], T>(call: (...args: A) => Promise<T>) =>
    (...args: A) =>
      isDead ? Promise.reject(new Killed()) : call(...args);
  const dying = gated(stores, async call => {
    if (isDead) throw new Killed();
    if (++writes < write) return call();
    isDead = true;
    if (moment === 'after') await call();
    throw new Killed();
  });
  const { kv, blobs } = dying;
  return {
    kv: { ...kv, get: live(kv.get), list: live(kv.list), listDue: live(kv.listDue) },
    blobs: { ...blobs, get: live(blobs.get.bind(blobs)), head: live(blobs.head.bind(blobs)) },
    dead: () => isDead,
  };
}
