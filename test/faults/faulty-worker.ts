/** A worker composed like local/local-worker.ts and local/embedded.ts do it, with what is to go wrong wrapped around the real parts. */
import { randomBytes } from 'node:crypto';
import { appendFileSync, readFileSync, rmSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { cleanDeadLocks, holdLock, isHeld } from '#adapters/local/process-lock.ts';
import { openReceiptKeys } from '#adapters/local/receipt-key-file.ts';
import { openDatabase } from '#adapters/local/sqlite.ts';
import { releaseDeadOwners } from '#adapters/local/sqlite-job-queue.ts';
import { createLeaseWatch } from '#core/jobs/lease-watch.ts';
import { limits } from '#core/limits.ts';
import { systemClock } from '#gpu-container/worker/clock.ts';
import { createMarks } from '#gpu-container/worker/marks.ts';
import type { WorkerPorts } from '#gpu-container/worker/process-job.ts';
import { createReceipts } from '#gpu-container/worker/receipts.ts';
import { createRenderer } from '#gpu-container/worker/renderer.ts';
import { runSweeper } from '#gpu-container/worker/run-sweeper.ts';
import { runWorker } from '#gpu-container/worker/run-worker.ts';
import { openScratch } from '#gpu-container/worker/scratch.ts';
import { findBundles } from '#local/bundles.ts';
import { fileLog } from '#local/file-log.ts';
import { createLocalPorts } from '#local/local-ports.ts';
import { openMarkingKeys } from '#local/marking-keys.ts';
import { failing, failingScratch } from './disk-faults.ts';
import { type Reached, slowed, watched, watchedRenderer } from './fault-ports.ts';
import type { Faults, Sprung, Trap, WorkerSetup } from './worker-setup.ts';

const RENDER = join(import.meta.dirname, '..', '..', 'gpu-container', 'render', 'render-process.ts');
const POISONED_RENDER = join(import.meta.dirname, 'poisoned-render.ts');
/** As local/local-worker.ts has it on two cores. */
const THREADS = 2;

/** Starts to work; the function that comes back drains. */
export async function openFaultyWorker(
  setup: Omit<WorkerSetup, 'faults'>,
  faults: Faults,
): Promise<() => Promise<void>> {
  const { dataFolder: folder, modelsFolder, leaseSeconds, checkpointCadence } = setup;
  const db = openDatabase(folder);
  const owner = `${hostname()}-${process.pid}-${randomBytes(4).toString('hex')}`;
  const lockOf = (name: string) => join(folder, 'owners', `${name}.lock`);
  const lock = holdLock(lockOf(owner));
  const marking = await openMarkingKeys(folder);
  const { installed } = await findBundles(modelsFolder);
  const now = faults.clockFile === undefined ? systemClock.now : jumpingClock(faults.clockFile);
  const disk = failing(faults.disk, db, folder);
  const reached = faults.trap === undefined ? () => undefined : trap(faults.trap);
  const own = createLocalPorts({ db, folder, owner, now, models: installed.map(bundle => bundle.card) });
  const { storeMs, blobsMs } = faults.slow ?? { storeMs: 0, blobsMs: 0 };
  const ports = watched(disk.around(faults.slow === undefined ? own : slowed(own, storeMs, blobsMs)), reached);
  const renderer = createRenderer({
    bundles: new Map(installed.map(bundle => [bundle.card.id, bundle.folder])),
    threads: THREADS,
    childPath: faults.poisonUntil === undefined ? RENDER : POISONED_RENDER,
  });
  if (faults.poisonUntil !== undefined) process.env.REELAY_POISON_UNTIL = faults.poisonUntil; // the child inherits it
  const stop = new AbortController();
  const log = fileLog(join(folder, 'log.jsonl'));
  const ownerIsGone = (other: string) => other !== owner && !isHeld(lockOf(other));
  const scratchRoot = join(folder, 'scratch');
  const shared = { ...systemClock, ...ports, ownerIsGone, log };
  const watch = () => createLeaseWatch({ monotonicMs: systemClock.monotonicMs, leaseSeconds });
  const worker: WorkerPorts = {
    ...shared,
    owner,
    leaseSeconds,
    leases: watch(),
    progressEveryMs: limits.localProgressEveryMs,
    checkpointCadence,
    renderer: watchedRenderer(renderer, reached),
    receipts: createReceipts({
      ...ports,
      signer: openReceiptKeys(folder),
      stores: { records: own.place, objects: own.place },
    }),
    marks: createMarks({ keys: marking.keys, kv: ports.kv, now }),
    scratch: async job => failingScratch(disk, await openScratch(join(scratchRoot, owner, `${job.id}-${job.attempt}`))),
  };
  const recover = () => {
    for (const dead of cleanDeadLocks(join(folder, 'owners')))
      rmSync(join(scratchRoot, dead), { recursive: true, force: true });
    releaseDeadOwners(db, other => !ownerIsGone(other));
  };
  recover();
  const sweepMs = faults.sweepEveryMs ?? limits.sweepEverySeconds * 1000;
  const sleep = (_: number, signal?: AbortSignal) => systemClock.sleep(sweepMs, signal);
  const sweeping = runSweeper({ ...shared, sleep, leases: watch(), recover, queueBuries: false }, stop.signal);
  if (installed[0] !== undefined) renderer.warm(installed[0].card.id);
  const working = runWorker(worker, stop.signal);
  return async () => {
    stop.abort(new Error('draining'));
    await working;
    await renderer.close();
    await sweeping;
    rmSync(join(scratchRoot, owner), { recursive: true, force: true });
    db.close();
    lock?.release();
  };
}

/** The wall clock plus what a file says: all processes of one machine see the same jump at once. */
export function jumpingClock(file: string): () => number {
  return () => Date.now() + Number(readFileSync(file, 'utf8'));
}

/** Springs at most once per job; the jobs of this worker get the points in turn. */
function trap({ points, attempt: only, signal, file }: Trap): Reached {
  const pointOf = new Map<string, string | undefined>();
  let turn = process.pid;
  return (point, jobId, attempt) => {
    if (attempt !== only) return;
    if (!pointOf.has(jobId)) pointOf.set(jobId, points[turn++ % points.length]);
    if (pointOf.get(jobId) !== point) return;
    pointOf.set(jobId, undefined);
    const line: Sprung = { pid: process.pid, jobId, attempt, point, atMs: Date.now() };
    appendFileSync(file, `${JSON.stringify(line)}\n`);
    process.kill(-process.pid, signal);
    // The signal may reach another thread of this process first; nothing is to be done before it reaches all.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
  };
}
