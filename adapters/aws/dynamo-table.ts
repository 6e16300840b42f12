/**
 * The table of jobs and key value entries as data: infra builds it, tests build it, the stores query it.
 *
 * One item a job (or the tombstone that replaces it) or entry, under its id, so that every write is one conditional write of one item. The record itself is JSON in `record`
 * (`value` of an entry); all other attributes repeat what is searched. An index holds an item only while the item has both of the
 * index's key attributes, and an item has each only while it applies: the indexes stay as small as the work that is open, whatever the
 * history.
 *
 *     index         partition      sort              holds
 *     byTenant      listedTenant   id                jobs not marked deleted
 *     byOutbox      shard          outboxDueMs       jobs that owe messages or events
 *     byLease       shard          leaseEndsMs       jobs in progress, with their tenant and brief
 *     byRank        queueShard     queuePlace        jobs queued, by tenant and rank, with what the search for heads looks at, and brief
 *     byDeadline    shard          queuedDeadlineMs  jobs queued that have a deadline
 *     byRemoval     shard          removal           jobs deleted or with an expiry, and the tombstones
 *     entriesBySpace  space        nameBytes         entries
 *     entriesDue    dueShard       dueMs             entries with a dueAtMs, by kind
 *     entriesExpiry shard          entryExpiresMs    entries with an expiry
 *
 * `shard` is a hash of the id: one index partition takes 1,000 writes a second, so four keep up with 4,000 changes of jobs a second
 * while a sweep asks four queries. byRank is one partition, `queueShard`: 500 jobs a second may come into it and leave it, more than any
 * fleet renders, and every worker reads it for every job.  `dueShard` is the kind of the entry's space before that. Indexes hold little more than keys; what a
 * reader is given comes from the table itself, but for a job's `brief`: what a controller of the fleet may know of a job, some 200 bytes,
 * so that it reads 500 waiting jobs for some 20 read units, and needs no right to any record.
 */
import type { CreateTableCommandInput, KeyType, ScalarAttributeType } from '@aws-sdk/client-dynamodb';

/** The one partition of byRank. */
export const queuePartition = 'queued';

/** Partitions of each other sparse index, so that no single one takes every write. */
export const shardCount = 4;

/** Seconds since 1970; DynamoDB drops the item some time after. Only records marked deleted and tombstones have it. */
export const ttlAttribute = 'ttlSeconds';

/** What defines an index: its key attributes, and the others that it carries beside the keys. */
interface Index {
  readonly partition: string;
  readonly sort: string;
  readonly sortType: ScalarAttributeType;
  readonly carries: readonly string[];
}

/** Name and key attributes of each index. */
export const indexes = {
  byTenant: { partition: 'listedTenant', sort: 'id', sortType: 'S', carries: [] },
  byOutbox: { partition: 'shard', sort: 'outboxDueMs', sortType: 'N', carries: [] },
  byLease: { partition: 'shard', sort: 'leaseEndsMs', sortType: 'N', carries: ['tenant', 'brief'] },
  byRank: { partition: 'queueShard', sort: 'queuePlace', sortType: 'S', carries: ['tenant', 'notBeforeMs', 'brief'] },
  byDeadline: { partition: 'shard', sort: 'queuedDeadlineMs', sortType: 'N', carries: [] },
  byRemoval: { partition: 'shard', sort: 'removal', sortType: 'S', carries: [] },
  entriesBySpace: { partition: 'space', sort: 'nameBytes', sortType: 'B', carries: [] },
  entriesDue: { partition: 'dueShard', sort: 'dueMs', sortType: 'N', carries: [] },
  entriesExpiry: { partition: 'shard', sort: 'entryExpiresMs', sortType: 'N', carries: [] },
} as const satisfies Readonly<Record<string, Index>>;

/** One of the indexes above. */
export type IndexName = keyof typeof indexes;

const attributeTypes = new Map<string, ScalarAttributeType>(
  Object.values(indexes).flatMap(({ partition, sort, sortType }) => [
    [partition, 'S'],
    [sort, sortType],
  ]),
);

/** The table without its name, on-demand. Time to live is set apart, on `ttlAttribute`: CreateTable does not take it. */
export const tableDefinition: Omit<CreateTableCommandInput, 'TableName'> = {
  BillingMode: 'PAY_PER_REQUEST',
  AttributeDefinitions: [...attributeTypes].map(([AttributeName, AttributeType]) => ({ AttributeName, AttributeType })),
  KeySchema: keySchema('id'),
  GlobalSecondaryIndexes: Object.entries(indexes).map(([IndexName, { partition, sort, carries }]) => ({
    IndexName,
    KeySchema: keySchema(partition, sort),
    Projection:
      carries.length === 0
        ? { ProjectionType: 'KEYS_ONLY' }
        : { ProjectionType: 'INCLUDE', NonKeyAttributes: [...carries] },
  })),
};

function keySchema(partition: string, sort?: string): { AttributeName: string; KeyType: KeyType }[] {
  const hash = { AttributeName: partition, KeyType: 'HASH' } as const;
  return sort === undefined ? [hash] : [hash, { AttributeName: sort, KeyType: 'RANGE' }];
}
