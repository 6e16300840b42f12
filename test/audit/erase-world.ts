import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { aesGcm, derivedTenantKeys } from '#adapters/audit-crypto.ts';
import { entryOf } from '#core/audit/audit-port.ts';
import type { ErasePorts } from '#core/audit/erase.ts';
import { pseudonymOf } from '#core/audit/pseudonym.ts';
import type { Subject } from '#core/audit/subject-key.ts';
import { createAuditTrail } from '#core/audit/trail.ts';
import { sealText, storeSealed, type VaultPorts } from '#core/audit/vault.ts';
import { type AuditWorld, hmac, type Stores } from './audit-world.ts';

export const actor = { kind: 'operator', name: 'anna' } as const;
export const subjectOf = (n: number): Subject => ({
  tenant: 'acme',
  id: pseudonymOf(hmac, 'subject', `acme\nperson-${n}`),
});
/** What must not be readable: no two subjects have the same. */
export const canaryOf = (n: number) => `canary-${String(n).padStart(6, '0')}-of-a-person`;
export const keyOf = (n: number, kind: string) => `vault/acme/${n}/${kind}/data.bin`;

export interface EraseWorld {
  readonly vault: VaultPorts;
  readonly erase: ErasePorts;
}

export function eraseWorld(world: AuditWorld, stores: Stores = world.stores): EraseWorld {
  const ports = world.ports(stores);
  const trail = createAuditTrail(ports, { shard: 'erasures', writer: 'w', sleep: async () => undefined });
  return {
    vault: { ...stores, cipher: aesGcm, tenantKeys: derivedTenantKeys(Buffer.alloc(32, 9)) },
    erase: {
      kv: stores.kv,
      deleteAllVersions: prefix => stores.blobs.deletePrefix(prefix),
      removeJob: async () => undefined,
      audit: { record: async event => void (await trail.record(entryOf(hmac, event))) },
      now: ports.now,
    },
  };
}

export const kinds = ['reference', 'consent', 'latents'] as const;

/** A prompt in a record of the key-value store, and three files. */
export async function keepData({ vault }: EraseWorld, n: number): Promise<void> {
  const subject = subjectOf(n);
  const canary = canaryOf(n);
  const value = { prompt: await sealText(vault, subject, 'prompt', `job-${n}`, `a film about ${canary}`) };
  await vault.kv.put({ space: 'jobs/acme', name: `job-${n}`, value, expiresAtMs: null, dueAtMs: null });
  for (const kind of kinds)
    await storeSealed(vault, subject, kind, keyOf(n, kind), Buffer.from(`${kind} ${canary} `.repeat(40)));
}

/** All bytes of a folder, file by file. */
export function* filesBelow(folder: string): Generator<{ path: string; bytes: Buffer }> {
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true }))
    if (entry.isFile()) {
      const path = join(entry.parentPath, entry.name);
      yield { path, bytes: readFileSync(path) };
    }
}

/** How often a text is in the files of a folder. */
export function countIn(folder: string, text: string): number {
  let count = 0;
  for (const { bytes } of filesBelow(folder))
    for (let at = bytes.indexOf(text); at >= 0; at = bytes.indexOf(text, at + 1)) count++;
  return count;
}
