import { DynamoDBClient, GetItemCommand, PutItemCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createDynamoJobStore } from '#adapters/aws/dynamo-job-store.ts';
import { createDynamoKeyValueStore } from '#adapters/aws/dynamo-key-value-store.ts';
import { indexes } from '#adapters/aws/dynamo-table.ts';
import type { Job } from '#core/job.ts';
import { limits } from '#core/limits.ts';
import { type AwsServers, awsNames, clientConfig, startAwsServers } from './aws-servers.ts';
import { makeJob, makeMessageEntry, startMs } from './make-job.ts';

let aws: AwsServers;
beforeEach(async () => {
  aws = await startAwsServers();
});
afterEach(() => aws.close());

describe('the DynamoDB store', () => {
  test('knows its own write again when the answer is lost and the SDK repeats it', async () => {
    const client = new DynamoDBClient(clientConfig(aws.endpoints.dynamo));
    loseFirstAnswers(client, 'PutItemCommand');
    const store = createDynamoJobStore({ client, table: awsNames.table });
    const job = makeJob();
    await store.create(job);
    const changed = await store.transition(
      job.id,
      { status: 'queued', attempt: 0 },
      { status: 'in_progress', attempt: 1 },
    );
    expect(changed).toEqual({ ...job, status: 'in_progress', attempt: 1, version: 1 });
    expect(await store.load(job.id)).toEqual(changed);
    await expect(store.create(job)).rejects.toMatchObject({ code: 'conflict' });
    client.destroy();
  });

  test('refuses a record that no item can hold, in words, and keeps the old one', async () => {
    const job = makeJob();
    await aws.store.create(job);
    const outbox = Array.from({ length: 8 }, (_, n) => ({
      ...makeMessageEntry(startMs),
      id: `${n}${'x'.repeat(60_000)}`,
    }));
    const refusal = { code: 'payload_too_large', retryable: false, message: expect.stringContaining('400 KB') };
    await expect(aws.store.create(makeJob({ outbox }))).rejects.toMatchObject(refusal);
    await expect(aws.store.transition(job.id, { status: 'queued', attempt: 0 }, { outbox })).rejects.toMatchObject(
      refusal,
    );
    expect(await aws.store.load(job.id)).toEqual(job);
  });

  test('leaves an item of a newer Reelay alone: refused when named, passed over in lists', async () => {
    const job = makeJob();
    await aws.store.create(job);
    const { Item } = await aws.clients.dynamo.send(
      new GetItemCommand({ TableName: awsNames.table, Key: { id: { S: job.id } } }),
    );
    const newer = { ...Item, itemVersion: { N: '2' }, record: { S: 'not for us' } };
    await aws.clients.dynamo.send(new PutItemCommand({ TableName: awsNames.table, Item: newer }));
    await expect(aws.store.load(job.id)).rejects.toMatchObject({ code: 'store_unavailable', retryable: false });
    await expect(aws.store.transition(job.id, { status: 'queued', attempt: 0 }, {})).rejects.toMatchObject({
      retryable: false,
    });
    expect((await aws.store.list('acme', { limit: 5, order: 'asc' })).jobs).toEqual([]);
  });

  test('marks a job that an older Reelay would render as something else, and no other', async () => {
    const plain = makeJob().request;
    const reference = { key: 'references/acme/a/b/input.png', sha256: 'ab', bytes: 1, contentType: 'image/png' };
    const versions = [];
    for (const said of [{}, { seed: 1 }, { task: 'i2v' as const, reference }, { flow_shift: 3 }, { step_cache: 0.1 }]) {
      const job = makeJob({ request: { ...plain, ...said } });
      await aws.store.create(job);
      const Key = { id: { S: job.id } };
      const { Item } = await aws.clients.dynamo.send(new GetItemCommand({ TableName: awsNames.table, Key }));
      versions.push(Item?.itemVersion?.N);
      expect(await aws.store.load(job.id)).toEqual(job);
      const leased = { status: 'in_progress', attempt: 1, lease: { owner: 'w', expiresAtMs: startMs } } as const;
      await aws.store.transition(job.id, { status: 'queued', attempt: 0 }, leased);
      expect(await aws.store.load(job.id)).toMatchObject(leased);
    }
    expect(versions).toEqual(['1', '1', '3', '3', '3']);
  });

  test('keeps a job in the indexes that its state needs, and a finished one in that of its tenant only', async () => {
    const job = makeJob({ outbox: [makeMessageEntry(startMs)], deadlineAtMs: startMs });
    await aws.store.create(job);
    expect(await indexSizes()).toEqual({ byTenant: 1, byOutbox: 1, byRank: 1, byDeadline: 1 });
    const lease = { owner: 'w', expiresAtMs: startMs };
    const leased = { status: 'in_progress', attempt: 1, lease } as const;
    await aws.store.transition(job.id, { status: 'queued', attempt: 0 }, leased);
    expect(await indexSizes()).toEqual({ byTenant: 1, byOutbox: 1, byLease: 1 });
    await aws.store.transition(job.id, { status: 'in_progress', attempt: 1 }, { status: 'completed', outbox: [] });
    expect(await indexSizes()).toEqual({ byTenant: 1 });
    await aws.store.transition(job.id, { status: 'completed', attempt: 1 }, { deletedAtMs: startMs });
    expect(await indexSizes()).toEqual({ byRemoval: 1 });
  });

  test('keeps of a removed job its id, tenant and time, in the one index that the sweep reads, and a time to live', async () => {
    const job = makeJob({ status: 'cancelled', deletedAtMs: startMs });
    await aws.store.create(job);
    await aws.store.remove(job, startMs + 5);
    const { Item } = await aws.clients.dynamo.send(
      new GetItemCommand({ TableName: awsNames.table, Key: { id: { S: job.id } } }),
    );
    const ttlSeconds = startMs / 1000 + 1 + limits.artifactDays * 86_400;
    expect(Item).toEqual({
      id: { S: job.id },
      itemVersion: { N: '2' }, // a Reelay that knows no tombstones takes it for a newer one's and leaves it alone
      tenant: { S: 'acme' },
      removedAtMs: { N: String(startMs + 5) },
      shard: { S: expect.any(String) },
      removal: { S: `removed#00${startMs + 5}` },
      ttlSeconds: { N: String(ttlSeconds) },
    });
    expect(await indexSizes()).toEqual({ byRemoval: 1 });
    await aws.store.removeTombstone(job.id);
    expect(await indexSizes()).toEqual({});
  });

  test('makes nothing when the SDK repeats a create whose job was made, deleted and removed meanwhile', async () => {
    const client = new DynamoDBClient(clientConfig(aws.endpoints.dynamo));
    const job = makeJob({ status: 'cancelled', deletedAtMs: startMs });
    loseFirstAnswers(client, 'PutItemCommand', () => aws.store.remove(job, startMs));
    const store = createDynamoJobStore({ client, table: awsNames.table });
    await expect(store.create(job)).rejects.toMatchObject({ code: 'conflict' });
    expect(await store.load(job.id)).toBeUndefined();
    client.destroy();
  });

  test('reads a record that lacks the newer fields with what they would have been, and goes on from there', async () => {
    const { priority, deadlineAtMs, webhookUrl, notBeforeMs, checkpoint, redriveOf, ...old } = makeJob();
    const item = {
      id: { S: old.id },
      itemVersion: { N: '1' },
      version: { N: '0' },
      record: { S: JSON.stringify(old) },
    };
    await aws.clients.dynamo.send(new PutItemCommand({ TableName: awsNames.table, Item: item }));
    const added = { priority, deadlineAtMs, webhookUrl, notBeforeMs, checkpoint, redriveOf };
    expect(await aws.store.load(old.id)).toEqual({ ...old, ...added });
    await aws.store.transition(old.id, { status: 'queued', attempt: 0 }, { failures: 1 });
    expect(await aws.store.listQueueHeads(startMs, 10)).toEqual([{ ...old, ...added, failures: 1, version: 1 }]);
  });

  test('changes a record of another class, and one that is sealed, which an older Reelay leaves alone', async () => {
    const residency = { ...makeJob().request, residency: 'sovereign' };
    for (const [fields, itemVersion] of [
      [{ request: residency }, '4'],
      [{ sealed: 'sealed.v1.x' }, '5'],
    ] as const) {
      const job = makeJob(fields);
      await aws.store.create(job);
      const { Item } = await aws.clients.dynamo.send(
        new GetItemCommand({ TableName: awsNames.table, Key: { id: { S: job.id } } }),
      );
      expect(Item?.itemVersion).toEqual({ N: itemVersion });
      expect(await aws.store.transition(job.id, { status: 'queued', attempt: 0 }, { failures: 1 })).toMatchObject({
        failures: 1,
      });
    }
  });

  test('finds the heads of tenants behind long backlogs by jumping over them', async () => {
    const backlog = Array.from({ length: 300 }, () => makeJob({ tenant: 'a' }));
    const others = ['b', 'c', 'd'].map(tenant => makeJob({ tenant }));
    for (let at = 0; at < 300; at += 50)
      await Promise.all(backlog.slice(at, at + 50).map(job => aws.store.create(job)));
    for (const job of others) await aws.store.create(job);
    const client = new DynamoDBClient(clientConfig(aws.endpoints.dynamo));
    const commands = countCommands(client);
    const heads = await createDynamoJobStore({ client, table: awsNames.table }).listQueueHeads(startMs, 10);
    expect(heads.map(job => job.id).sort()).toEqual([backlog[0]!, ...others].map(job => job.id).sort());
    // Two pages though the backlog has twelve, and one batch of records.
    expect(commands.QueryCommand).toBe(2);
    expect(commands.BatchGetCommand).toBe(1);
    client.destroy();
  });
});

