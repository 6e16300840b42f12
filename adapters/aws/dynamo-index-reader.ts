import { setTimeout as sleep } from 'node:timers/promises';
import { BatchGetCommand, type DynamoDBDocumentClient, QueryCommand } from '@aws-sdk/lib-dynamodb';
import { ReelayError } from '#core/errors.ts';
import type { Job } from '#core/job.ts';
import type { JobQuery } from '#core/ports.ts';
import { fromItem } from './dynamo-job-item.ts';
import { type IndexName, indexes, shardCount } from './dynamo-table.ts';

/** What one BatchGetItem takes. */
const MAX_BATCH = 100;
/** Throttled keys of a batch come back unread; the SDK does not ask again. Doubling from 100 ms, this gives up after some 3 s. */
const BATCH_TRIES = 6;

const shards = Array.from({ length: shardCount }, (_, shard) => String(shard));

/** Inclusive bounds of an index's sort key, of the type that the index has. */
export interface SortRange {
  readonly from?: string;
  readonly to: string | number;
}

/** Reads ids from the indexes and records, consistently, from the table. */
export interface DynamoIndexReader {
  /** At most `limit` records, those with the lowest sort keys, as the table has them now: the caller checks that they are still due. */
  due(name: IndexName, range: SortRange, limit: number): Promise<readonly Job[]>;
  /** A tenant's records in the query's order after its cursor, read `pageSize` at a time; unfiltered. */
  ofTenant(tenant: string, query: JobQuery, pageSize: number): AsyncGenerator<Job>;
  countQueued(atMost: number): Promise<number>;
}

interface Table {
  readonly documents: DynamoDBDocumentClient;
  readonly name: string;
}

type Key = Record<string, unknown>;

/** Keys from the indexes, records from the table by strongly consistent reads. Throws what the SDK throws. */
export function createDynamoIndexReader(documents: DynamoDBDocumentClient, name: string): DynamoIndexReader {
  const table: Table = { documents, name };
  return {
    due: (index, range, limit) => due(table, index, range, limit),
    ofTenant: (tenant, query, pageSize) => ofTenant(table, tenant, query, pageSize),

    async countQueued(atMost) {
      const counts = await Promise.all(shards.map(shard => countShard(table, shard, atMost)));
      return Math.min(
        atMost,
        counts.reduce((sum, count) => sum + count, 0),
      );
    },
  };
}

async function due(table: Table, index: IndexName, range: SortRange, limit: number): Promise<readonly Job[]> {
  if (limit < 1) return [];
  const perShard = await Promise.all(shards.map(shard => dueOfShard(table, index, shard, range, limit)));
  const keys = perShard.flat().sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : a.id < b.id ? -1 : 1));
  return loadAll(
    table,
    keys.slice(0, limit).map(key => key.id),
  );
}

async function dueOfShard(table: Table, index: IndexName, shard: string, range: SortRange, limit: number) {
  const { sort } = indexes[index];
  const from = range.from === undefined ? {} : { ':from': range.from };
  const command = new QueryCommand({
    TableName: table.name,
    IndexName: index,
    KeyConditionExpression: `#shard = :shard AND #sort ${range.from === undefined ? '<=' : 'BETWEEN :from AND'} :to`,
    ExpressionAttributeNames: { '#shard': 'shard', '#sort': sort },
    ExpressionAttributeValues: { ':shard': shard, ':to': range.to, ...from },
    Limit: limit,
  });
  const { Items = [] } = await table.documents.send(command);
  return Items.map(item => ({ id: String(item.id), at: item[sort] as string | number }));
}

async function* ofTenant(table: Table, tenant: string, query: JobQuery, pageSize: number): AsyncGenerator<Job> {
  const after = query.after === undefined ? {} : { ':after': query.after };
  let start: Key | undefined;
  do {
    const command = new QueryCommand({
      TableName: table.name,
      IndexName: 'byTenant',
      KeyConditionExpression: `listedTenant = :tenant${afterCondition(query)}`,
      ExpressionAttributeValues: { ':tenant': tenant, ...after },
      ScanIndexForward: query.order === 'asc',
      Limit: pageSize,
      ...(start === undefined ? {} : { ExclusiveStartKey: start }),
    });
    const { Items = [], LastEvaluatedKey } = await table.documents.send(command);
    yield* await loadAll(
      table,
      Items.map(item => String(item.id)),
    );
    start = LastEvaluatedKey;
  } while (start !== undefined);
}

async function countShard(table: Table, shard: string, atMost: number): Promise<number> {
  let count = 0;
  let start: Key | undefined;
  if (atMost < 1) return 0;
  do {
    const command = new QueryCommand({
      TableName: table.name,
      IndexName: 'byQueued',
      KeyConditionExpression: '#shard = :shard',
      ExpressionAttributeNames: { '#shard': 'shard' },
      ExpressionAttributeValues: { ':shard': shard },
      Select: 'COUNT',
      Limit: atMost - count,
      ...(start === undefined ? {} : { ExclusiveStartKey: start }),
    });
    const { Count = 0, LastEvaluatedKey } = await table.documents.send(command);
    count += Count;
    start = LastEvaluatedKey;
  } while (start !== undefined && count < atMost);
  return count;
}

/** Records in the order of the ids; those removed meanwhile, and those of a newer Reelay, are left out. */
async function loadAll(table: Table, ids: readonly string[]): Promise<readonly Job[]> {
  const found = new Map<string, Job>();
  for (let at = 0; at < ids.length; at += MAX_BATCH)
    for (const job of await loadBatch(table, ids.slice(at, at + MAX_BATCH))) found.set(job.id, job);
  return ids.flatMap(id => found.get(id) ?? []);
}

async function loadBatch({ documents, name }: Table, ids: readonly string[]): Promise<readonly Job[]> {
  const jobs: Job[] = [];
  let keys: Key[] | undefined = ids.map(id => ({ id }));
  for (let attempt = 0; attempt < BATCH_TRIES; attempt++) {
    if (attempt > 0) await sleep(50 * 2 ** attempt);
    const command: BatchGetCommand = new BatchGetCommand({
      RequestItems: { [name]: { Keys: keys, ConsistentRead: true } },
    });
    const { Responses, UnprocessedKeys } = await documents.send(command);
    jobs.push(...(Responses?.[name] ?? []).flatMap(item => fromItem(item) ?? []));
    keys = UnprocessedKeys?.[name]?.Keys;
    if (keys === undefined || keys.length === 0) return jobs;
  }
  throw new ReelayError('store_unavailable', 'The job table is throttled: it left records of a batch unread.');
}

function afterCondition(query: JobQuery): string {
  if (query.after === undefined) return '';
  return query.order === 'asc' ? ' AND id > :after' : ' AND id < :after';
}
