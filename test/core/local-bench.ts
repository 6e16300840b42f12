import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabase } from '#adapters/local/sqlite.ts';
import type { Job } from '#core/job.ts';
import { createLeaseWatch } from '#core/jobs/lease-watch.ts';
import { type TakePorts, takeNext } from '#core/jobs/take.ts';
import { createLocalPorts, type LocalPolicy, type LocalPorts } from '#local/local-ports.ts';
import { CARD } from './model-card.ts';

export interface LocalBench {
  /** The clock is `time.nowMs`, for the wall and for leases. */
  readonly ports: LocalPorts & TakePorts;
  readonly time: { nowMs: number };
  job(id: string): Promise<Job>;
  /** The next job in the fair order, leased; undefined when none may start. */
  lease(): Promise<Job | undefined>;
  close(): Promise<void>;
}

/** The verbs' ports on the local adapters, with a clock that the test moves. */
export async function openLocalBench(policy: LocalPolicy = {}): Promise<LocalBench> {
  const folder = await mkdtemp(join(tmpdir(), 'reelay-core-'));
  const db = openDatabase(folder);
  // What these tests show does not depend on their jobs' reaching the disk.
  db.exec('PRAGMA synchronous=OFF');
  const time = { nowMs: Date.UTC(2026, 0, 1) };
  const now = () => time.nowMs;
  const leaseSeconds = 120;
  const ports = {
    ...createLocalPorts({ ...policy, db, folder, owner: 'test', models: [CARD], now }),
    owner: 'test',
    ownerIsGone: () => false,
    leaseSeconds,
    monotonicMs: now,
    leases: createLeaseWatch({ monotonicMs: now, leaseSeconds }),
  };
  return {
    ports,
    time,
    job: async id => (await ports.store.load(id))!,
    lease: async () => {
      const taken = await takeNext(ports, 'video_any');
      return taken.outcome === 'leased' ? taken.job : undefined;
    },
    close: async () => {
      db.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
