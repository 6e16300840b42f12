import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import type { ObjectFolder } from '#core/drop/object-folder.ts';
import { ReelayError } from '#core/errors.ts';
import type { BlobStore, EventBus, JobQueue, JobStore, KeyValueStore } from '#core/ports.ts';
import { createDynamoJobStore } from './dynamo-job-store.ts';
import { createDynamoKeyValueStore } from './dynamo-key-value-store.ts';
import { createEventBridgeEventBus } from './eventbridge-event-bus.ts';
import { createS3BlobStore } from './s3-blob-store.ts';
import { createS3DropFolder } from './s3-drop-folder.ts';
import { createSqsJobQueue } from './sqs-job-queue.ts';

/** What one residency class has of its own. */
export interface EnclaveResources {
  readonly queueUrl: string;
  readonly deadLetterQueueUrl: string;
  readonly table: string;
  readonly bucket: string;
}

/** Names of the deployed resources: of the standard class, and the bus of all. Region and credentials come from the SDK's own chain. */
export interface AwsResources extends EnclaveResources {
  readonly busName: string;
}

/** The names from environment variables; throws naming the one that is missing. */
export function awsResourcesFrom(env: Environment): AwsResources {
  return {
    queueUrl: requiredFrom(env, 'REELAY_QUEUE_URL'),
    deadLetterQueueUrl: requiredFrom(env, 'REELAY_DEAD_LETTER_QUEUE_URL'),
    table: requiredFrom(env, 'REELAY_TABLE'),
    bucket: requiredFrom(env, 'REELAY_BUCKET'),
    busName: requiredFrom(env, 'REELAY_EVENT_BUS'),
  };
}

/** The environment as a composition root hands it over. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** A setting that a deployment must make; throws `invalid_request` naming it. */
export function requiredFrom(env: Environment, name: string): string {
  const value = env[name];
  if (value === undefined || value === '')
    throw new ReelayError('invalid_request', `The environment variable ${name} is not set.`);
  return value;
}

/** The five ports, all on AWS; jobs and key value entries share a table. */
export interface AwsPorts {
  readonly queue: JobQueue;
  readonly deadLetters: JobQueue;
  readonly store: JobStore;
  readonly kv: KeyValueStore;
  readonly blobs: BlobStore;
  readonly events: EventBus;
}

/** All five ports on AWS, of the standard class. */
export function connectAws({ queueUrl, deadLetterQueueUrl, table, bucket, busName }: AwsResources): AwsPorts {
  const sqs = new SQSClient();
  const dynamo = new DynamoDBClient();
  return {
    queue: createSqsJobQueue({ client: sqs, queueUrl }),
    deadLetters: createSqsJobQueue({ client: sqs, queueUrl: deadLetterQueueUrl }),
    store: createDynamoJobStore({ client: dynamo, table }),
    kv: createDynamoKeyValueStore({ client: dynamo, table }),
    blobs: createS3BlobStore({ client: new S3Client(), bucket }),
    events: createEventBridgeEventBus({ client: new EventBridgeClient(), busName }),
  };
}

/** The drop folder of a bucket, at the prefixes `drop/`, `out/` and `rejected/`. */
export function connectAwsDrop(bucket: string, now: () => number): ObjectFolder {
  return createS3DropFolder({ client: new S3Client(), bucket, now });
}
