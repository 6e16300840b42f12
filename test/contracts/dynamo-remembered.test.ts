import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDynamoJobStore } from '#adapters/aws/dynamo-job-store.ts';
import type { JobStore } from '#core/ports.ts';
import { type AwsServers, awsNames, clientConfig, startAwsServers } from './aws-servers.ts';
import { makeJob } from './make-job.ts';

let aws: AwsServers;
let client: DynamoDBClient;
let store: JobStore;
let sent: string[] = [];

beforeAll(async () => {
  aws = await startAwsServers();
  client = new DynamoDBClient(clientConfig(aws.endpoints.dynamo));
  client.middlewareStack.add(
    (next, context) => args => {
      sent.push(String(context.commandName));
      return next(args);
    },
    { step: 'finalizeRequest', priority: 'low' },
  );
  store = createDynamoJobStore({ client, table: awsNames.table });
});
afterAll(async () => {
  client.destroy();
  await aws.close();
});

const LEASE = { status: 'in_progress', attempt: 1, lease: { owner: 'w', expiresAtMs: 5 } } as const;
const calls = async (work: () => Promise<unknown>) => {
  sent = [];
  const result = await work();
  return { result, sent };
};

test('a record that nobody else has written is changed by one call', async () => {
  const job = makeJob();
  await store.create(job);
  const { sent, result } = await calls(() => store.transition(job.id, { status: 'queued', attempt: 0 }, LEASE));
  expect(sent).toEqual(['PutItemCommand']);
  expect(result).toMatchObject({ status: 'in_progress', version: job.version + 1 });
  expect(await aws.store.load(job.id)).toEqual(result);
});

test('what another process wrote meanwhile is neither written over nor overlooked', async () => {
  const job = makeJob();
  await store.create(job);
  const theirs = await aws.store.transition(job.id, { status: 'queued', attempt: 0 }, { failures: 2 });
  const ours = await store.transition(job.id, { status: 'queued', attempt: 0 }, LEASE);
  expect(ours).toMatchObject({ failures: 2, status: 'in_progress', version: theirs!.version + 1 });
  await aws.store.transition(job.id, { status: 'in_progress', attempt: 1 }, { status: 'completed', lease: null });
  expect(await store.transition(job.id, { status: 'in_progress', attempt: 1 }, { failures: 9 })).toBeUndefined();
  expect(await store.load(job.id)).toMatchObject({ status: 'completed', failures: 2 });
});

test('a change that fits only what another process wrote is made', async () => {
  const job = makeJob();
  await store.create(job);
  await aws.store.transition(job.id, { status: 'queued', attempt: 0 }, LEASE);
  const ended = await store.transition(job.id, { status: 'in_progress', attempt: 1 }, { status: 'completed' });
  expect(ended).toMatchObject({ status: 'completed', attempt: 1 });
});

test('a removed record is not made again by who remembers it', async () => {
  const job = makeJob({ status: 'cancelled', deletedAtMs: 1 });
  await store.create(job);
  await aws.store.remove(job, 2);
  expect(await store.transition(job.id, { status: 'cancelled', attempt: 0 }, { failures: 1 })).toBeUndefined();
  expect(await store.load(job.id)).toBeUndefined();
});
