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
export function awsResourcesFrom(env: Readonly<Record<string, string | undefined>>): AwsResources {
  const required = (name: string) => {
    const value = env[name];
    if (value === undefined || value === '') throw new Error(`the environment variable ${name} is not set`);
    return value;
  };
  return {
    queueUrl: required('REELAY_QUEUE_URL'),
    table: required('REELAY_TABLE'),
    bucket: required('REELAY_BUCKET'),
    busName: required('REELAY_EVENT_BUS'),
  };
}

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
