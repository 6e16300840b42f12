import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import type { BlobStore, EventBus, JobQueue, JobStore } from '#core/ports.ts';
import { createDynamoJobStore } from './dynamo-job-store.ts';
import { createEventBridgeEventBus } from './eventbridge-event-bus.ts';
import { createS3BlobStore } from './s3-blob-store.ts';
import { createSqsJobQueue } from './sqs-job-queue.ts';

/** Names of the deployed resources. Region and credentials come from the SDK's own chain. */
export interface AwsResources {
  readonly queueUrl: string;
  readonly table: string;
  readonly bucket: string;
  readonly busName: string;
}

/** The names from environment variables; throws naming the one that is missing. */
export function awsResourcesFrom(env: Environment): AwsResources {
  return {
    queueUrl: requiredFrom(env, 'REELAY_QUEUE_URL'),
    table: requiredFrom(env, 'REELAY_TABLE'),
    bucket: requiredFrom(env, 'REELAY_BUCKET'),
    busName: requiredFrom(env, 'REELAY_EVENT_BUS'),
  };
}

/** The environment as a composition root hands it over. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** A setting that a deployment must make; throws naming it. */
export function requiredFrom(env: Environment, name: string): string {
  const value = env[name];
  if (value === undefined || value === '') throw new Error(`the environment variable ${name} is not set`);
  return value;
}

/** The four ports, all on AWS. */
export interface AwsPorts {
  readonly queue: JobQueue;
  readonly store: JobStore;
  readonly blobs: BlobStore;
  readonly events: EventBus;
}

/** All four ports on AWS, for the Lambda functions and the GPU container. */
export function connectAws({ queueUrl, table, bucket, busName }: AwsResources): AwsPorts {
  return {
    queue: createSqsJobQueue({ client: new SQSClient(), queueUrl }),
    store: createDynamoJobStore({ client: new DynamoDBClient(), table }),
    blobs: createS3BlobStore({ client: new S3Client(), bucket }),
    events: createEventBridgeEventBus({ client: new EventBridgeClient(), busName }),
  };
}
