import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { CreateTableCommand, DescribeTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { CreateQueueCommand, SQSClient } from '@aws-sdk/client-sqs';
import dynalite from 'dynalite';
import { buildApp } from 'fauxqs';
import { createDynamoJobStore } from '#adapters/aws/dynamo-job-store.ts';
import { createDynamoKeyValueStore } from '#adapters/aws/dynamo-key-value-store.ts';
import { tableDefinition } from '#adapters/aws/dynamo-table.ts';
import { createEventBridgeEventBus } from '#adapters/aws/eventbridge-event-bus.ts';
import { createS3BlobStore } from '#adapters/aws/s3-blob-store.ts';
import { createSqsJobQueue } from '#adapters/aws/sqs-job-queue.ts';
import type { CloudEvent } from '#core/events.ts';
import type { BlobStore, EventBus, JobQueue, JobStore, KeyValueStore } from '#core/ports.ts';
import { startEventBridge } from './eventbridge-server.ts';

// The SDK must not look for an EC2 instance's credentials: tests talk to loopback only.
process.env.AWS_EC2_METADATA_DISABLED = 'true';

/** Names of what exists on the servers after the start. */
export const awsNames = {
  queue: 'reelay-jobs',
  deadLetterQueue: 'reelay-dead-letters',
  table: 'reelay-jobs',
  bucket: 'reelay-artifacts',
  bus: 'reelay',
} as const;

export interface AwsServers {
  readonly queue: JobQueue;
  readonly deadLetters: JobQueue;
  readonly store: JobStore;
  readonly kv: KeyValueStore;
  readonly blobs: BlobStore;
  readonly events: EventBus;
  /** For tests that look or write past the adapters. */
  readonly clients: {
    readonly sqs: SQSClient;
    readonly dynamo: DynamoDBClient;
    readonly s3: S3Client;
    readonly eventBridge: EventBridgeClient;
  };
  /** Base addresses, for clients of one's own with `clientConfig`. */
  readonly endpoints: { readonly sqsAndS3: string; readonly dynamo: string; readonly eventBridge: string };
  readonly queueUrl: string;
  readonly deadLetterQueueUrl: string;
  /** Ids of messages that the queue adapters threw away. */
  readonly garbage: readonly string[];
  /** What PutEvents has taken so far. */
  recordedEvents(): readonly CloudEvent[];
  /** The next so many entries are refused with this code, in a 200 answer as EventBridge does it. */
  failNextEvents(count: number, errorCode: string): void;
  close(): Promise<void>;
}

/** Client settings against a loopback server. */
export function clientConfig(endpoint: string) {
  return { endpoint, region: 'us-east-1', credentials: { accessKeyId: 'test', secretAccessKey: 'test' } };
}

/**
 * dynalite, fauxqs and a PutEvents recorder, all in memory on ports of their own, and the adapters wired to them with the real
 * SDK. The queues, the table and the bucket are empty. Takes some 100 ms; each test may have its own.
 */
export async function startAwsServers(): Promise<AwsServers> {
  const dynamoServer = dynalite({ createTableMs: 0, deleteTableMs: 0 });
  dynamoServer.listen(0, '127.0.0.1');
  await once(dynamoServer, 'listening');
  // buildApp rather than startFauxqs, which listens on all interfaces and not on loopback only. It keeps everything in memory.
  const fauxqs = buildApp({ logger: false });
  const sqsAndS3 = await fauxqs.listen({ port: 0, host: '127.0.0.1' });
  const bridge = await startEventBridge();
  const endpoints = {
    sqsAndS3,
    dynamo: `http://127.0.0.1:${(dynamoServer.address() as AddressInfo).port}`,
    eventBridge: bridge.endpoint,
  };

  const sqs = new SQSClient(clientConfig(sqsAndS3));
  const s3 = new S3Client({ ...clientConfig(sqsAndS3), forcePathStyle: true });
  const dynamo = new DynamoDBClient(clientConfig(endpoints.dynamo));
  const eventBridge = new EventBridgeClient(clientConfig(endpoints.eventBridge));

  for (const QueueName of [awsNames.queue, awsNames.deadLetterQueue])
    await sqs.send(new CreateQueueCommand({ QueueName }));
  // fauxqs answers with a host name that only its own DNS knows; it looks at the path alone.
  const [queueUrl, deadLetterQueueUrl] = [awsNames.queue, awsNames.deadLetterQueue].map(
    name => `${sqsAndS3}/000000000000/${name}`,
  ) as [string, string];
  await s3.send(new CreateBucketCommand({ Bucket: awsNames.bucket }));
  await dynamo.send(new CreateTableCommand({ ...tableDefinition, TableName: awsNames.table }));
  await tableIsActive(dynamo);

  const garbage: string[] = [];
  return {
    queue: createSqsJobQueue({ client: sqs, queueUrl, onGarbage: id => garbage.push(id) }),
    deadLetters: createSqsJobQueue({ client: sqs, queueUrl: deadLetterQueueUrl, onGarbage: id => garbage.push(id) }),
    store: createDynamoJobStore({ client: dynamo, table: awsNames.table }),
    kv: createDynamoKeyValueStore({ client: dynamo, table: awsNames.table }),
    blobs: createS3BlobStore({ client: s3, bucket: awsNames.bucket }),
    events: createEventBridgeEventBus({ client: eventBridge, busName: awsNames.bus }),
    clients: { sqs, dynamo, s3, eventBridge },
    endpoints,
    queueUrl,
    deadLetterQueueUrl,
    garbage,
    recordedEvents: bridge.recorded,
    failNextEvents: bridge.failNext,
    async close() {
      // The clients first: their kept-alive connections would hold the servers open.
      for (const client of [sqs, s3, dynamo, eventBridge]) client.destroy();
      dynamoServer.closeAllConnections();
      await Promise.all([fauxqs.close(), bridge.close(), new Promise(done => dynamoServer.close(done))]);
    },
  };
}

/** A table answers only once it is active, on dynalite a turn or two of its event loop later. The SDK's own waiter looks once a second. */
async function tableIsActive(dynamo: DynamoDBClient): Promise<void> {
  for (let looks = 0; looks < 200; looks++) {
    const { Table } = await dynamo.send(new DescribeTableCommand({ TableName: awsNames.table }));
    if (Table?.TableStatus === 'ACTIVE') return;
    await sleep(5);
  }
  throw new Error('the table did not become active');
}
