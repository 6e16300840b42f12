import { type Job, queueRank } from '#core/job.ts';
import { idInClass, idOrder, residencyOf } from '#core/job-id.ts';
import { defaultResidency } from '#core/policy/residency.ts';
import type { JobPage, JobQuery, JobStore } from '#core/ports.ts';
import { type ByClass, partOfJob } from './enclaves.ts';

/**
 * The stores of several residency classes as one, for a front door that serves all of them: lists are merged, counts add up. A read of a
 * class that is not open finds nothing, a write of one is refused.
 */
export function composeJobStores(stores: ByClass<JobStore>): JobStore {
  const all = [...stores];
  const reader = (id: string) => stores.get(residencyOf(id) ?? defaultResidency);
  const merged = async (read: (store: JobStore) => Promise<readonly Job[]>, by: (job: Job) => number, limit: number) =>
    firstOf(await Promise.all(all.map(([, store]) => read(store))), by, limit);
  return {
    create: async job => partOfJob(stores, job.id).create(job),
    get: async (id, tenant) => reader(id)?.get(id, tenant),
    load: async id => reader(id)?.load(id),
    list: (tenant, query) => mergedPage(all, tenant, query),
    transition: async (id, expected, change) => partOfJob(stores, id).transition(id, expected, change),
    clearOutbox: async (id, entryIds) => partOfJob(stores, id).clearOutbox(id, entryIds),
    listOutboxDue: (beforeMs, limit) => merged(store => store.listOutboxDue(beforeMs, limit), outboxDueMs, limit),
    listRunning: limit =>
      merged(
        store => store.listRunning(limit),
        job => job.lease?.expiresAtMs ?? 0,
        limit,
      ),
    countRunning: async () => added(await Promise.all(all.map(([, store]) => store.countRunning()))),
    async listQueueHeads(nowMs, limit) {
      const heads = (await Promise.all(all.map(([, store]) => store.listQueueHeads(nowMs, limit)))).flat();
      return firstHeads(heads).slice(0, limit);
    },
    // A brief says neither rank nor lease: those of a class are in order, one class after the other.
    listBriefs: async (status, limit) =>
      (await Promise.all(all.map(([, store]) => store.listBriefs(status, limit)))).flat().slice(0, limit),
    countQueuedByTenant: async () => added(await Promise.all(all.map(([, store]) => store.countQueuedByTenant()))),
    async countQueuedBefore(tenant, rank, atMost) {
      const counts = await Promise.all(all.map(([, store]) => store.countQueuedBefore(tenant, rank, atMost)));
      return Math.min(atMost, sum(counts));
    },
    listDeadlinesMissed: (beforeMs, limit) =>
      merged(
        store => store.listDeadlinesMissed(beforeMs, limit),
        job => job.deadlineAtMs ?? 0,
        limit,
      ),
    listRemovable: (beforeMs, limit) =>
      merged(
        store => store.listRemovable(beforeMs, limit),
        job => job.deletedAtMs ?? job.expiresAtMs ?? 0,
        limit,
      ),
    remove: async (job, removedAtMs) => partOfJob(stores, job.id).remove(job, removedAtMs),
    async listTombstones(beforeMs, limit) {
      const found = await Promise.all(all.map(([, store]) => store.listTombstones(beforeMs, limit)));
      return found
        .flat()
        .sort((a, b) => a.removedAtMs - b.removedAtMs || inOrder(a, b))
        .slice(0, limit);
    },
    removeTombstone: async id => partOfJob(stores, id).removeTombstone(id),
    async countQueued(atMost) {
      return Math.min(atMost, sum(await Promise.all(all.map(([, store]) => store.countQueued(atMost)))));
    },
  };
}

async function mergedPage(stores: readonly [string, JobStore][], tenant: string, query: JobQuery): Promise<JobPage> {
  const { after, limit, order } = query;
  // Each store knows the cursor as the id that the same moment has in its class.
  const pages = await Promise.all(
    stores.map(([name, store]) =>
      store.list(tenant, after === undefined ? query : { ...query, after: idInClass(after, name) }),
    ),
  );
  const sign = order === 'asc' ? 1 : -1;
  const jobs = pages.flatMap(page => page.jobs).sort((a, b) => sign * inOrder(a, b));
  return { jobs: jobs.slice(0, limit), hasMore: jobs.length > limit || pages.some(page => page.hasMore) };
}

function inOrder(a: { readonly id: string }, b: { readonly id: string }): number {
  return idOrder(a.id) < idOrder(b.id) ? -1 : 1;
}

function firstOf(found: readonly (readonly Job[])[], by: (job: Job) => number, limit: number): readonly Job[] {
  return found
    .flat()
    .sort((a, b) => by(a) - by(b) || inOrder(a, b))
    .slice(0, limit);
}

function outboxDueMs(job: Job): number {
  return Math.min(...job.outbox.map(entry => entry.dueAtMs));
}

/** Of each tenant the head that is first by rank, the tenants by name, as a single store has them. */
function firstHeads(heads: readonly Job[]): readonly Job[] {
  const first = new Map<string, Job>();
  for (const job of heads) {
    const before = first.get(job.tenant);
    if (before === undefined || queueRank(job) < queueRank(before)) first.set(job.tenant, job);
  }
  return [...first.values()].sort((a, b) => (a.tenant < b.tenant ? -1 : 1));
}

function added(counts: readonly ReadonlyMap<string, number>[]): ReadonlyMap<string, number> {
  const total = new Map<string, number>();
  for (const [tenant, count] of counts.flatMap(map => [...map])) total.set(tenant, (total.get(tenant) ?? 0) + count);
  return total;
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}
