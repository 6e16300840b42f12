import type { Job } from '#core/job.ts';
import { briefOf, type JobBrief } from '#core/jobs/brief.ts';
import type { JobQuery, Tombstone } from '#core/ports.ts';
import {
  briefFromItem,
  fromItem,
  type OnUnreadable,
  placeOf,
  rankOfPlace,
  removalKeys,
  tombstoneFromItem,
} from './dynamo-job-item.ts';
import {
  countItems,
  loadItems,
  lowestIds,
  partitionQuery,
  partitionsOf,
  queryItems,
  type SortRange,
  shards,
  type Table,
} from './dynamo-query.ts';
import { queueHeads } from './dynamo-queue-heads.ts';
import { type IndexName, indexes, queuePartition } from './dynamo-table.ts';

/** Reads ids from the indexes and records, consistently, from the table. */
export interface DynamoIndexReader {
  /** At most `limit` records, those with the lowest sort keys, as the table has them now: the caller checks that they are still due. */
  due(name: IndexName, range: SortRange, limit: number): Promise<readonly Job[]>;
  /** Tombstones of records removed by then, oldest first. */
  tombstones(beforeMs: number, limit: number): Promise<readonly Tombstone[]>;
  /** A tenant's records in the query's order after its cursor, read `pageSize` at a time; unfiltered. */
  ofTenant(tenant: string, query: JobQuery, pageSize: number): AsyncGenerator<Job>;
  /** The first job of each tenant that is queued and may start, of at most `limit` tenants. */
  queueHeads(nowMs: number, limit: number): Promise<readonly Job[]>;
  countQueued(atMost: number): Promise<number>;
  countBefore(tenant: string, rank: string, atMost: number): Promise<number>;
  /** Reads the whole index, which must carry the tenant: some 10,000 jobs a request. */
  countByTenant(name: 'byLease' | 'byRank'): Promise<ReadonlyMap<string, number>>;
  /** From the index alone, up to `limit` of each partition: some 4,000 jobs a request. */
  briefs(name: 'byLease' | 'byRank', limit: number): Promise<readonly JobBrief[]>;
}

/** Keys from the indexes, records from the table by strongly consistent reads. Throws what the SDK throws. */
export function createDynamoIndexReader(table: Table, onUnreadable?: OnUnreadable): DynamoIndexReader {
  return {
    due: async (index, range, limit) => loadJobs(table, await lowestIds(table, index, shards, range, limit)),
    async tombstones(beforeMs, limit) {
      const range = { from: removalKeys.removed, to: removalKeys.removedAt(beforeMs) };
      const ids = await lowestIds(table, 'byRemoval', shards, range, limit);
      return (await loadItems(table, ids)).flatMap(item => tombstoneFromItem(item) ?? []);
    },
    ofTenant: (tenant, query, pageSize) => ofTenant(table, tenant, query, pageSize),
    queueHeads: (nowMs, limit) => queueHeads(table, nowMs, limit),
    countQueued: atMost => countQueue(table, {}, atMost),

    async countBefore(tenant, rank, atMost) {
      if (rank === '') return 0;
      return countQueue(table, { from: placeOf(tenant, ''), to: justBefore(placeOf(tenant, rank)) }, atMost);
    },

    async countByTenant(index) {
      const counts = new Map<string, number>();
      const count = async (shard: string) => {
        for await (const { tenant } of queryItems(table, partitionQuery(table, index, shard)))
          counts.set(String(tenant), (counts.get(String(tenant)) ?? 0) + 1);
      };
      await Promise.all(partitionsOf(index).map(count));
      return counts;
    },
    briefs: (index, limit) => briefs(table, index, limit, onUnreadable),
  };
}

async function briefs(
  table: Table,
  name: 'byLease' | 'byRank',
  limit: number,
  onUnreadable?: OnUnreadable,
): Promise<readonly JobBrief[]> {
  const found: { readonly brief: JobBrief; readonly at: string | number }[] = [];
  const read = async (shard: string) => {
    let left = limit;
    if (left < 1) return;
    for await (const item of queryItems(table, partitionQuery(table, name, shard))) {
      // An item from before there were briefs has none: its record knows. Of one that is damaged nobody reads the record: not all who look may.
      const brief =
        item.brief === undefined
          ? (await loadJobs(table, [String(item.id)])).flatMap(job => briefOf(job) ?? [])[0]
          : briefFromItem(item, onUnreadable);
      const sort = item[indexes[name].sort];
      if (brief !== undefined) found.push({ brief, at: name === 'byRank' ? rankOfPlace(String(sort)) : Number(sort) });
      if (--left === 0) return;
    }
  };
  await Promise.all(partitionsOf(name).map(read));
  found.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : a.brief.id < b.brief.id ? -1 : 1));
  return found.slice(0, limit).map(({ brief }) => brief);
}

async function* ofTenant(table: Table, tenant: string, query: JobQuery, pageSize: number): AsyncGenerator<Job> {
  const { after, order } = query;
  const names = { '#partition': 'listedTenant', ...(after === undefined ? {} : { '#sort': 'id' }) };
  const values = { ':partition': tenant, ...(after === undefined ? {} : { ':after': after }) };
  const cursor = after === undefined ? '' : ` AND #sort ${order === 'asc' ? '>' : '<'} :after`;
  const items = queryItems(table, {
    TableName: table.name,
    IndexName: 'byTenant',
    KeyConditionExpression: `#partition = :partition${cursor}`,
    ExpressionAttributeNames: names,
    ExpressionAttributeValues: values,
    ScanIndexForward: order === 'asc',
    Limit: pageSize,
  });
  let ids: string[] = [];
  for await (const item of items) {
    if (ids.push(String(item.id)) < pageSize) continue;
    yield* await loadJobs(table, ids);
    ids = [];
  }
  yield* await loadJobs(table, ids);
}

function countQueue(table: Table, range: SortRange, atMost: number): Promise<number> {
  return countItems(table, partitionQuery(table, 'byRank', queuePartition, range), atMost);
}

/** Records in the order of the ids; those removed meanwhile, and those of a newer Reelay, are left out. */
async function loadJobs(table: Table, ids: readonly string[]): Promise<readonly Job[]> {
  return (await loadItems(table, ids)).flatMap(item => fromItem(item) ?? []);
}

/** A bound above every text that sorts before this one and below this one: a range of DynamoDB includes its ends. */
function justBefore(text: string): string {
  return `${text.slice(0, -1)}${String.fromCharCode(text.charCodeAt(text.length - 1) - 1)}\u{10FFFF}`;
}
