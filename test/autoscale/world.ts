/**
 * A deployment in small: SQLite stores, the fake cluster, workers that take jobs as workers do (lease, then their own protection), and
 * the handler with its triggers (changes of jobs in batches, wake-ups, the minute's schedule). Seconds of virtual time.
 */
import { openDatabase } from '#adapters/local/sqlite.ts';
import { createSqliteJobStore } from '#adapters/local/sqlite-job-store.ts';
import { createSqliteKeyValueStore } from '#adapters/local/sqlite-key-value-store.ts';
import type { Job } from '#core/job.ts';
import { briefOf, type JobBrief } from '#core/jobs/brief.ts';
import { notePace } from '#core/jobs/standing.ts';
import { usualWaitTargets } from '#core/placement/fleet-settings.ts';
import type { FleetMetrics } from '#core/placement/fleet-watch.ts';
import { endPresence, type PresentWorker, tellPresence } from '#core/placement/presence.ts';
import type { Decision, Observation, PlacementState, Pool } from '#core/placement/types.ts';
import { builtInResidency } from '#core/policy/residency.ts';
import { autoscaleHandler } from '#functions/autoscale.ts';
import { temporaryFolder } from '#test/contracts/local-folder.ts';
import { makeJob } from '#test/contracts/make-job.ts';
import { cloudPool, spotPool } from '#test/placement/pools.ts';
import { createFakeCluster, type FakeTask } from './fake-cluster.ts';

export const startMs = Date.UTC(2026, 10, 2);
export const model = 'reelay-tiny';
const speed = { [model]: 1 };

export const spot: Pool = { ...spotPool, id: 'cloud-spot', maxServers: 40, speed };
export const onDemand: Pool = { ...cloudPool, id: 'cloud-ondemand', maxServers: 40, speed };
export const scaledPools: readonly Pool[] = [spot, onDemand];

/** One logged decision. */
export interface Logged {
  readonly acted: boolean;
  readonly o: Observation;
  readonly s: PlacementState;
  readonly decision: Decision;
}

export interface WorldOptions {
  readonly pools?: readonly Pool[];
  /** Of the n-th job that starts. */
  readonly serviceSeconds?: (n: number) => number;
  /** What becomes of the batches of changes on their way. */
  readonly deliver?: (batches: readonly (readonly JobBrief[])[]) => readonly (readonly JobBrief[])[];
  /** Without a stream only the schedule and wake-ups run. */
  readonly stream?: boolean;
}

interface SimWorker {
  readonly told: PresentWorker;
  readonly task: FakeTask | undefined;
  job: Job | undefined;
  leasedAtMs: number;
  doneAtMs: number;
  beatAtMs: number;
}

export type AutoscaleWorld = Awaited<ReturnType<typeof openWorld>>;

