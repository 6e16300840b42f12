import type { EventBus } from 'aws-cdk-lib/aws-events';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import type { Grant } from '#infra/functions.ts';
import type { Enclave } from './enclave.ts';

/** What grants are made on. */
export interface GrantTargets {
  readonly enclaves: readonly Enclave[];
  readonly eventBus?: EventBus;
  readonly wakeQueue?: Queue;
  readonly auditBucket?: Bucket;
}

/** Adds exactly what a table of grants says, on these resources and no other; `add` puts a statement into a role or a policy. */
export function giveGrants(
  add: (statement: PolicyStatement) => void,
  grants: readonly Grant[],
  targets: GrantTargets,
): void {
  const allow = (actions: readonly string[], resources: readonly string[]) => {
    if (actions.length > 0 && resources.length > 0)
      add(new PolicyStatement({ actions: [...actions], resources: [...resources] }));
  };
  for (const grant of grants) {
    if (grant.on === 'auditBucket') {
      const { auditBucket } = targets;
      const keys = (grant.prefixes ?? ['']).map(prefix => auditBucket?.arnForObjects(`${prefix}*`) ?? []);
      allow(grant.actions, keys.flat());
    } else if (grant.on === 'bucket') {
      const onBucket = (action: string) => action === 's3:ListBucket';
      for (const { bucket } of enclavesOf(grant, targets)) {
        const keys = (grant.prefixes ?? ['']).map(prefix => bucket.arnForObjects(`${prefix}*`));
        allow(grant.actions.filter(onBucket), [bucket.bucketArn]);
        allow(
          grant.actions.filter(action => !onBucket(action)),
          keys,
        );
      }
    } else allow(grant.actions, arnsOf(grant, targets));
  }
  // Whoever only asks an index needs no more of a key than to read with it.
  for (const enclave of targets.enclaves) {
    const onEnclave = grants.filter(one => enclavesOf(one, targets).includes(enclave)).flatMap(one => one.actions);
    const keyActions = onEnclave.every(action => READS.test(action)) ? DECRYPT : USE_KEY;
    if (enclave.key !== undefined && onEnclave.length > 0) allow(keyActions, [enclave.key.keyArn]);
  }
}

const DECRYPT = ['kms:Decrypt', 'kms:DescribeKey'];
/** What DynamoDB, S3 and SQS ask of a caller who writes; each of them spelt out. */
const USE_KEY = [...DECRYPT, 'kms:Encrypt', 'kms:GenerateDataKey', 'kms:ReEncryptFrom', 'kms:ReEncryptTo'];
const READS = /:(Get|List|Query|BatchGet|Describe)/;

function enclavesOf({ on, only }: Grant, { enclaves }: GrantTargets): readonly Enclave[] {
  if (on === 'eventBus' || on === 'wakeQueue' || on === 'auditBucket') return [];
  return only === undefined ? enclaves : enclaves.filter(({ residency }) => residency === only);
}

function arnsOf(grant: Grant, targets: GrantTargets): readonly string[] {
  const { eventBus, wakeQueue } = targets;
  const enclaves = enclavesOf(grant, targets);
  switch (grant.on) {
    case 'queue':
      return enclaves.map(({ queue }) => queue.queueArn);
    case 'deadLetterQueue':
      return enclaves.map(({ deadLetterQueue }) => deadLetterQueue.queueArn);
    case 'table': {
      // An index is a resource of its own, and only queries use one.
      const tables = enclaves.map(({ table }) => table.tableArn);
      if (grant.indexesOnly === true) return tables.map(arn => `${arn}/index/*`);
      return grant.actions.includes('dynamodb:Query') ? tables.flatMap(arn => [arn, `${arn}/index/*`]) : tables;
    }
    case 'eventBus':
      return eventBus === undefined ? [] : [eventBus.eventBusArn];
    case 'wakeQueue':
      return wakeQueue === undefined ? [] : [wakeQueue.queueArn];
    default:
      return [];
  }
}
