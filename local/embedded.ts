import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { availableParallelism, hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { blobPath, createFileBlobStore } from '#adapters/local/file-blob-store.ts';
import { createLocalEventBus } from '#adapters/local/local-event-bus.ts';
import { cleanDeadLocks, holdLock, isHeld } from '#adapters/local/process-lock.ts';
import { openDatabase } from '#adapters/local/sqlite.ts';
import { createSqliteJobQueue, releaseDeadOwners } from '#adapters/local/sqlite-job-queue.ts';
import { createSqliteJobStore } from '#adapters/local/sqlite-job-store.ts';
import { limits } from '#core/limits.ts';
import type { Deps } from '#functions/deps.ts';
import { drained } from '#gpu-container/worker/drained.ts';
import type { WorkerPorts } from '#gpu-container/worker/process-job.ts';
import { createRenderer } from '#gpu-container/worker/renderer.ts';
import { runSweeper } from '#gpu-container/worker/run-sweeper.ts';
import { runWorker } from '#gpu-container/worker/run-worker.ts';
import { findBundles, type InstalledBundle, type RefusedBundle } from './bundles.ts';
import { fileLog } from './file-log.ts';

/** The one tenant of a server that only its own machine reaches. */
export const LOCAL_TENANT = 'local';

const RENDER_CHILD = join(import.meta.dirname, '..', 'gpu-container', 'render', 'render-process.ts');

/**
 * The whole product on one folder: SQLite and files behind the four ports, and a worker with its render child on request. Several
 * processes may open the same folder; each holds a lock that dies with it, so the others take over its jobs at once.
 */
export interface Embedded {
  readonly deps: Deps;
  readonly folder: string;
  readonly bundles: readonly InstalledBundle[];
  /** Bundles that cannot be offered, and why. */
  readonly refused: readonly RefusedBundle[];
  /** Absolute path of a blob, for people. */
  pathOf(key: string): string;
  /** Starts to render jobs; again is fine. Sweeping goes on from the start, with or without it. */
  work(): void;
  /** Whether no job waits and none runs. */
  idle(): Promise<boolean>;
  close(): Promise<void>;
}

/** Where the data lies, and the models if not in the checkout. */
export interface EmbeddedOptions {
  readonly dataFolder: string;
  readonly modelsFolder?: string;
}

/** Opens a data folder, making it if need be, and frees what dead processes held there. */
export async function openEmbedded(options: EmbeddedOptions): Promise<Embedded> {
  const folder = resolve(options.dataFolder);
  const db = openDatabase(folder);
  const owner = `${hostname()}-${process.pid}-${randomBytes(4).toString('hex')}`;
  const lockOf = (name: string) => join(folder, 'owners', `${name}.lock`);
  const lock = holdLock(lockOf(owner));
  const now = () => Date.now();
  const { installed: bundles, refused } = await findBundles(options.modelsFolder);
  const ports = {
    store: createSqliteJobStore(db),
    queue: createSqliteJobQueue(db, { owner, now }),
    blobs: createFileBlobStore(join(folder, 'blobs')),
    events: createLocalEventBus(join(folder, 'events.jsonl')),
    now,
  };
  const log = fileLog(join(folder, 'log.jsonl'));
  const ownerIsGone = (other: string) => other !== owner && !isHeld(lockOf(other));
  const scratchRoot = join(folder, 'scratch');
  const stopping = new AbortController();
  const recover = () => {
    for (const dead of cleanDeadLocks(join(folder, 'owners')))
      rmSync(join(scratchRoot, dead), { recursive: true, force: true });
    releaseDeadOwners(db, other => !ownerIsGone(other));
  };
  const deps: Deps = {
    ...ports,
    models: bundles.map(bundle => bundle.card),
    random: randomBytes,
    authenticate: () => LOCAL_TENANT,
    canStream: true,
    sleep: ms => sleep(ms),
    log,
    describe: async () => ({
      mode: 'embedded',
      models: bundles.map(bundle => bundle.card.id),
      queued: await ports.store.countQueued(limits.maxQueuedJobs),
    }),
  };

  const startWork = () => {
    const renderer = createRenderer({
      bundles: new Map(bundles.map(bundle => [bundle.card.id, bundle.folder])),
      threads: Math.max(1, Math.min(4, availableParallelism())),
      childPath: RENDER_CHILD,
    });
    const worker: WorkerPorts = {
      ...ports,
      owner,
      ownerIsGone,
      progressEveryMs: limits.localProgressEveryMs,
      renderer,
      log,
      scratch: async job => {
        const own = join(scratchRoot, owner, `${job.id}-${job.attempt}`);
        await mkdir(own, { recursive: true });
        return own;
      },
    };
    if (bundles[0] !== undefined) renderer.warm(bundles[0].card.id);
    const running = runWorker(worker, stopping.signal);
    return async () => {
      await drained(running, stopping.signal);
      await renderer.close();
    };
  };
  let working: (() => Promise<void>) | undefined;
  recover();
  const sweeping = runSweeper({ ...ports, ownerIsGone, log, recover }, stopping.signal);
  return {
    deps,
    folder,
    bundles,
    refused,
    pathOf: key => blobPath(join(folder, 'blobs'), key),
    work: () => {
      working ??= startWork();
    },
    idle: async () => {
      if ((await ports.store.countQueued(1)) > 0) return false;
      return (
        (await ports.store.list(LOCAL_TENANT, { limit: 1, order: 'asc', status: 'in_progress' })).jobs.length === 0
      );
    },
    close: async () => {
      stopping.abort(new Error('draining'));
      await working?.();
      await drained(sweeping, stopping.signal);
      rmSync(join(scratchRoot, owner), { recursive: true, force: true });
      db.close();
      lock?.release();
    },
  };
}
