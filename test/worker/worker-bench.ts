import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createFileBlobStore } from '#adapters/local/file-blob-store.ts';
import { createLocalEventBus } from '#adapters/local/local-event-bus.ts';
import { openDatabase } from '#adapters/local/sqlite.ts';
import { createSqliteJobQueue } from '#adapters/local/sqlite-job-queue.ts';
import { createSqliteJobStore } from '#adapters/local/sqlite-job-store.ts';
import type { Job } from '#core/job.ts';
import { submit } from '#core/jobs/submit.ts';
import { limits } from '#core/limits.ts';
import type { Delivery } from '#core/ports.ts';
import type { WorkerPorts } from '#gpu-container/worker/process-job.ts';
import { createRenderer } from '#gpu-container/worker/renderer.ts';
import { findBundles } from '#local/bundles.ts';

export const RENDER_CHILD = resolve(import.meta.dirname, '..', '..', 'gpu-container', 'render', 'render-process.ts');

export interface WorkerBench {
  readonly ports: WorkerPorts;
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
  const now = () => Date.now();
  const renderer = createRenderer({
    bundles: new Map(bundles.map(bundle => [bundle.card.id, bundle.folder])),
    threads: 2,
    childPath: RENDER_CHILD,
  });
  const ports: WorkerPorts = {
    store: createSqliteJobStore(db),
    queue: createSqliteJobQueue(db, { owner: 'test', now }),
    blobs: createFileBlobStore(join(folder, 'blobs')),
    events: createLocalEventBus(join(folder, 'events.jsonl')),
    now,
    owner: 'test',
    ownerIsGone: () => false,
    progressEveryMs: limits.localProgressEveryMs,
    renderer,
    log: (level, message, fields) => void log.push({ level, message, fields }),
    scratch: async job => {
      const scratch = join(folder, 'scratch', `${job.id}-${job.attempt}`);
      await mkdir(scratch, { recursive: true });
      return scratch;
    },
  };
  const models = bundles.map(bundle => bundle.card);
  const job = async (id: string) => (await ports.store.load(id))!;
  return {
    ports,
    folder,
    log,
    submit: fields =>
      submit({ ...ports, models, random: randomBytes }, 'local', { prompt: 'a red circle', seed: 1, ...fields }),
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
