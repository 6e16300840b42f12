import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { openDatabase } from '#adapters/local/sqlite.ts';
import type { Job } from '#core/job.ts';
import { createLeaseWatch } from '#core/jobs/lease-watch.ts';
import { type SubmitPorts, submit } from '#core/jobs/submit.ts';
import { limits } from '#core/limits.ts';
import type { Delivery } from '#core/ports.ts';
import { systemClock } from '#gpu-container/worker/clock.ts';
import type { WorkerPorts } from '#gpu-container/worker/process-job.ts';
import { createRenderer } from '#gpu-container/worker/renderer.ts';
import { openScratch } from '#gpu-container/worker/scratch.ts';
import { findBundles } from '#local/bundles.ts';
import { createLocalPorts } from '#local/local-ports.ts';
import { marksFor } from './marks-for.ts';
import { receiptsFor } from './receipts-for.ts';

export const RENDER_CHILD = resolve(import.meta.dirname, '..', '..', 'gpu-container', 'render', 'render-process.ts');

export interface WorkerBench {
  readonly ports: WorkerPorts & SubmitPorts;
  readonly folder: string;
  readonly log: { level: string; message: string; fields: Record<string, unknown> }[];
  submit(fields?: Record<string, unknown>): Promise<Job>;
  /** Receives the next message; the test fails if there is none. */
  receive(): Promise<Delivery>;
  job(id: string): Promise<Job>;
  /** Waits until the record shows what is asked for. */
  until(id: string, holds: (job: Job) => boolean): Promise<Job>;
  close(): Promise<void>;
}

/** The worker's ports on the local adapters in a folder of their own, with a real render child. */
export async function openWorkerBench(options: { modelsFolder?: string } = {}): Promise<WorkerBench> {
  const folder = await mkdtemp(join(tmpdir(), 'reelay-worker-'));
  const db = openDatabase(folder);
  const bundles = (await findBundles(options.modelsFolder)).installed;
  const log: WorkerBench['log'] = [];
  const renderer = createRenderer({
    bundles: new Map(bundles.map(bundle => [bundle.card.id, bundle.folder])),
    threads: 2,
    childPath: RENDER_CHILD,
  });
  const { now, monotonicMs } = systemClock;
  const { leaseSeconds } = limits;
  const models = bundles.map(bundle => bundle.card);
  const local = createLocalPorts({ db, folder, owner: 'test', models, now });
  const ports: WorkerPorts & SubmitPorts = {
    ...systemClock,
    ...local,
    receipts: receiptsFor(local),
    marks: marksFor(local),
    owner: 'test',
    ownerIsGone: () => false,
    leaseSeconds,
    leases: createLeaseWatch({ monotonicMs, leaseSeconds }),
    progressEveryMs: limits.localProgressEveryMs,
    checkpointCadence: { everySteps: 0, everyMs: 0 },
    renderer,
    log: (level, message, fields) => void log.push({ level, message, fields }),
    scratch: job => openScratch(join(folder, 'scratch', `${job.id}-${job.attempt}`)),
  };
  const job = async (id: string) => (await ports.store.load(id))!;
  return {
    ports,
    folder,
    log,
    submit: fields => submit(ports, 'local', { prompt: 'a red circle', seed: 1, ...fields }),
    receive: async () => (await ports.queue.receive({ leaseSeconds: 60, waitMs: 2_000 }))!,
    job,
    until: async (id, holds) => {
      for (let looks = 0; looks < 1_000; looks++) {
        const found = await job(id);
        if (holds(found)) return found;
        await new Promise(done => setTimeout(done, 20));
      }
      throw new Error('waited too long');
    },
    close: async () => {
      await renderer.close();
      db.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