test('500 waiting jobs are told from one index for some 20 read units, and no record is read', async () => {
  const client = new DynamoDBClient(clientConfig(aws.endpoints.dynamo));
  const store = createDynamoJobStore({ client, table: awsNames.table });
  const jobs = Array.from({ length: 500 }, (_, n) => makeJob({ tenant: `tenant-${n % 7}` }));
  for (let at = 0; at < jobs.length; at += 50) await Promise.all(jobs.slice(at, at + 50).map(job => store.create(job)));
  let units = 0;
  const commands: string[] = [];
  client.middlewareStack.add(
    (next, context) => async args => {
      commands.push(String(context.commandName));
      Object.assign(args.input, { ReturnConsumedCapacity: 'TOTAL' });
      const done = await next(args);
      units += (done.output as { ConsumedCapacity?: { CapacityUnits?: number } }).ConsumedCapacity?.CapacityUnits ?? 0;
      return done;
    },
    { step: 'initialize' },
  );
  expect(await store.listBriefs('queued', 5_000)).toHaveLength(500);
  expect(new Set(commands)).toEqual(new Set(['QueryCommand']));
  expect(units).toBeGreaterThan(5);
  expect(units).toBeLessThan(30);
});

test('a waiting job whose brief is damaged hides no other, and is told', async () => {
  const told: string[] = [];
  const store = createDynamoJobStore({
    client: aws.clients.dynamo,
    table: awsNames.table,
    onUnreadable: id => told.push(id),
  });
  const [damaged, whole] = [makeJob(), makeJob()];
  for (const job of [damaged, whole]) await store.create(job);
  const Key = { id: { S: damaged.id } };
  const { Item } = await aws.clients.dynamo.send(new GetItemCommand({ TableName: awsNames.table, Key }));
  for (const brief of ['{"status":', '{"status":"queued"}']) {
    await aws.clients.dynamo.send(
      new PutItemCommand({ TableName: awsNames.table, Item: { ...Item, brief: { S: brief } } }),
    );
    expect((await store.listBriefs('queued', 10)).map(({ id }) => id)).toEqual([whole.id]);
    expect(told.splice(0)).toEqual([damaged.id]);
  }
});

