import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { composeEnclaves } from '#adapters/enclave-ports.ts';
import { openDatabase } from '#adapters/local/sqlite.ts';
import type { Job } from '#core/job.ts';
import { createLeaseWatch } from '#core/jobs/lease-watch.ts';
import { type SubmitPorts, submit } from '#core/jobs/submit.ts';
import { limits } from '#core/limits.ts';
import type { ModelCatalog } from '#core/models.ts';
import { builtInResidency, type Place, servedClasses } from '#core/policy/residency.ts';
import { systemClock } from '#gpu-container/worker/clock.ts';
import type { WorkerPorts } from '#gpu-container/worker/process-job.ts';
import { createRenderer } from '#gpu-container/worker/renderer.ts';
import { runWorker } from '#gpu-container/worker/run-worker.ts';
import { openScratch } from '#gpu-container/worker/scratch.ts';
import { createLocalPorts, type LocalPorts } from '#local/local-ports.ts';
import { CARD } from '#test/core/model-card.ts';
import { marksFor } from '#test/worker/marks-for.ts';
import { receiptsFor } from '#test/worker/receipts-for.ts';

const RENDER_CHILD = resolve(import.meta.dirname, '..', 'fixtures', 'render-children', 'instant.ts');

export const cloud: Place = { pool: 'cloud-spot', site: 'cloud', region: 'eu-central-1' };
export const onprem: Place = { pool: 'onprem-a', site: 'onprem', region: 'basement' };
const frontDoor: Place = { pool: 'front-door', site: 'cloud', region: 'eu-central-1' };

/** A worker that runs, and what it was seen to do. */
export interface RunningWorker {
  /** `job id/attempt` in the order in which they were rendered. */
  readonly rendered: readonly string[];
  readonly log: readonly { level: string; message: string; fields: Record<string, unknown> }[];
  stop(): Promise<void>;
}

/** Two enclaves on local adapters, a data folder each, one front door for both, and workers around real render children. */
export async function openEnclaveWorld(models: ModelCatalog = [CARD]) {
  const folder = await mkdtemp(join(tmpdir(), 'reelay-enclaves-'));
  const { now, monotonicMs } = systemClock;
  const opened = ['standard', 'sovereign'].map(name => {
    const path = join(folder, name);
    const db = openDatabase(path);
    db.exec('PRAGMA synchronous=OFF'); // what is shown here does not depend on the disk
    const ports = createLocalPorts({ db, folder: path, owner: 'test', models, now, place: frontDoor });
    return { name, db, ports };
  });
  const shared = opened[0]!.ports;
  const { kv, events, webhooks, enqueueDeliveries } = shared;
  const enclaves = new Map<string, LocalPorts>(
    opened.map(({ name, ports }) => [
      name,
      { ...ports, kv, events, webhooks, enqueueDeliveries, servedPlaces: [cloud, onprem] },
    ]),
  );
  const door: SubmitPorts = { ...shared, ...composeEnclaves(enclaves), servedPlaces: [cloud, onprem] };
  const started: RunningWorker[] = [];

  /** Opens what its place may serve, or what it is told to. */
  function startWorker(
    place: Place,
    classes: readonly string[] = servedClasses(builtInResidency, place),
  ): RunningWorker {
    const rendered: string[] = [];
    const log: RunningWorker['log'][number][] = [];
    const renderer = createRenderer({ bundles: new Map([[CARD.id, folder]]), threads: 1, childPath: RENDER_CHILD });
    const { leaseSeconds } = limits;
    const base = {
      ...systemClock,
      place,
      owner: place.pool,
      ownerIsGone: () => false,
      leaseSeconds,
      leases: createLeaseWatch({ monotonicMs, leaseSeconds }),
      progressEveryMs: limits.localProgressEveryMs,
      checkpointCadence: { everySteps: 0, everyMs: 0 },
      renderer: {
        ...renderer,
        render: (...[task, options]: Parameters<typeof renderer.render>) => {
          rendered.push(task.taskId);
          return renderer.render(task, options);
        },
      },
      log: (level: string, message: string, fields: Record<string, unknown>) =>
        void log.push({ level, message, fields }),
      scratch: (job: Job) => openScratch(join(folder, 'scratch', place.pool, `${job.id}-${job.attempt}`)),
    };
    const ports = classes.map((enclave): WorkerPorts => {
      const own = enclaves.get(enclave)!;
      return { ...own, receipts: receiptsFor(own), marks: marksFor(own), ...base, enclave };
    });
    const draining = new AbortController();
    const running = runWorker(ports, draining.signal);
    const worker = {
      rendered,
      log,
      stop: async () => {
        draining.abort(new Error('draining'));
        await running;
        await renderer.close();
      },
    };
    started.push(worker);
    return worker;
  }

  return {
    door,
    enclaves,
    startWorker,
    submit: (tenant: string, residency: string) => submit(door, tenant, { prompt: 'a red circle', seed: 1, residency }),
    job: async (id: string) => (await door.store.load(id))!,
    /** Waits until all of them are over. */
    ended: async (ids: readonly string[]): Promise<readonly Job[]> => {
      for (let looks = 0; looks < 2_000; looks++) {
        const jobs = await Promise.all(ids.map(async id => (await door.store.load(id))!));
        if (jobs.every(({ status }) => status === 'completed' || status === 'failed')) return jobs;
        await new Promise(done => setTimeout(done, 50));
      }
      throw new Error('waited too long');
    },
    close: async () => {
      await Promise.all(started.map(worker => worker.stop()));
      for (const { db } of opened) db.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
