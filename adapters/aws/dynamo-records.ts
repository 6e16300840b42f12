import { randomUUID } from 'node:crypto';
import { DeleteCommand, type DynamoDBDocumentClient, GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { ReelayError } from '#core/errors.ts';
import type { Job } from '#core/job.ts';
import type { Tombstone } from '#core/ports.ts';
import { isAwsError } from './aws-error.ts';
import { fromItem, newestItemVersion, toItem, tombstoneFromItem, toTombstoneItem } from './dynamo-job-item.ts';

/** Each failed round means that someone else's write went through; beyond this something other than a race is wrong. */
const MAX_ROUNDS = 100;

/** Records that are remembered, and for how long: those in work. Far shorter than a tombstone, so that no id comes back meanwhile. */
const REMEMBERED = 512;
const REMEMBER_MS = 60_000;

type Item = Readonly<Record<string, unknown>>;

/** Single items of the table: read consistently, written only conditionally. */
export interface DynamoRecords {
  load(id: string): Promise<Job | undefined>;
  /** Takes note of records that were just read from the table itself. */
  remember(jobs: readonly Job[]): void;
  /** Throws `conflict` if a record or a tombstone has the id. */
  create(job: Job): Promise<void>;
  /**
   * Takes the record, makes the next one and writes it on the condition that the version taken is still there; else again with the
   * record as it is read then. The first one may be as this process last saw it: a write costs one call where nobody else wrote, and
   * what is remembered decides nothing, since only the table can say that a write is not to be. Gives the record written; undefined, and nothing written, for an unknown id or when `next` gives undefined. Every write to
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
      ConditionExpression: 'version = :version AND itemVersion <= :newest',
      ExpressionAttributeValues: { ':version': version, ':newest': newestItemVersion },
    });
    return (await documents.send(command).catch(ignoreFailedCondition)) !== undefined;
  }

  const memory = createMemory();

  async function load(id: string): Promise<Job | undefined> {
    memory.note(id, undefined); // not to be remembered if it turns out to be a newer Reelay's
    const job = toJob(await loadItem(id), id);
    memory.note(id, job);
    return job;
  }

  return {
    load,
    remember: jobs => {
      for (const job of jobs) memory.note(job.id, job);
    },

    async create(job) {
      const writeId = randomUUID();
      const Item = toItem(job, writeId);
      try {
        await documents.send(new PutCommand({ TableName, Item, ConditionExpression: 'attribute_not_exists(id)' }));
        memory.note(job.id, job);
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
      const remembered = memory.recall(id);
      const isEnough = remembered !== undefined && next(remembered) !== undefined;
      let job = isEnough ? remembered : await load(id);
      for (let round = 0; round < MAX_ROUNDS; round++) {
        const changed = job === undefined ? undefined : next(job);
        if (job === undefined || changed === undefined) return undefined;
        const writeId = randomUUID();
        if (await putIfVersion(changed, writeId, job.version)) {
          memory.note(id, changed);
          return changed;
        }
        const item = await loadItem(id);
        if (item?.writeId === writeId) return changed;
        job = toJob(item, id);
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

/** Records by id as this process last read or wrote them, the newest of them and not for long. */
function createMemory() {
  const seen = new Map<string, { readonly job: Job; readonly atMs: number }>();
  return {
    note(id: string, job: Job | undefined): void {
      seen.delete(id);
      if (job === undefined) return;
      seen.set(id, { job, atMs: performance.now() });
      for (const oldest of seen.keys()) {
        if (seen.size <= REMEMBERED) break;
        seen.delete(oldest);
      }
    },
    recall(id: string): Job | undefined {
      const found = seen.get(id);
      return found === undefined || performance.now() - found.atMs > REMEMBER_MS ? undefined : found.job;
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
