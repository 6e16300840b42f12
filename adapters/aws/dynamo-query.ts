/** Questions to the table in dynamo-table.ts that both of its stores ask. Everything here throws what the SDK throws. */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  BatchGetCommand,
  type DynamoDBDocumentClient,
  QueryCommand,
  type QueryCommandInput,
} from '@aws-sdk/lib-dynamodb';
import { ReelayError } from '#core/errors.ts';
import { type IndexName, indexes, queuePartition, shardCount } from './dynamo-table.ts';

/** What one BatchGetItem takes. */
const MAX_BATCH = 100;
/** Throttled keys of a batch come back unread; the SDK does not ask again. Doubling from 100 ms, this gives up after some 3 s. */
const BATCH_TRIES = 6;

/** The partitions of the sparse indexes. */
export const shards: readonly string[] = Array.from({ length: shardCount }, (_, shard) => String(shard));

/** The partitions of one of them. */
export function partitionsOf(index: IndexName): readonly string[] {
  return indexes[index].partition === 'queueShard' ? [queuePartition] : shards;
}

/** A table by name, and the client that reaches it. */
export interface Table {
  readonly documents: DynamoDBDocumentClient;
  readonly name: string;
}

/** Attributes of an item, or of its part that an index has. */
export type Item = Readonly<Record<string, unknown>>;

/** Inclusive bounds of an index's sort key, of the type that the index has. */
export interface SortRange {
  readonly from?: string | Uint8Array;
  readonly to?: string | number;
}

/** A partition of an index as a query, for `queryItems` or a command of one's own. */
export function partitionQuery({ name }: Table, index: IndexName, partition: string, range: SortRange = {}) {
  const { from, to } = range;
  let bounds = '';
  if (from !== undefined && to !== undefined) bounds = ' AND #sort BETWEEN :from AND :to';
  else if (from !== undefined) bounds = ' AND #sort >= :from';
  else if (to !== undefined) bounds = ' AND #sort <= :to';
  return {
    TableName: name,
    IndexName: index,
    KeyConditionExpression: `#partition = :partition${bounds}`,
    ExpressionAttributeNames: {
      '#partition': indexes[index].partition,
      ...(bounds === '' ? {} : { '#sort': indexes[index].sort }),
    },
    ExpressionAttributeValues: {
      ':partition': partition,
      ...(from === undefined ? {} : { ':from': from }),
      ...(to === undefined ? {} : { ':to': to }),
    },
  } satisfies QueryCommandInput;
}

/** All that a query finds, read a page at a time while the caller goes on. `Limit` is the size of a page. */
export async function* queryItems({ documents }: Table, query: QueryCommandInput): AsyncGenerator<Item> {
  let start: Record<string, unknown> | undefined;
  do {
    const command = new QueryCommand({ ...query, ...(start === undefined ? {} : { ExclusiveStartKey: start }) });
    const { Items = [], LastEvaluatedKey } = await documents.send(command);
    yield* Items;
    start = LastEvaluatedKey;
  } while (start !== undefined);
}

/** How many items a query finds, never more than `atMost`. */
export async function countItems({ documents }: Table, query: QueryCommandInput, atMost: number): Promise<number> {
  let count = 0;
  let start: Record<string, unknown> | undefined;
  if (atMost < 1) return 0;
  do {
    const page = {
      Select: 'COUNT',
      Limit: atMost - count,
      ...(start === undefined ? {} : { ExclusiveStartKey: start }),
    } as const;
    const { Count = 0, LastEvaluatedKey } = await documents.send(new QueryCommand({ ...query, ...page }));
    count += Count;
    start = LastEvaluatedKey;
  } while (start !== undefined && count < atMost);
  return count;
}

/** At most `limit` ids from several partitions of an index, those with the lowest sort keys, in their order. */
export async function lowestIds(
  table: Table,
  index: IndexName,
  partitions: readonly string[],
  range: SortRange,
  limit: number,
): Promise<readonly string[]> {
  if (limit < 1) return [];
  const pages = await Promise.all(
    partitions.map(partition =>
      table.documents.send(new QueryCommand({ ...partitionQuery(table, index, partition, range), Limit: limit })),
    ),
  );
  return pages
    .flatMap(({ Items = [] }) => Items)
    .map(item => ({ id: String(item.id), at: item[indexes[index].sort] as string | number }))
    .sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : a.id < b.id ? -1 : 1))
    .slice(0, limit)
    .map(({ id }) => id);
}

/** Items in the order of the ids, by strongly consistent reads; those removed meanwhile are left out. */
export async function loadItems(table: Table, ids: readonly string[]): Promise<readonly Item[]> {
  const found = new Map<string, Item>();
  for (let at = 0; at < ids.length; at += MAX_BATCH)
    for (const item of await loadBatch(table, ids.slice(at, at + MAX_BATCH))) found.set(String(item.id), item);
  return ids.flatMap(id => {
    const item = found.get(id);
    return item === undefined ? [] : [item];
  });
}

async function loadBatch({ documents, name }: Table, ids: readonly string[]): Promise<readonly Item[]> {
  const items: Item[] = [];
  let keys: Record<string, unknown>[] | undefined = ids.map(id => ({ id }));
  for (let attempt = 0; attempt < BATCH_TRIES; attempt++) {
    if (attempt > 0) await sleep(50 * 2 ** attempt);
    const command: BatchGetCommand = new BatchGetCommand({
      RequestItems: { [name]: { Keys: keys, ConsistentRead: true } },
    });
    const { Responses, UnprocessedKeys } = await documents.send(command);
    items.push(...(Responses?.[name] ?? []));
    keys = UnprocessedKeys?.[name]?.Keys;
    if (keys === undefined || keys.length === 0) return items;
  }
  throw new ReelayError('store_unavailable', 'The job table is throttled: it left records of a batch unread.');
}
