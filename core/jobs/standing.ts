import { isInReview, type Job, queueRank } from '../job.ts';
import { limits } from '../limits.ts';
import type { JobStore, KeyValueStore } from '../ports.ts';
import { costOf, queuedBefore, type TenantShare } from './fair-order.ts';

/** Where a job stands: how many go before it, and when it may be done. */
export interface Standing {
  /** 1 is next; null for a job that is not queued. Counted up to limits.maxPosition. */
  readonly queuePosition: number | null;
  /** null: the job is over, or no job of its model was ever measured here. */
  readonly eta: { readonly earliestMs: number; readonly latestMs: number } | null;
}

/** What telling a standing needs. */
export interface StandingPorts {
  readonly store: JobStore;
  readonly kv: KeyValueStore;
  readonly now: () => number;
  readonly shareOf: (tenant: string) => TenantShare;
}

/** How long the jobs of a model took here, per unit of cost: exponentially weighted mean and mean deviation. */
export interface RenderPace {
  readonly msPerCost: number;
  readonly deviation: number;
  readonly jobs: number;
}

const PACE_SPACE = 'pace/render';
/** The weight of the newest job: about the last ten count. */
const NEWEST = 0.2;

/** The standings of some jobs by id, by one look at the queue. */
export async function readStandings(
  ports: StandingPorts,
  jobs: readonly Job[],
): Promise<ReadonlyMap<string, Standing>> {
  const active = jobs.filter(job => (job.status === 'queued' || job.status === 'in_progress') && !isInReview(job));
  if (active.length === 0) return new Map();
  const { queued, running } = await readCounts(ports);
  const slots = Math.max(
    1,
    [...running.values()].reduce((sum, count) => sum + count, 0),
  );
  const paces = new Map<string, RenderPace | undefined>();
  const standings = new Map<string, Standing>();
  for (const job of active) {
    const { model } = job.request;
    if (!paces.has(model)) paces.set(model, await readPace(ports.kv, model));
    standings.set(job.id, await standingOf(ports, job, queued, slots, paces.get(model)));
  }
  return standings;
}

interface Counts {
  readonly queued: ReadonlyMap<string, number>;
  readonly running: ReadonlyMap<string, number>;
}

/** Counting the whole queue for each look at one job would cost more than all the rest of the look. */
const counted = new WeakMap<JobStore, { readonly atMs: number; readonly counts: Counts }>();

async function readCounts({ store, now }: StandingPorts): Promise<Counts> {
  const before = counted.get(store);
  if (before !== undefined && Math.abs(now() - before.atMs) < limits.countsKeptMs) return before.counts;
  const counts = { queued: await store.countQueuedByTenant(), running: await store.countRunning() };
  counted.set(store, { atMs: now(), counts });
  return counts;
}

/** The same for an answer that does not depend on them: without standings when the store cannot count now. */
export async function standingsOrNone(
  ports: StandingPorts,
  jobs: readonly Job[],
): Promise<ReadonlyMap<string, Standing>> {
  return readStandings(ports, jobs).catch(() => new Map());
}

async function standingOf(
  ports: StandingPorts,
  job: Job,
  queued: ReadonlyMap<string, number>,
  slots: number,
  pace: RenderPace | undefined,
): Promise<Standing> {
  const nowMs = ports.now();
  const jobMs = pace === undefined ? undefined : rangeOf(pace, costOf(job.request));
  if (job.status === 'in_progress') {
    const left = 1 - shareDone(job);
    const eta = jobMs && { earliestMs: nowMs + jobMs.least * left, latestMs: nowMs + jobMs.most * left };
    return { queuePosition: null, eta: eta ?? null };
  }
  const own = await ports.store.countQueuedBefore(job.tenant, queueRank(job), limits.maxPosition);
  const before = Math.min(limits.maxPosition, queuedBefore(job, own, queued, ports.shareOf));
  const startMs = Math.max(nowMs, job.notBeforeMs);
  const eta = jobMs && {
    earliestMs: startMs + (Math.floor(before / slots) + 1) * jobMs.least,
    latestMs: startMs + (Math.ceil(before / slots) + 2) * jobMs.most,
  };
  return { queuePosition: before + 1, eta: eta ?? null };
}

/** Steps are nearly all of a job's time. */
function shareDone({ progress }: Job): number {
  if (progress === null || progress.phase === 'loading' || progress.phase === 'encoding_prompt') return 0;
  return progress.phase === 'denoising' ? (0.9 * progress.step) / Math.max(1, progress.steps) : 0.9;
}

function rangeOf({ msPerCost, deviation }: RenderPace, cost: number): { least: number; most: number } {
  return { least: Math.max(0, msPerCost - deviation) * cost, most: (msPerCost + 2 * deviation) * cost };
}

/** What is known of a model's pace; undefined where none of its jobs was measured. */
export async function readPace(kv: KeyValueStore, model: string): Promise<RenderPace | undefined> {
  return (await kv.get(PACE_SPACE, model))?.value as RenderPace | undefined;
}

/** Notes how long one attempt that did all its steps took. Best effort: two at once may note one. */
export async function notePace(kv: KeyValueStore, job: Job, renderMs: number): Promise<void> {
  const { model } = job.request;
  const before = await readPace(kv, model);
  const measured = renderMs / costOf(job.request);
  const value =
    before === undefined
      ? { msPerCost: measured, deviation: measured / 4, jobs: 1 }
      : {
          msPerCost: before.msPerCost + NEWEST * (measured - before.msPerCost),
          deviation: before.deviation + NEWEST * (Math.abs(measured - before.msPerCost) - before.deviation),
          jobs: before.jobs + 1,
        };
  await kv.put({ space: PACE_SPACE, name: model, value, expiresAtMs: null, dueAtMs: null });
}
