import {
  isRemovable,
  leaseExpiresAtMs,
  matchesFilters,
  outboxDueAtMs,
  queuedDeadlineAtMs,
  removableAtMs,
} from '#adapters/job-facts.ts';
import { applyChange, checkChange, clearOutboxOf, expectationHolds } from '#core/apply-change.ts';
import { ReelayError } from '#core/errors.ts';
import { isTerminal, type Job, queueRank } from '#core/job.ts';
import { briefOf } from '#core/jobs/brief.ts';
import type { JobPage, JobQuery, JobStore, Tombstone } from '#core/ports.ts';
import { createJobIndex, type JobIndex, lowerBound } from './memory-job-index.ts';

/** How the store keeps its promises; the checks are replaced only to see that breaking them is noticed. */
export interface MemoryJobStoreOptions {
  readonly nowMs: () => number;
  /** How long the lists stay behind a write; drawn anew for each. */
  readonly lagMs?: () => number;
  /** Told of each write, before anyone else can see it; undefined: there was no record, or there is none any more. */
  readonly onWrite?: (before: Job | undefined, after: Job | undefined) => void;
  readonly holds?: typeof expectationHolds;
}

/** A JobStore that can be looked into. */
export interface MemoryJobStore extends JobStore {
  /** The records by id. */
  readonly records: ReadonlyMap<string, Job>;
  /** What is left of removed records, by id. */
  readonly tombstones: ReadonlyMap<string, Tombstone>;
  /** Records that are not over, or still owe something, or wait for their removal. */
  readonly unsettled: ReadonlySet<string>;
}

/** The JobStore port in memory. Every call has its whole effect before it returns its promise. */
export function createMemoryJobStore(options: MemoryJobStoreOptions): MemoryJobStore {
  const { nowMs, lagMs = () => 0, onWrite = () => undefined, holds = expectationHolds } = options;
  const records = new Map<string, Job>();
  const tombstones = new Map<string, Tombstone>();
  const unsettled = new Set<string>();
  const index = createJobIndex(nowMs);

  const write = (before: Job | undefined, after: Job): Job => {
    records.set(after.id, after);
    const settled = isTerminal(after.status) && after.outbox.length === 0 && after.deletedAtMs === null;
    if (settled) unsettled.delete(after.id);
    else unsettled.add(after.id);
    index.note(after.id, after, lagMs());
    onWrite(before, after);
    return after;
  };
  const lists = listsOf(records, index);
  return {
    records,
    tombstones,
    unsettled,
    async create(job) {
      if (records.has(job.id) || tombstones.has(job.id))
        throw new ReelayError('conflict', `id: ${job.id} exists already.`);
      write(undefined, job);
    },
    async get(id, tenant) {
      const job = records.get(id);
      return job?.tenant === tenant ? job : undefined;
    },
    async load(id) {
      return records.get(id);
    },
    async transition(id, expected, change) {
      checkChange(expected, change);
      const job = records.get(id);
      return job === undefined || !holds(job, expected) ? undefined : write(job, applyChange(job, change));
    },
    async clearOutbox(id, entryIds) {
      const job = records.get(id);
      const cleared = job && clearOutboxOf(job, entryIds);
      if (cleared !== undefined) write(job, cleared);
    },
    async remove({ id, tenant }, removedAtMs) {
      const job = records.get(id);
      if (job === undefined || job.tenant !== tenant || job.deletedAtMs === null) return;
      records.delete(id);
      tombstones.set(id, { id, tenant, removedAtMs });
      unsettled.delete(id);
      index.note(id, undefined, lagMs());
      onWrite(job, undefined);
    },
    async listTombstones(beforeMs, limit) {
      const due = [...tombstones.values()].filter(({ removedAtMs }) => removedAtMs <= beforeMs);
      return due.sort((a, b) => a.removedAtMs - b.removedAtMs || (a.id < b.id ? -1 : 1)).slice(0, limit);
    },
    async removeTombstone(id) {
      tombstones.delete(id);
    },
    ...lists,
  };
}

type Lists = Pick<
  JobStore,
  Extract<keyof JobStore, `list${string}` | `count${string}`> & Exclude<keyof JobStore, 'listTombstones'>
>;