export async function openWorld(options: WorldOptions = {}) {
  const { pools = scaledPools, serviceSeconds = () => 60, deliver = batches => batches, stream = true } = options;
  const folder = temporaryFolder();
  const db = openDatabase(folder.path);
  db.exec('PRAGMA synchronous = OFF'); // virtual hours, and no power cut in them
  const store = createSqliteJobStore(db);
  const kv = createSqliteKeyValueStore(db);
  let nowMs = startMs;
  const cluster = createFakeCluster(
    () => nowMs,
    pools.filter(pool => pool.kind !== 'fixed').map(pool => pool.id),
  );
  const workers = new Map<string, SimWorker>();
  const log: { message: string; fields: Record<string, unknown> }[] = [];
  const metrics: FleetMetrics[] = [];
  const wakes: number[] = [];
  const changed: JobBrief[] = [];
  const starts = new Map<string, number>();
  const world = { busyStopped: 0, finished: 0, runs: 0, failures: 0, largestFleet: 0, wakesAsked: 0 };

  const handler = autoscaleHandler({
    kv,
    stores: [store],
    fleet: cluster,
    pools,
    waitTargetSeconds: usualWaitTargets,
    classes: builtInResidency,
    now: () => nowMs,
    wake: async seconds => {
      world.wakesAsked++;
      wakes.push(nowMs + seconds * 1_000);
    },
    publish: one => metrics.push(one),
    log: (_, message, fields) => log.push({ message, fields: JSON.parse(JSON.stringify(fields)) }),
    briefsIn: event => event as readonly JobBrief[],
  });
  const run = async (event: readonly JobBrief[] = []) => {
    world.runs++;
    await handler(event).catch(() => void world.failures++);
  };
  const note = (job: Job | undefined) => {
    const brief = job && briefOf(job);
    if (brief !== undefined) changed.push(brief);
  };

  async function stepWorkers() {
    for (const task of cluster.tasks) {
      const worker = workers.get(task.id);
      if (task.stopped && worker !== undefined) await lose(worker);
      // Up, and 30 s later its model is loaded.
      if (!task.stopped && worker === undefined && task.upAtMs !== undefined && nowMs - task.upAtMs >= 30_000)
        join(
          { id: `worker-${task.id}`, place: { pool: task.pool, site: 'cloud', region: 'us-east-1' }, server: task.id },
          task,
        );
    }
    // One question for all idle workers: most seconds have nothing for any of them.
    let waiting = await store.countQueued(Number.MAX_SAFE_INTEGER);
    for (const worker of workers.values()) {
      if (nowMs >= worker.beatAtMs) {
        worker.beatAtMs = nowMs + 60_000;
        await tellPresence(kv, worker.told, nowMs);
      }
      if (worker.job !== undefined && nowMs >= worker.doneAtMs) await finish(worker, worker.job);
      if (worker.job === undefined && waiting > 0 && (await take(worker))) waiting--;
    }
  }
  function join(who: Pick<PresentWorker, 'id' | 'place' | 'server'>, task?: FakeTask) {
    const told: PresentWorker = { v: 1, models: speed, startedAtMs: nowMs, ...who };
    workers.set(who.server ?? who.id, { told, task, job: undefined, leasedAtMs: 0, doneAtMs: 0, beatAtMs: 0 });
  }
  async function take(worker: SimWorker): Promise<boolean> {
    const { place, id } = worker.told;
    const open = await store.listQueueHeads(nowMs, 100);
    const head = open.find(job => builtInResidency[job.request.residency]?.sites.includes(place.site));
    if (head === undefined) return false;
    const lease = { owner: id, expiresAtMs: nowMs + 120_000 };
    const startedAtMs = head.startedAtMs ?? nowMs;
    const { attempt, version } = head;
    worker.job = await store.transition(
      head.id,
      { status: 'queued', attempt, version },
      { status: 'in_progress', attempt: attempt + 1, lease, startedAtMs },
    );
    if (worker.job === undefined) return false;
    starts.set(head.id, startedAtMs - head.createdAtMs);
    worker.leasedAtMs = nowMs;
    worker.doneAtMs = nowMs + serviceSeconds(starts.size) * 1_000;
    if (worker.task !== undefined) worker.task.protectedUntilMs = nowMs + 600_000;
    note(worker.job);
    return true;
  }
  async function finish(worker: SimWorker, job: Job) {
    const { id, attempt } = job;
    await notePace(kv, job, nowMs - worker.leasedAtMs);
    await store.transition(id, { status: 'in_progress', attempt }, { status: 'completed', lease: null });
    worker.job = undefined;
    if (worker.task !== undefined) worker.task.protectedUntilMs = 0;
    world.finished++;
    // A finished job has no brief: the batch alone says that something changed.
    finishedInStep = true;
  }
  async function lose(worker: SimWorker) {
    workers.delete(worker.told.server ?? worker.told.id);
    await endPresence(kv, worker.told);
    if (worker.job === undefined) return;
    world.busyStopped++;
    const { id, attempt } = worker.job;
    note(await store.transition(id, { status: 'in_progress', attempt }, { status: 'queued', lease: null }));
  }

  let finishedInStep = false;
  /** One second, or a minute while nothing is there. */
  async function step(): Promise<void> {
    cluster.advance();
    await stepWorkers();
    world.largestFleet = Math.max(world.largestFleet, cluster.tasks.filter(task => !task.stopped).length);
    const batches = changed.length > 0 || finishedInStep ? deliver([changed.splice(0)]) : [];
    finishedInStep = false;
    if (stream) for (const batch of batches) await run(batch);
    for (let at = wakes.findIndex(ms => ms <= nowMs); at >= 0; at = wakes.findIndex(ms => ms <= nowMs)) {
      wakes.splice(at, 1);
      await run();
    }
    if ((nowMs - startMs) % 60_000 === 0) await run();
    cluster.advance();
  }

  return Object.assign(world, {
    store,
    kv,
    cluster,
    workers,
    log,
    metrics,
    starts,
    now: () => nowMs,
    run,
    join,
    decisions: () =>
      log.filter(line => line.message === 'placement decided').map(line => line.fields as unknown as Logged),
    /** Puts so many jobs into the queue at once. */
    async submit(count: number, more: Partial<Job> = {}, residency = 'standard') {
      for (let i = 0; i < count; i++) {
        const made = makeJob({ createdAtMs: nowMs + i, ...more });
        const job = { ...made, request: { ...made.request, residency } };
        await store.create(job);
        note(job);
      }
    },
    async pass(seconds: number, each: () => Promise<void> | void = () => undefined) {
      const endMs = nowMs + seconds * 1_000;
      while (nowMs < endMs) {
        await step();
        await each();
        const isQuiet = workers.size + cluster.tasks.filter(task => !task.stopped).length + wakes.length === 0;
        const idle = isQuiet && (await store.countQueued(1)) === 0 && changed.length === 0;
        const jump = idle ? 60_000 - ((nowMs - startMs) % 60_000) : 1_000;
        nowMs = Math.min(endMs, nowMs + jump);
      }
    },
    close() {
      db.close();
      folder.remove();
    },
  });
}
