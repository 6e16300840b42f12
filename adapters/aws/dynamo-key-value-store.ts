import { randomUUID } from 'node:crypto';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DeleteCommand, DynamoDBDocumentClient, GetCommand, PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { checkEntryKey, checkKind } from '#adapters/key-value-entry.ts';
import { ReelayError } from '#core/errors.ts';
import type { KeyValueEntry, KeyValueStore } from '#core/ports.ts';
import { fromAws, isAwsError } from './aws-error.ts';
import { dueShards, entryAttributes, entryFromItem, entryId } from './dynamo-entry-item.ts';
import { entriesOfSpace } from './dynamo-entry-list.ts';
import { itemVersion } from './dynamo-job-item.ts';
import { type Item, loadItems, lowestIds, shards, type Table } from './dynamo-query.ts';

/** Deletes in flight at once: a sweep must not take the table's throughput from the jobs. */
const DELETES_AT_ONCE = 20;

/** The client brings region and credentials. */
export interface DynamoKeyValueStoreOptions {
  readonly client: DynamoDBClient;
  /** Name of a table made as dynamo-table.ts says; the jobs lie in the same. */
  readonly table: string;
}

/**
 * Entries in the DynamoDB table of the jobs. `get` and all writes go to the table itself, strongly consistent. Which entries belong to a
 * list comes from indexes, which DynamoDB updates a moment after the write; what a list returns is read from the table.
 */
export function createDynamoKeyValueStore({ client, table: name }: DynamoKeyValueStoreOptions): KeyValueStore {
  const table: Table = { documents: DynamoDBDocumentClient.from(client), name };
  return {
    get: (space, entryName) =>
      access(async () => {
        checkEntryKey(space, entryName);
        const item = await loadItem(table, entryId(space, entryName));
        return item === undefined ? undefined : known(item);
      }),

    create: entry => access(() => putIf(table, { ...entry, version: 1 }, 'attribute_not_exists(id)', {})),

    replace: entry =>
      access(() =>
        putIf(table, { ...entry, version: entry.version + 1 }, 'version = :version', { ':version': entry.version }),
      ),

    put: entry => access(() => put(table, entry)),

    remove: (space, entryName) =>
      access(async () => {
        checkEntryKey(space, entryName);
        const Key = { id: entryId(space, entryName) };
        await table.documents.send(new DeleteCommand({ TableName: name, Key }));
      }),

    list: (space, query) =>
      access(async () => {
        checkEntryKey(space, query.after ?? '');
        return entriesOfSpace(table, space, query);
      }),

    listDue: (kind, beforeMs, limit) =>
      access(async () => {
        checkKind(kind);
        return listDue(table, kind, beforeMs, limit);
      }),

    removeExpired: (beforeMs, limit) => access(() => removeExpired(table, beforeMs, limit)),
  };
}

async function loadItem({ documents, name }: Table, id: string): Promise<Item | undefined> {
  const { Item } = await documents.send(new GetCommand({ TableName: name, Key: { id }, ConsistentRead: true }));
  return Item;
}

function known(item: Item): KeyValueEntry {
  const entry = entryFromItem(item);
  if (entry !== undefined) return entry;
  throw newerReelay();
}

function newerReelay(cause?: unknown): ReelayError {
  const message = 'The entry was written by a newer Reelay; upgrade this one.';
  return new ReelayError('store_unavailable', message, { cause, retryable: false });
}

/** Writes the whole entry if the condition holds; undefined if it does not, unless it is our own repeated write that is in the way. */
async function putIf(
  table: Table,
  entry: KeyValueEntry,
  ConditionExpression: string,
  values: Readonly<Record<string, unknown>>,
): Promise<KeyValueEntry | undefined> {
  const id = entryId(entry.space, entry.name);
  const writeId = randomUUID();
  const attributes = Object.entries(entryAttributes(entry, writeId)).filter(([, value]) => value !== null);
  const command = new PutCommand({
    TableName: table.name,
    Item: { ...Object.fromEntries(attributes), id, version: entry.version },
    ConditionExpression,
    ...(Object.keys(values).length === 0 ? {} : { ExpressionAttributeValues: values }),
  });
  try {
    await table.documents.send(command);
    return entry;
  } catch (error) {
    if (!isAwsError(error, 'ConditionalCheckFailedException')) throw error;
    return (await loadItem(table, id))?.writeId === writeId ? entry : undefined;
  }
}

/** One update, which counts the version in the table: a repeated write only counts it twice. */
async function put(table: Table, entry: Omit<KeyValueEntry, 'version'>): Promise<KeyValueEntry> {
  const attributes = Object.entries(entryAttributes(entry, randomUUID()));
  const set = attributes.filter(([, value]) => value !== null);
  const remove = attributes.filter(([, value]) => value === null).map(([name]) => `#${name}`);
  const command = new UpdateCommand({
    TableName: table.name,
    Key: { id: entryId(entry.space, entry.name) },
    UpdateExpression:
      `SET ${set.map(([name]) => `#${name} = :${name}`).join(', ')} ADD version :one` +
      (remove.length === 0 ? '' : ` REMOVE ${remove.join(', ')}`),
    ConditionExpression: 'attribute_not_exists(id) OR itemVersion <= :itemVersion',
    ExpressionAttributeNames: Object.fromEntries(attributes.map(([name]) => [`#${name}`, name])),
    ExpressionAttributeValues: { ...Object.fromEntries(set.map(([name, value]) => [`:${name}`, value])), ':one': 1 },
    ReturnValues: 'ALL_NEW',
  });
  const { Attributes } = await table.documents.send(command).catch((error: unknown) => {
    throw isAwsError(error, 'ConditionalCheckFailedException') ? newerReelay(error) : error;
  });
  return { ...entry, version: Number(Attributes?.version) };
}

async function listDue(table: Table, kind: string, beforeMs: number, limit: number): Promise<readonly KeyValueEntry[]> {
  const ids = await lowestIds(table, 'entriesDue', dueShards(kind), { to: beforeMs }, limit);
  return (await loadItems(table, ids))
    .flatMap(item => entryFromItem(item) ?? [])
    .flatMap(entry => (entry.dueAtMs === null || entry.dueAtMs > beforeMs ? [] : { entry, due: entry.dueAtMs }))
    .sort((a, b) => a.due - b.due)
    .map(({ entry }) => entry);
}

async function removeExpired(table: Table, beforeMs: number, limit: number): Promise<number> {
  const ids = await lowestIds(table, 'entriesExpiry', shards, { to: beforeMs }, limit);
  let removed = 0;
  for (let at = 0; at < ids.length; at += DELETES_AT_ONCE) {
    const done = await Promise.all(ids.slice(at, at + DELETES_AT_ONCE).map(id => removeIfExpired(table, id, beforeMs)));
    removed += done.filter(Boolean).length;
  }
  return removed;
}

/** An entry that was written again meanwhile, with another expiry, stays. */
async function removeIfExpired({ documents, name }: Table, id: string, beforeMs: number): Promise<boolean> {
  const command = new DeleteCommand({
    TableName: name,
    Key: { id },
    ConditionExpression: 'entryExpiresMs <= :before AND itemVersion <= :itemVersion',
    ExpressionAttributeValues: { ':before': beforeMs, ':itemVersion': itemVersion },
  });
  try {
    await documents.send(command);
    return true;
  } catch (error) {
    if (isAwsError(error, 'ConditionalCheckFailedException')) return false;
    throw error;
  }
}

async function access<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw fromAws(error, 'The key value table');
  }
}
