import { randomUUID } from 'node:crypto';
import { DeleteCommand, type DynamoDBDocumentClient, GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { ReelayError } from '#core/errors.ts';
import type { Job } from '#core/job.ts';
import type { Tombstone } from '#core/ports.ts';
import { isAwsError } from './aws-error.ts';
import { fromItem, toItem, tombstoneFromItem, toTombstoneItem } from './dynamo-job-item.ts';

/** Each failed round means that someone else's write went through; beyond this something other than a race is wrong. */
const MAX_ROUNDS = 100;

type Item = Readonly<Record<string, unknown>>;

/** Single items of the table: read consistently, written only conditionally. */
export interface DynamoRecords {
  load(id: string): Promise<Job | undefined>;
  /** Throws `conflict` if a record or a tombstone has the id. */
  create(job: Job): Promise<void>;
  /**
   * Reads the record, makes the next one and writes it on the condition that the version read is still there; else again from the
   * start. Gives the record written; undefined, and nothing written, for an unknown id or when `next` gives undefined. Every write to
   * a record goes through here, so "status and attempt still hold" is the one condition "the version still holds".
   */
  rewrite(id: string, next: (job: Job) => Job | undefined): Promise<Job | undefined>;
  /** Replaces a record marked deleted, no other, by this tombstone. */
  bury(tombstone: Tombstone): Promise<void>;
  /** Removes a tombstone, nothing else. */
  removeTombstone(id: string): Promise<void>;
}

/** Single records of the table, by strongly consistent reads and conditional writes. Throws what the SDK throws. */
export function createDynamoRecords(documents: DynamoDBDocumentClient, TableName: string): DynamoRecords {
  async function loadItem(id: string): Promise<Item | undefined> {
    const { Item } = await documents.send(new GetCommand({ TableName, Key: { id }, ConsistentRead: true }));
    return Item;
  }

  async function putIfVersion(job: Job, writeId: string, version: number): Promise<boolean> {
    const command = new PutCommand({
      TableName,
      Item: toItem(job, writeId),
      ConditionExpression: 'version = :version',
      ExpressionAttributeValues: { ':version': version },
    });
    return (await documents.send(command).catch(ignoreFailedCondition)) !== undefined;
  }

  return {
    load: async id => toJob(await loadItem(id), id),

    async create(job) {
      const writeId = randomUUID();
      const Item = toItem(job, writeId);
      try {
        await documents.send(new PutCommand({ TableName, Item, ConditionExpression: 'attribute_not_exists(id)' }));
      } catch (error) {
        if (!isAwsError(error, 'ConditionalCheckFailedException')) throw error;
        const item = await loadItem(job.id);
        if (item?.writeId === writeId) return;
        const removed = item !== undefined && tombstoneFromItem(item) !== undefined;
        throw new ReelayError('conflict', `id: ${job.id} ${removed ? 'was removed' : 'exists already'}.`, {
          cause: error,
        });
      }
    },

    async rewrite(id, next) {
      let item = await loadItem(id);
      for (let round = 0; round < MAX_ROUNDS; round++) {
        const job = toJob(item, id);
        const changed = job === undefined ? undefined : next(job);
        if (job === undefined || changed === undefined) return undefined;
        const writeId = randomUUID();
        if (await putIfVersion(changed, writeId, job.version)) return changed;
        item = await loadItem(id);
        if (item?.writeId === writeId) return changed;
      }
      throw new ReelayError('store_unavailable', `The record of ${id} changes faster than it can be written.`);
    },

    async bury(tombstone) {
      const command = new PutCommand({
        TableName,
        Item: toTombstoneItem(tombstone),
        ConditionExpression: 'deleted = :true AND tenant = :tenant',
        ExpressionAttributeValues: { ':true': true, ':tenant': tombstone.tenant },
      });
      await documents.send(command).catch(ignoreFailedCondition);
    },

    async removeTombstone(id) {
      const ConditionExpression = 'attribute_exists(removedAtMs)';
      const command = new DeleteCommand({ TableName, Key: { id }, ConditionExpression });
      await documents.send(command).catch(ignoreFailedCondition);
    },
  };
}

function toJob(item: Item | undefined, id: string): Job | undefined {
  if (item === undefined || tombstoneFromItem(item) !== undefined) return undefined;
  const job = fromItem(item);
  if (job !== undefined) return job;
  throw new ReelayError('store_unavailable', `The record of ${id} was written by a newer Reelay; upgrade this one.`, {
    retryable: false,
  });
}

function ignoreFailedCondition(error: unknown): undefined {
  if (!isAwsError(error, 'ConditionalCheckFailedException')) throw error;
}
