/** The ledger of a deployment: its open end in the table, closed segments in a bucket of its own. */
import { randomBytes, randomInt, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { S3Client } from '@aws-sdk/client-s3';
import { pseudonymHmacOf, readPseudonymKey, sha256Hex } from '#adapters/audit-crypto.ts';
import { auditLimits } from '#core/audit/audit-limits.ts';
import type { AuditPort } from '#core/audit/audit-port.ts';
import { openAudit } from '#core/audit/open-audit.ts';
import type { StatementSigner } from '#core/audit/statement.ts';
import type { BlobStore, KeyValueStore } from '#core/ports.ts';
import type { Environment } from './connect.ts';
import { createS3BlobStore } from './s3-blob-store.ts';

/** What the environment says of the ledger. */
export interface AuditSettings {
  /** REELAY_AUDIT_BUCKET; undefined: this process closes no segments. */
  readonly bucket: string | undefined;
  /** REELAY_AUDIT_PSEUDONYM_KEY; undefined: made once, and kept in the table. */
  readonly pseudonymKey: string | undefined;
}

const KEY = 'REELAY_AUDIT_PSEUDONYM_KEY';

/** Throws `invalid_request` for a key that is none. */
export function auditSettingsFrom(env: Environment): AuditSettings {
  const said = (name: string) => ((env[name] ?? '').trim() === '' ? undefined : env[name]!.trim());
  const key = said(KEY);
  return {
    bucket: said('REELAY_AUDIT_BUCKET'),
    pseudonymKey: key === undefined ? undefined : readPseudonymKey(key, KEY),
  };
}

/** Where closed segments are. */
export function connectAuditBlobs(bucket: string): BlobStore {
  return createS3BlobStore({ client: new S3Client(), bucket });
}

/** Who writes: the functions share their shards and have no key; workers have the key and shards of theirs. */
export type AuditWriter = { readonly kind: 'door' } | { readonly kind: 'worker'; readonly signer: StatementSigner };

/** The ledger for one process of a deployment. */
export function connectAudit(
  kv: KeyValueStore,
  { bucket, pseudonymKey }: AuditSettings,
  by: AuditWriter,
  now: () => number,
): AuditPort {
  return openAudit(() => {
    const [shard, ...others] = drawnShards(by.kind);
    return {
      ...{ kv, now, shard: shard!, others, random: randomBytes, sha256: sha256Hex, hmacOf: pseudonymHmacOf },
      ...(pseudonymKey === undefined ? {} : { pseudonymKey }),
      writer: randomUUID(),
      sleep: ms => sleep(ms),
      ...(by.kind === 'worker' && bucket !== undefined
        ? { closer: { blobs: connectAuditBlobs(bucket), signer: by.signer } }
        : {}),
    };
  });
}

/** All of a kind, from one that is drawn. */
function drawnShards(kind: AuditWriter['kind']): readonly string[] {
  const count = kind === 'door' ? auditLimits.doorShards : auditLimits.workerShards;
  const first = randomInt(count);
  return Array.from({ length: count }, (_, n) => `${kind}-${(first + n) % count}`);
}
