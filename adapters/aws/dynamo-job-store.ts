import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import {
  isRemovable,
  leaseExpiresAtMs,
  matchesFilters,
  outboxDueAtMs,
  queuedDeadlineAtMs,
  removableAtMs,
} from '#adapters/job-facts.ts';
import { applyChange, checkChange, clearOutboxOf, expectationHolds } from '#core/apply-change.ts';
import type { Job } from '#core/job.ts';
import type { JobPage, JobQuery, JobStore } from '#core/ports.ts';
import { fromAws } from './aws-error.ts';
import { createDynamoIndexReader, type DynamoIndexReader } from './dynamo-index-reader.ts';
import { type OnUnreadable, removalKeys } from './dynamo-job-item.ts';
import { createDynamoRecords } from './dynamo-records.ts';

/** The client brings region and credentials; the table is made from dynamo-table.ts. */
export interface DynamoJobStoreOptions {
  readonly client: DynamoDBClient;
  /** Name of a table made as dynamo-table.ts says. */
  readonly table: string;
  /** Told of the jobs that `listBriefs` leaves out because their briefs are damaged. */
  readonly onUnreadable?: OnUnreadable;
}

/**
 * Job records in a DynamoDB table. `create`, `load`, `get`, `transition`, `clearOutbox` and `remove` read and write the table itself,
 * strongly consistent: there a read after a write sees it, from any process.
 *
 * Which records belong to a list or a sweep comes from indexes, which DynamoDB updates a moment after the write (usually well under a
 * second): a job created or changed in that moment may still be missing from `list`, the sweeps, the heads and the counts. What they do return
 * is read from the table, so it is current and belongs there; a page never shows an old status or a deleted job. Sweeps lose nothing
 * by it, the next one finds what this one missed; the API answers a create with the record itself.
 */
export function createDynamoJobStore({ client, table, onUnreadable }: DynamoJobStoreOptions): JobStore {
  const documents = DynamoDBDocumentClient.from(client);
  const records = createDynamoRecords(documents, table);
  const index = createDynamoIndexReader({ documents, name: table }, onUnreadable);

  return {
    create: job => access(() => records.create(job)),
    load: id => access(() => records.load(id)),
    get: (id, tenant) =>
      access(async () => {
        const job = await records.load(id);
        return job?.tenant === tenant ? job : undefined;
      }),
    list: (tenant, query) => access(() => list(index, tenant, query)),

    transition: (id, expected, change) =>
      access(async () => {
        checkChange(expected, change);
        return records.rewrite(id, job => (expectationHolds(job, expected) ? applyChange(job, change) : undefined));
      }),

    clearOutbox: (id, entryIds) =>
      access(async () => {
        await records.rewrite(id, job => clearOutboxOf(job, entryIds));
      }),

    listOutboxDue: (beforeMs, limit) =>
      access(async () => {
        const found = await index.due('byOutbox', { to: beforeMs }, limit);
        return oldest(found, limit, job => dueBy(outboxDueAtMs(job), beforeMs));
      }),

    listRunning: limit => access(async () => oldest(await index.due('byLease', {}, limit), limit, leaseExpiresAtMs)),

    countRunning: () => access(() => index.countByTenant('byLease')),
    listQueueHeads: (nowMs, limit) =>
      access(async () => {
        const heads = await index.queueHeads(nowMs, limit);
        records.remember(heads); // one of them is leased next
        return heads;
      }),
    countQueuedByTenant: () => access(() => index.countByTenant('byRank')),
    countQueuedBefore: (tenant, rank, atMost) => access(() => index.countBefore(tenant, rank, atMost)),

    listDeadlinesMissed: (beforeMs, limit) =>
      access(async () => {
        const found = await index.due('byDeadline', { to: beforeMs }, limit);
        return oldest(found, limit, job => dueBy(queuedDeadlineAtMs(job), beforeMs));
      }),

    listRemovable: (beforeMs, limit) =>
      access(async () => {
        const { deleted, expires, expiresAt } = removalKeys;
        const ranges = [
          { from: deleted, to: expires },
          { from: expires, to: expiresAt(beforeMs) },
        ];
        const found = await Promise.all(ranges.map(range => index.due('byRemoval', range, limit)));
        return oldest(found.flat(), limit, job => (isRemovable(job, beforeMs) ? removableAtMs(job) : null));
      }),

    remove: ({ id, tenant }, removedAtMs) => access(() => records.bury({ id, tenant, removedAtMs })),
    listTombstones: (beforeMs, limit) => access(() => index.tombstones(beforeMs, limit)),
    removeTombstone: id => access(() => records.removeTombstone(id)),
    countQueued: atMost => access(() => index.countQueued(atMost)),
    listBriefs: (status, limit) => access(() => index.briefs(status === 'queued' ? 'byRank' : 'byLease', limit)),
  };
}

async function list(index: DynamoIndexReader, tenant: string, query: JobQuery): Promise<JobPage> {
  const jobs: Job[] = [];
  // One more than the page holds tells whether there is more.
  for await (const job of index.ofTenant(tenant, query, query.limit + 1)) {
    if (!matchesFilters(job, query)) continue;
    if (jobs.length === query.limit) return { jobs, hasMore: true };
    jobs.push(job);
  }
  return { jobs, hasMore: false };
}

async function access<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw fromAws(error, 'The job table');
  }
}

function dueBy(dueMs: number | null, beforeMs: number): number | null {
  return dueMs !== null && dueMs <= beforeMs ? dueMs : null;
}

/** The records that the table itself says are due, oldest first and each once: an index may be a moment behind, or between two ranges. */
function oldest(jobs: readonly Job[], limit: number, dueMs: (job: Job) => number | null): readonly Job[] {
  return [...new Map(jobs.map(job => [job.id, job])).values()]
    .flatMap(job => {
      const due = dueMs(job);
      return due === null ? [] : [{ job, due }];
    })
    .sort((a, b) => a.due - b.due || (a.job.id < b.job.id ? -1 : 1))
    .slice(0, limit)
    .map(({ job }) => job);
}