describe('an index that is a moment behind the table', () => {
  /** The item as it would be if the indexes had not yet seen that the job was leased. */
  async function leaseBehindTheIndex(job: Job): Promise<void> {
    const Key = { id: { S: job.id } };
    const { Item } = await aws.clients.dynamo.send(new GetItemCommand({ TableName: awsNames.table, Key }));
    const record = JSON.stringify({ ...job, status: 'in_progress', attempt: 1 });
    const stale = { ...Item, record: { S: record } };
    await aws.clients.dynamo.send(new PutItemCommand({ TableName: awsNames.table, Item: stale }));
  }

  test('shows no head that was leased, and the next best of another shard in its place', async () => {
    const jobs = Array.from({ length: 12 }, () => makeJob());
    for (const job of jobs) await aws.store.create(job);
    await leaseBehindTheIndex(jobs[0]!);
    const [head] = await aws.store.listQueueHeads(startMs, 10);
    expect(head?.status).toBe('queued');
    for (const job of jobs.slice(1)) await leaseBehindTheIndex(job);
    expect(await aws.store.listQueueHeads(startMs, 10)).toEqual([]);
  });
});

describe('the DynamoDB key value store', () => {
  const entry = { space: 'test/acme', name: 'one', value: 1, expiresAtMs: 5, dueAtMs: 6 };

  test('knows its own writes again when the answer is lost and the SDK repeats them', async () => {
    const client = new DynamoDBClient(clientConfig(aws.endpoints.dynamo));
    loseFirstAnswers(client, 'PutItemCommand');
    const kv = createDynamoKeyValueStore({ client, table: awsNames.table });
    expect(await kv.create(entry)).toEqual({ ...entry, version: 1 });
    expect(await kv.replace({ ...entry, value: 2, version: 1 })).toEqual({ ...entry, value: 2, version: 2 });
    expect(await kv.get(entry.space, entry.name)).toEqual({ ...entry, value: 2, version: 2 });
    expect(await kv.create(entry)).toBeUndefined();
    client.destroy();
  });

  test('says of a repeated put the version that is stored', async () => {
    const client = new DynamoDBClient(clientConfig(aws.endpoints.dynamo));
    loseFirstAnswers(client, 'UpdateItemCommand');
    const kv = createDynamoKeyValueStore({ client, table: awsNames.table });
    expect(await kv.put(entry)).toEqual({ ...entry, version: 2 });
    expect(await kv.get(entry.space, entry.name)).toEqual({ ...entry, version: 2 });
    client.destroy();
  });

  test('keeps an entry in the indexes that it needs only', async () => {
    await aws.kv.put(entry);
    expect(await indexSizes()).toEqual({ entriesBySpace: 1, entriesDue: 1, entriesExpiry: 1 });
    await aws.kv.put({ ...entry, expiresAtMs: null, dueAtMs: null });
    expect(await indexSizes()).toEqual({ entriesBySpace: 1 });
    await aws.store.create(makeJob({ status: 'completed' }));
    expect(await indexSizes()).toEqual({ entriesBySpace: 1, byTenant: 1 });
  });

  test('leaves an item of a newer Reelay alone: refused when named, passed over in lists', async () => {
    await aws.kv.create(entry);
    const Key = { id: { S: 'kv#test/acme#one' } };
    const { Item } = await aws.clients.dynamo.send(new GetItemCommand({ TableName: awsNames.table, Key }));
    const newer = { ...Item, itemVersion: { N: '2' }, value: { S: 'not for us' } };
    await aws.clients.dynamo.send(new PutItemCommand({ TableName: awsNames.table, Item: newer }));
    const refusal = { code: 'store_unavailable', retryable: false };
    await expect(aws.kv.get(entry.space, entry.name)).rejects.toMatchObject(refusal);
    await expect(aws.kv.put(entry)).rejects.toMatchObject(refusal);
    expect(await aws.kv.create(entry)).toBeUndefined();
    expect(await aws.kv.list(entry.space, { limit: 9 })).toEqual([]);
    expect(await aws.kv.listDue('test', 99, 9)).toEqual([]);
    expect(await aws.kv.removeExpired(99, 9)).toBe(0);
  });
});