/** The lists: which records comes from the index, what they are from the records themselves. */
function listsOf(records: ReadonlyMap<string, Job>, index: JobIndex): Lists {
  const oldest = (
    jobs: readonly Job[],
    limit: number,
    dueMs: (job: Job) => number | null,
    to = Number.POSITIVE_INFINITY,
  ) =>
    jobs
      .flatMap(({ id }) => {
        const job = records.get(id);
        const due = job === undefined ? null : dueMs(job);
        return job === undefined || due === null || due > to ? [] : [{ job, due }];
      })
      .sort((a, b) => a.due - b.due || (a.job.id < b.job.id ? -1 : 1))
      .slice(0, limit)
      .map(({ job }) => job);
  const heardQueued = () => index.tenants().flatMap(tenant => index.queued(tenant));
  return {
    list: async (tenant, query) => listOf(index, records, tenant, query),
    listOutboxDue: async (beforeMs, limit) => oldest(owing(index.all()), limit, outboxDueAtMs, beforeMs),
    listRunning: async limit => oldest(index.running(), limit, leaseExpiresAtMs),
    countRunning: async () => countBy(index.running()),
    listQueueHeads: async (nowMs, limit) => queueHeads(index, records, nowMs, limit),
    countQueuedByTenant: async () =>
      new Map(index.tenants().map(tenant => [tenant, index.queued(tenant).length] as const)),
    countQueuedBefore: async (tenant, rank, atMost) => Math.min(atMost, lowerBound(index.queued(tenant), rank)),
    listDeadlinesMissed: async (beforeMs, limit) =>
      oldest(
        heardQueued().flatMap(({ id }) => records.get(id) ?? []),
        limit,
        queuedDeadlineAtMs,
        beforeMs,
      ),
    listRemovable: async (beforeMs, limit) =>
      oldest(index.all(), limit, job => (isRemovable(job, beforeMs) ? removableAtMs(job) : null)),
    countQueued: async atMost =>
      Math.min(
        atMost,
        index.tenants().reduce((sum, tenant) => sum + index.queued(tenant).length, 0),
      ),
    listBriefs: async (status, limit) => {
      const jobs = status === 'queued' ? heardQueued().flatMap(({ id }) => records.get(id) ?? []) : index.running();
      const ranked = jobs.map(job => ({ job, rank: queueRank(job) })).sort((a, b) => (a.rank < b.rank ? -1 : 1));
      const found = status === 'queued' ? ranked.map(({ job }) => job) : oldest(jobs, limit, leaseExpiresAtMs);
      return found.slice(0, limit).flatMap(job => briefOf(job) ?? []);
    },
  };
}

function owing(jobs: readonly Job[]): readonly Job[] {
  return jobs.filter(job => job.outbox.length > 0);
}

function countBy(jobs: readonly Job[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { tenant } of jobs) counts.set(tenant, (counts.get(tenant) ?? 0) + 1);
  return counts;
}

/** As the DynamoDB adapter finds them: the first candidate of each of four shards, the first of these that the record confirms. */
function queueHeads(index: JobIndex, records: ReadonlyMap<string, Job>, nowMs: number, limit: number): readonly Job[] {
  const candidates: string[][] = [];
  for (const tenant of index.tenants()) {
    const ofShards = new Map<number, string>();
    for (const { id, notBeforeMs } of index.queued(tenant)) {
      if (notBeforeMs > nowMs) continue;
      const shard = id.charCodeAt(id.length - 1) & 3;
      if (!ofShards.has(shard)) ofShards.set(shard, id);
      if (ofShards.size === 4) break;
    }
    if (ofShards.size > 0) candidates.push([...ofShards.values()]);
    if (candidates.length >= limit) break;
  }
  return candidates.slice(0, limit).flatMap(ids => {
    const jobs = ids.flatMap(id => records.get(id) ?? []);
    return jobs.find(job => job.status === 'queued' && job.notBeforeMs <= nowMs) ?? [];
  });
}

function listOf(index: JobIndex, records: ReadonlyMap<string, Job>, tenant: string, query: JobQuery): JobPage {
  const { order, limit, after } = query;
  const sign = order === 'asc' ? 1 : -1;
  const found = index
    .all()
    .flatMap(({ id }) => records.get(id) ?? [])
    .filter(job => job.tenant === tenant && matchesFilters(job, query))
    .filter(job => after === undefined || (job.id < after ? -1 : 1) * sign > 0)
    .filter(job => job.id !== after)
    .sort((a, b) => (a.id < b.id ? -sign : sign));
  return { jobs: found.slice(0, limit), hasMore: found.length > limit };
}
