import { hkdfSync } from 'node:crypto';
import { aesGcm, derivedTenantKeys, pseudonymHmac } from '#adapters/audit-crypto.ts';
import { sealBlobStore } from '#adapters/sealed-blob-store.ts';
import { sealJobStore } from '#adapters/sealed-job-store.ts';
import { keepKeys } from '#core/audit/key-cache.ts';
import { type SubjectNames, subjectNames } from '#core/audit/subjects.ts';
import { ReelayError } from '#core/errors.ts';
import type { BlobStore, JobStore, KeyValueStore } from '#core/ports.ts';

/** What every process of an installation puts around its stores, so that what is personal lies in them sealed. */
export interface Sealing {
  readonly subjects: SubjectNames;
  readonly store: (store: JobStore) => JobStore;
  readonly blobs: (blobs: BlobStore) => BlobStore;
  /** Throws `invalid_request` where the stores were sealed with another master key; notes which one it is where none was. */
  readonly check: () => Promise<void>;
}

/** What it is made of. */
export interface SealingOptions {
  /** Holds the people's keys, wrapped; the same for every class of the installation. */
  readonly kv: KeyValueStore;
  /** 32 bytes that lie outside the stores: readMasterKey. */
  readonly master: Uint8Array;
  readonly now: () => number;
  /** Where the master key comes from, for people. */
  readonly where: string;
}

const CHECK = { space: 'sealing/installation', name: 'check' };

/** Sealing with keys that a master key wraps; the names of people by a key of their own from it. */
export function createSealing({ kv, master, now, where }: SealingOptions): Sealing {
  const keys = keepKeys({ kv, cipher: aesGcm, tenantKeys: derivedTenantKeys(master) }, now);
  const hmac = pseudonymHmac(new Uint8Array(hkdfSync('sha256', master, '', 'reelay-subject-names-v1', 32)));
  return {
    subjects: subjectNames(hmac),
    store: store => sealJobStore(store, { keys, kv, now }),
    blobs: blobs => sealBlobStore(blobs, keys),
    async check() {
      const value = hmac('reelay-master-check-v1');
      const entry = { ...CHECK, value, expiresAtMs: null, dueAtMs: null };
      const there =
        (await kv.get(CHECK.space, CHECK.name)) ?? (await kv.create(entry)) ?? (await kv.get(CHECK.space, CHECK.name));
      if (there === undefined || there.value === value) return;
      throw new ReelayError(
        'invalid_request',
        `${where}: this is not the master key that the prompts in these stores were sealed with; bring that one back.`,
      );
    },
  };
}
