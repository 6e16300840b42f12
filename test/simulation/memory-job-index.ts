/**
 * What a store's lists are made of: an index of the records that may lag behind them, as DynamoDB's do. An entry of the index that the
 * record itself contradicts is left out of an answer; what the index has not heard of yet is missing from it.
 */
import { queuedRank } from '#adapters/job-facts.ts';
import type { Job } from '#core/job.ts';

/** The records as the lists see them. */
export interface JobIndex {
  /** Hears of a record, undefined when it was removed, after `lagMs`; of one record in order. */
  note(id: string, job: Job | undefined, lagMs: number): void;
  /** All records that the index has heard of. */
  all(): readonly Job[];
  /** The jobs in progress that it has heard of. */
  running(): readonly Job[];
  /** A tenant's queued jobs, lowest rank first. */
  queued(tenant: string): readonly Place[];
  /** Tenants with queued jobs, in order. */
  tenants(): readonly string[];
}

/** Where a queued job stands. */
export interface Place {
  readonly id: string;
  readonly rank: string;
  readonly notBeforeMs: number;
}

interface Pending {
  readonly id: string;
  readonly job: Job | undefined;
  readonly atMs: number;
}

/** An empty index by the clock that counts its lag. */
export function createJobIndex(nowMs: () => number): JobIndex {
  const heard = new Map<string, Job>();
  const runningNow = new Map<string, Job>();
  const places = new Map<string, Place[]>();
  let pending: Pending[] = [];

  const place = (job: Job, add: boolean) => {
    if (job.status === 'in_progress') add ? runningNow.set(job.id, job) : runningNow.delete(job.id);
    const rank = queuedRank(job);
    if (rank === null) return;
    const list = places.get(job.tenant) ?? [];
    places.set(job.tenant, list);
    const at = lowerBound(list, rank);
    if (add) list.splice(at, 0, { id: job.id, rank, notBeforeMs: job.notBeforeMs });
    else list.splice(at, 1);
    if (list.length === 0) places.delete(job.tenant);
  };
  const apply = ({ id, job }: Pending) => {
    const before = heard.get(id);
    if (before !== undefined) place(before, false);
    if (job === undefined) heard.delete(id);
    else {
      heard.set(id, job);
      place(job, true);
    }
  };
  const catchUp = () => {
    if (pending.length === 0) return;
    const now = nowMs();
    // A later write of a record waits for an earlier one, so that the index never goes back.
    const waits = new Set<string>();
    pending = pending.filter(entry => {
      if (entry.atMs > now || waits.has(entry.id)) return waits.add(entry.id);
      apply(entry);
      return false;
    });
  };
  const seen = <T>(answer: () => T): T => {
    catchUp();
    return answer();
  };
  return {
    note: (id, job, lagMs) => {
      const entry = { id, job, atMs: nowMs() + lagMs };
      if (lagMs <= 0 && pending.length === 0) apply(entry);
      else pending.push(entry);
    },
    all: () => seen(() => [...heard.values()]),
    running: () => seen(() => [...runningNow.values()]),
    queued: tenant => seen(() => places.get(tenant) ?? []),
    tenants: () => seen(() => [...places.keys()].sort()),
  };
}

/** The place of a rank among those that are there. */
export function lowerBound(list: readonly Place[], rank: string): number {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (list[middle]!.rank < rank) low = middle + 1;
    else high = middle;
  }
  return low;
}
