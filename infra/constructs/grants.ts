import type { EventBus } from 'aws-cdk-lib/aws-events';
import { type IGrantable, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import type { Grant } from '#infra/functions.ts';
import type { Enclave } from './enclave.ts';

/** What grants are made on. */
export interface GrantTargets {
  readonly enclaves: readonly Enclave[];
  readonly eventBus?: EventBus;
  readonly wakeQueue?: Queue;
}

/** Gives a function or a task exactly what its table of grants says, on these resources and no other. */
export function giveGrants(grantee: IGrantable, grants: readonly Grant[], targets: GrantTargets): void {
  const allow = (actions: readonly string[], resources: readonly string[]) => {
    if (actions.length > 0 && resources.length > 0)
      grantee.grantPrincipal.addToPrincipalPolicy(
        new PolicyStatement({ actions: [...actions], resources: [...resources] }),
      );
  };
  for (const grant of grants) {
    if (grant.on === 'bucket') {
      const onBucket = (action: string) => action === 's3:ListBucket';
      for (const { bucket } of targets.enclaves) {
        const keys = (grant.prefixes ?? ['']).map(prefix => bucket.arnForObjects(`${prefix}*`));
        allow(grant.actions.filter(onBucket), [bucket.bucketArn]);
        allow(
          grant.actions.filter(action => !onBucket(action)),
          keys,
        );
      }
    } else allow(grant.actions, arnsOf(grant, targets));
  }
  for (const { key } of targets.enclaves) if (key !== undefined) key.grantEncryptDecrypt(grantee);
}

function arnsOf({ on, actions }: Grant, { enclaves, eventBus, wakeQueue }: GrantTargets): readonly string[] {
  switch (on) {
    case 'queue':
      return enclaves.map(({ queue }) => queue.queueArn);
    case 'deadLetterQueue':
      return enclaves.map(({ deadLetterQueue }) => deadLetterQueue.queueArn);
    case 'table': {
      // An index is a resource of its own, and only queries use one.
      const tables = enclaves.map(({ table }) => table.tableArn);
      return actions.includes('dynamodb:Query') ? tables.flatMap(arn => [arn, `${arn}/index/*`]) : tables;
    }
    case 'eventBus':
      return eventBus === undefined ? [] : [eventBus.eventBusArn];
    case 'wakeQueue':
      return wakeQueue === undefined ? [] : [wakeQueue.queueArn];
    default:
      return [];
  }
}
