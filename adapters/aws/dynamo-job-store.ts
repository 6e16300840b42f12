import { randomUUID } from 'node:crypto';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DeleteCommand, DynamoDBDocumentClient, GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { isRemovable, leaseExpiresAtMs, matchesFilters, outboxDueAtMs, removableAtMs } from '#adapters/job-facts.ts';
import { applyChange, checkChange, expectationHolds } from '#core/apply-change.ts';
import { ReelayError } from '#core/errors.ts';
import type { Job } from '#core/job.ts';
import type { JobPage, JobQuery, JobStore } from '#core/ports.ts';
import { fromAws, isAwsError } from './aws-error.ts';
import { createDynamoIndexReader } from './dynamo-index-reader.ts';
import { fromItem, removalKeys, toItem } from './dynamo-job-item.ts';

/** Each failed round means that someone else's write went through; beyond this something other than a race is wrong. */
const MAX_ROUNDS = 100;

export interface DynamoJobStoreOptions {
  readonly client: DynamoDBClient;
  /** Name of a table made as dynamo-table.ts says. */
  readonly table: string;
}

/**
 * Job records in a DynamoDB table. `create`, `load`, `get`, `transition`, `clearOutbox` and `remove` read and write the table itself,
 * strongly consistent: there a read after a write sees it, from any process.
 *
 * Which records belong to a list or a sweep comes from indexes, which DynamoDB updates a moment after the write (usually well under a
 * second): a job created or changed in that moment may still be missing from `list`, the sweeps and `countQueued`. What they do return
 * is read from the table, so it is current and belongs there; a page never shows an old status or a deleted job. Sweeps lose nothing
 * by it, the next one finds what this one missed; the API answers a create with the record itself.
 */
export function createDynamoJobStore({ client, table }: DynamoJobStoreOptions): JobStore {
  const documents = DynamoDBDocumentClient.from(client);
  const index = createDynamoIndexReader(documents, table);

  return {
    create: job => access(() => create(job)),
    load: id => access(() => load(id)),
    get: (id, tenant) =>
      access(async () => {
        const job = await load(id);
        return job?.tenant === tenant ? job : undefined;
      }),
    list: (tenant, query) => access(() => list(tenant, query)),

    transition: (id, expected, change) =>
      access(async () => {
        checkChange(expected, change);
        return rewrite(id, job => (expectationHolds(job, expected) ? applyChange(job, change) : undefined));
      }),

    clearOutbox: (id, entryIds) =>
      access(async () => {
        await rewrite(id, job => {
          const outbox = job.outbox.filter(entry => !entryIds.includes(entry.id));
          return outbox.length === job.outbox.length ? undefined : applyChange(job, { outbox });
        });
      }),

    listOutboxDue: (beforeMs, limit) =>
      access(async () => {
        const found = await index.due('byOutbox', { to: beforeMs }, limit);
        return oldest(found, limit, job => dueBy(outboxDueAtMs(job), beforeMs));
      }),

    listLeasesExpired: (beforeMs, limit) =>
      access(async () => {
        const found = await index.due('byLease', { to: beforeMs }, limit);
        return oldest(found, limit, job => dueBy(leaseExpiresAtMs(job), beforeMs));
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

    remove: id =>
      access(async () => {
        const command = new DeleteCommand({
          TableName: table,
          Key: { id },
          ConditionExpression: 'deleted = :true',
          ExpressionAttributeValues: { ':true': true },
        });
        await documents.send(command).catch(ignoreFailedCondition);
      }),

    countQueued: atMost => access(() => index.countQueued(atMost)),
  };

  async function loadItem(id: string): Promise<Record<string, unknown> | undefined> {
    const { Item } = await documents.send(new GetCommand({ TableName: table, Key: { id }, ConsistentRead: true }));
    return Item;
  }

  async function load(id: string): Promise<Job | undefined> {
    const item = await loadItem(id);
    return item === undefined ? undefined : known(fromItem(item), id);
  }

  async function create(job: Job): Promise<void> {
    const writeId = randomUUID();
    const Item = toItem(job, writeId);
    try {
      await documents.send(new PutCommand({ TableName: table, Item, ConditionExpression: 'attribute_not_exists(id)' }));
    } catch (error) {
      if (!isAwsError(error, 'ConditionalCheckFailedException')) throw error;
      if ((await loadItem(job.id))?.writeId === writeId) return;
      throw new ReelayError('conflict', `id: ${job.id} exists already.`, { cause: error });
    }
  }

  /**
   * Reads the record, makes the next one and writes it on the condition that the version read is still there; else again from the
   * start. Every write goes through here, so "status and attempt still hold" and "version still holds" are one condition.
   */
  async function rewrite(id: string, next: (job: Job) => Job | undefined): Promise<Job | undefined> {
    let item = await loadItem(id);
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const job = item === undefined ? undefined : known(fromItem(item), id);
      const changed = job === undefined ? undefined : next(job);
      if (job === undefined || changed === undefined) return undefined;
      const writeId = randomUUID();
      if (await put(changed, writeId, job.version)) return changed;
      item = await loadItem(id);
      if (item?.writeId === writeId) return changed;
    }
    throw new ReelayError('store_unavailable', `The record of ${id} changes faster than it can be written.`);
  }

  async function put(job: Job, writeId: string, version: number): Promise<boolean> {
    const command = new PutCommand({
      TableName: table,
      Item: toItem(job, writeId),
      ConditionExpression: 'version = :version',
      ExpressionAttributeValues: { ':version': version },
    });
    const written = await documents.send(command).catch(ignoreFailedCondition);
    return written !== undefined;
  }

  async function list(tenant: string, query: JobQuery): Promise<JobPage> {
    const jobs: Job[] = [];
    // One more than the page holds tells whether there is more.
    for await (const job of index.ofTenant(tenant, query, query.limit + 1)) {
      if (!matchesFilters(job, query)) continue;
      if (jobs.length === query.limit) return { jobs, hasMore: true };
      jobs.push(job);
    }
    return { jobs, hasMore: false };
  }
}

async function access<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw fromAws(error, 'The job table');
  }
}

function known(job: Job | undefined, id: string): Job {
  if (job !== undefined) return job;
  throw new ReelayError('store_unavailable', `The record of ${id} was written by a newer Reelay; upgrade this one.`, {
    retryable: false,
  });
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

function ignoreFailedCondition(error: unknown): undefined {
  if (!isAwsError(error, 'ConditionalCheckFailedException')) throw error;
}
