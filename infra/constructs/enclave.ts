import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import {
  type Attribute,
  type AttributeType,
  BillingMode,
  ProjectionType,
  StreamViewType,
  Table,
  TableEncryption,
} from 'aws-cdk-lib/aws-dynamodb';
import { Key } from 'aws-cdk-lib/aws-kms';
import { BlockPublicAccess, Bucket, BucketEncryption, type CfnBucket, StorageClass } from 'aws-cdk-lib/aws-s3';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { tableDefinition, ttlAttribute } from '#adapters/aws/dynamo-table.ts';
import { dropLimits } from '#core/drop/drop-limits.ts';
import { limits } from '#core/limits.ts';
import { cloudLimits } from '../cloud-limits.ts';
import { acknowledge } from './acknowledge.ts';

/** Whose jobs it keeps, and whether with a key of its own. */
export interface EnclaveProps {
  readonly residency: string;
  readonly ownKey: boolean;
}

/** The resources of one residency class: what a role has no right on here, it cannot read, whatever a message or a record says. */
export class Enclave extends Construct {
  readonly residency: string;
  readonly key: Key | undefined;
  readonly bucket: Bucket;
  readonly table: Table;
  readonly queue: Queue;
  readonly deadLetterQueue: Queue;

  constructor(scope: Construct, id: string, { residency, ownKey }: EnclaveProps) {
    super(scope, id);
    this.residency = residency;
    this.key = ownKey
      ? new Key(this, 'Key', {
          description: `Reelay: everything of the residency class ${residency}`,
          enableKeyRotation: true,
          removalPolicy: RemovalPolicy.RETAIN,
        })
      : undefined;
    this.bucket = createBucket(this, this.key);
    this.table = createTable(this, this.key);
    const encryption =
      this.key === undefined
        ? { encryption: QueueEncryption.SQS_MANAGED }
        : { encryption: QueueEncryption.KMS, encryptionMasterKey: this.key };
    this.deadLetterQueue = new Queue(this, 'DeadLetters', {
      ...encryption,
      enforceSSL: true,
      retentionPeriod: Duration.days(limits.deadLetterDays),
      removalPolicy: RemovalPolicy.RETAIN,
    });
    this.queue = new Queue(this, 'Queue', {
      ...encryption,
      enforceSSL: true,
      visibilityTimeout: Duration.seconds(limits.leaseSeconds),
      retentionPeriod: Duration.days(limits.messageDays),
      receiveMessageWaitTime: Duration.seconds(cloudLimits.longPollSeconds),
      // Workers send a message afresh before it comes to this: only one that kills each of its workers is given up by the queue.
      deadLetterQueue: { queue: this.deadLetterQueue, maxReceiveCount: limits.maxReceives + 1 },
    });
  }
}

/** Not versioned: what a user deletes is gone. */
function createBucket(scope: Construct, key: Key | undefined): Bucket {
  const bucket = new Bucket(scope, 'Bucket', {
    ...(key === undefined
      ? { encryption: BucketEncryption.S3_MANAGED }
      : { encryption: BucketEncryption.KMS, encryptionKey: key, bucketKeyEnabled: true }),
    blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
    enforceSSL: true,
    minimumTLSVersion: 1.2,
    removalPolicy: RemovalPolicy.RETAIN,
    lifecycleRules: [
      { id: 'drops', prefix: 'drop/', expiration: Duration.days(cloudLimits.dropDays) },
      { id: 'rejects', prefix: 'rejected/', expiration: Duration.days(dropLimits.registryDays) },
      {
        id: 'orphaned-artifacts',
        prefix: 'videos/',
        expiration: Duration.days(limits.artifactDays + cloudLimits.orphanedArtifactDays),
      },
      {
        id: 'outputs',
        prefix: 'out/',
        transitions: [
          {
            storageClass: StorageClass.INTELLIGENT_TIERING,
            transitionAfter: Duration.days(cloudLimits.outTieringDays),
          },
        ],
      },
      { id: 'uploads', abortIncompleteMultipartUploadAfter: Duration.days(cloudLimits.multipartDays) },
    ],
  });
  acknowledge(bucket, {
    S1: 'Who asks for what is in the records and in the API log; access logs would keep keys of deleted videos.',
  });
  // The L2's own switch brings a function in Python that sets this from outside of the template.
  const raw = bucket.node.defaultChild as CfnBucket;
  raw.addPropertyOverride('NotificationConfiguration.EventBridgeConfiguration.EventBridgeEnabled', true);
  return bucket;
}

/** The table as the adapter that queries it defines it. */
function createTable(scope: Construct, key: Key | undefined): Table {
  const attributeOf = (name: string | undefined): Attribute => {
    const found = tableDefinition.AttributeDefinitions?.find(one => one.AttributeName === name);
    return { name: name ?? '', type: (found?.AttributeType ?? 'S') as AttributeType };
  };
  const table = new Table(scope, 'Table', {
    partitionKey: attributeOf(tableDefinition.KeySchema?.[0]?.AttributeName),
    billingMode: BillingMode.PAY_PER_REQUEST,
    ...(key === undefined
      ? { encryption: TableEncryption.DEFAULT }
      : { encryption: TableEncryption.CUSTOMER_MANAGED, encryptionKey: key }),
    timeToLiveAttribute: ttlAttribute,
    stream: StreamViewType.NEW_AND_OLD_IMAGES,
    pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
    deletionProtection: true,
    removalPolicy: RemovalPolicy.RETAIN,
  });
  for (const { IndexName = '', KeySchema = [], Projection } of tableDefinition.GlobalSecondaryIndexes ?? []) {
    const carried = Projection?.NonKeyAttributes;
    table.addGlobalSecondaryIndex({
      indexName: IndexName,
      partitionKey: attributeOf(KeySchema[0]?.AttributeName),
      sortKey: attributeOf(KeySchema[1]?.AttributeName),
      ...(carried === undefined
        ? { projectionType: ProjectionType.KEYS_ONLY }
        : { projectionType: ProjectionType.INCLUDE, nonKeyAttributes: carried }),
    });
  }
  return table;
}

/** What the other settings of a process call the enclave: REELAY_ENCLAVES has one of these for each class but the standard one. */
export function enclaveNames({ queue, deadLetterQueue, table, bucket }: Enclave): Readonly<Record<string, string>> {
  return {
    queueUrl: queue.queueUrl,
    deadLetterQueueUrl: deadLetterQueue.queueUrl,
    table: table.tableName,
    bucket: bucket.bucketName,
  };
}

/** REELAY_ENCLAVES of these enclaves. */
export function enclavesJson(scope: Construct, enclaves: readonly Enclave[]): string {
  const others = enclaves.filter(({ residency }) => residency !== 'standard');
  return Stack.of(scope).toJsonString(Object.fromEntries(others.map(one => [one.residency, enclaveNames(one)])));
}