/** Items in each index; those that are empty are left out. */
async function indexSizes(): Promise<Readonly<Record<string, number>>> {
  const scans = Object.keys(indexes).map(async IndexName => {
    const { Count = 0 } = await aws.clients.dynamo.send(new ScanCommand({ TableName: awsNames.table, IndexName }));
    return [IndexName, Count] as const;
  });
  return Object.fromEntries((await Promise.all(scans)).filter(([, count]) => count > 0));
}

/** Counts what a client sends from here on, by command. */
function countCommands(client: DynamoDBClient): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  client.middlewareStack.add(
    (next, { commandName = '' }) =>
      args => {
        counts[commandName.replace('Item', '')] = (counts[commandName.replace('Item', '')] ?? 0) + 1;
        return next(args);
      },
    { step: 'initialize', name: 'countCommands' },
  );
  return counts;
}

/**
 * Lets the first try of each such command reach the server and then throws its answer away, as a cut connection does; `meanwhile`
 * happens before the next try.
 */
function loseFirstAnswers(client: DynamoDBClient, command: string, meanwhile = async () => {}): void {
  client.middlewareStack.add(
    (next, context) => async args => {
      const tries = context as { lost?: boolean };
      const answer = await next(args);
      if (context.commandName !== command || tries.lost === true) return answer;
      tries.lost = true;
      await meanwhile();
      throw Object.assign(new Error('socket hang up'), { name: 'TimeoutError', code: 'ECONNRESET' });
    },
    { step: 'deserialize', name: 'loseFirstAnswers', priority: 'low' },
  );
}
