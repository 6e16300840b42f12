/**
 * The jobs table as data: infra builds it, tests build it, the job store queries it.
 *
 * One item a job, under its id, so that every write is one conditional write of one item. The record itself is JSON in `record`; all
 * other attributes repeat what is searched. An index holds an item only while the item has both of the index's key attributes, and a
 * job has each only while it applies: the indexes stay as small as the work that is open, whatever the history.
 *
 *     index         partition      sort           holds
 *     byTenant      listedTenant   id             jobs not marked deleted
 *     byOutbox      shard          outboxDueMs    jobs that owe messages or events
 *     byLease       shard          leaseEndsMs    jobs in progress
 *     byRemoval     shard          removal        jobs deleted or with an expiry
 *     byQueued      shard          queuedSinceMs  jobs queued
 *
 * `shard` is a hash of the id: one index partition takes 1,000 writes a second, so four keep up with 4,000 changes of jobs a second
 * while a sweep asks four queries. Indexes hold keys only; what a reader is given comes from the table itself.
 */
import type { CreateTableCommandInput } from '@aws-sdk/client-dynamodb';

/** Partitions of each sparse index, so that no single one takes every write. */
export const shardCount = 4;

/** Seconds since 1970; DynamoDB drops the item some time after. Only records marked deleted have it. */
export const ttlAttribute = 'ttlSeconds';

/** Name and key attributes of each index. */
export const indexes = {
  byTenant: { partition: 'listedTenant', sort: 'id', sortType: 'S' },
  byOutbox: { partition: 'shard', sort: 'outboxDueMs', sortType: 'N' },
  byLease: { partition: 'shard', sort: 'leaseEndsMs', sortType: 'N' },
  byRemoval: { partition: 'shard', sort: 'removal', sortType: 'S' },
  byQueued: { partition: 'shard', sort: 'queuedSinceMs', sortType: 'N' },
} as const;

/** One of the indexes above. */
export type IndexName = keyof typeof indexes;

/** The table without its name, on-demand. Time to live is set apart, on `ttlAttribute`: CreateTable does not take it. */
export const tableDefinition: Omit<CreateTableCommandInput, 'TableName'> = {
  BillingMode: 'PAY_PER_REQUEST',
  AttributeDefinitions: [
    { AttributeName: 'id', AttributeType: 'S' },
    { AttributeName: 'listedTenant', AttributeType: 'S' },
    { AttributeName: 'shard', AttributeType: 'S' },
    { AttributeName: 'outboxDueMs', AttributeType: 'N' },
    { AttributeName: 'leaseEndsMs', AttributeType: 'N' },
    { AttributeName: 'removal', AttributeType: 'S' },
    { AttributeName: 'queuedSinceMs', AttributeType: 'N' },
  ],
  KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
  GlobalSecondaryIndexes: Object.entries(indexes).map(([IndexName, { partition, sort }]) => ({
    IndexName,
    KeySchema: [
      { AttributeName: partition, KeyType: 'HASH' },
      { AttributeName: sort, KeyType: 'RANGE' },
    ],
    Projection: { ProjectionType: 'KEYS_ONLY' },
  })),
};
