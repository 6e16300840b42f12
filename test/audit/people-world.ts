import { sha256Hex } from '#adapters/audit-crypto.ts';
import { openReceiptKeys } from '#adapters/local/receipt-key-file.ts';
import { openDatabase } from '#adapters/local/sqlite.ts';
import { readInstallationId } from '#core/audit/audit-installation.ts';
import { readStoredLedger } from '#core/audit/ledger-reader.ts';
import { type LedgerReport, verifyLedger } from '#core/audit/verify-ledger.ts';
import type { Job } from '#core/job.ts';
import { eraseUser } from '#core/jobs/erase-user.ts';
import { submit } from '#core/jobs/submit.ts';
import { sweeps } from '#core/jobs/sweeps.ts';
import { artifactKey, checkpointKey } from '#core/keys.ts';
import { createLocalPorts, type LocalPorts } from '#local/local-ports.ts';
import { temporaryFolder } from '#test/contracts/local-folder.ts';
import { ALL_TASKS, CARD } from '#test/core/model-card.ts';
import { makeImage } from '#test/media/make-media.ts';
import { countIn } from './erase-world.ts';

export const personOf = (n: number) => `person-${String(n).padStart(5, '0')}@example.org`;
/** Stands in everything of a person that must not be readable. */
export const canaryOf = (n: number) => `canary-${String(n).padStart(5, '0')}`;

export interface PeopleWorld {
  readonly folder: string;
  readonly ports: LocalPorts;
  readonly time: { nowMs: number };
  /** A job of a person as the product keeps it: prompts, a reference; and a checkpoint and a video as a worker stores them. */
  keep(n: number): Promise<Job>;
  erase(n: number): Promise<number>;
  sweep(): Promise<void>;
  /** How often any canary is in any file of the folder. */
  canaries(): number;
  verify(): Promise<LedgerReport>;
  close(): void;
}

/** The stores of embedded mode in a folder of their own, with what it puts around them. */
export async function openPeopleWorld({ durable = false } = {}): Promise<PeopleWorld> {
  const folder = temporaryFolder();
  const db = openDatabase(folder.path);
  if (!durable) db.exec('PRAGMA synchronous=OFF'); // what is shown here does not depend on the disk
  const time = { nowMs: Date.UTC(2026, 10, 21, 12) };
  const models = [ALL_TASKS, CARD];
  const ports = createLocalPorts({ db, folder: folder.path, owner: 'test', models, now: () => time.nowMs });
  const png = await makeImage('png');

  return {
    folder: folder.path,
    ports,
    time,
    async keep(n) {
      const bytes = Buffer.concat([png, Buffer.from(`${canaryOf(n)} `.repeat(50))]);
      const input = {
        ...{ prompt: `a film about ${canaryOf(n)}`, negative_prompt: `not ${canaryOf(n)}`, user: personOf(n) },
        input_reference: { file: true, bytes, contentType: '' },
      };
      const job = await submit(ports, 'acme', input, { idempotencyKey: `k-${n}` });
      const sealFor = { tenant: 'acme', id: job.subject! };
      await ports.blobs.put(checkpointKey(job, 1, 2), bytes, { contentType: 'x/y', sealFor });
      await ports.blobs.put(artifactKey(job, 1, 'video'), bytes, { contentType: 'video/mp4' });
      return job;
    },
    erase: async n => (await eraseUser(ports, 'acme', personOf(n), { kind: 'operator', name: 'anna' })).removed,
    async sweep() {
      for (const sweep of Object.values(sweeps)) await sweep(ports);
    },
    canaries: () => countIn(folder.path, 'canary-'),
    async verify() {
      const { kv, blobs } = ports;
      const installation = (await readInstallationId(kv))!;
      const { verify } = openReceiptKeys(folder.path);
      return verifyLedger(readStoredLedger({ kv, blobs }), [], { sha256: sha256Hex, verify, installation });
    },
    close() {
      ports.audit.close();
      db.close();
      folder.remove();
    },
  };
}
