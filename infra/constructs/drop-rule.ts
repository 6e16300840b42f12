import { Duration } from 'aws-cdk-lib';
import { Rule } from 'aws-cdk-lib/aws-events';
import { SqsQueue } from 'aws-cdk-lib/aws-events-targets';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { limits } from '#core/limits.ts';
import { cloudLimits } from '../cloud-limits.ts';

/** Whose drops go to which function. */
export interface DropRuleProps {
  readonly bucket: Bucket;
  readonly handler: IFunction;
  readonly timeoutSeconds: number;
  readonly batchSize: number;
}

/** Objects that land below drop/ on their way to the function: S3, the account's default bus, a queue that keeps what fails. */
export class DropRule extends Construct {
  readonly queue: Queue;
  readonly deadLetterQueue: Queue;

  constructor(scope: Construct, id: string, { bucket, handler, timeoutSeconds, batchSize }: DropRuleProps) {
    super(scope, id);
    const common = { encryption: QueueEncryption.SQS_MANAGED, enforceSSL: true };
    this.deadLetterQueue = new Queue(this, 'DeadLetters', {
      ...common,
      retentionPeriod: Duration.days(limits.deadLetterDays),
    });
    this.queue = new Queue(this, 'Queue', {
      ...common,
      visibilityTimeout: Duration.seconds(timeoutSeconds * cloudLimits.visibilityPerTimeout),
      retentionPeriod: Duration.days(limits.messageDays),
      deadLetterQueue: { queue: this.deadLetterQueue, maxReceiveCount: cloudLimits.dropReceives },
    });
    const rule = new Rule(this, 'Rule', {
      description: 'Objects that land below drop/',
      eventPattern: {
        source: ['aws.s3'],
        detailType: ['Object Created'],
        detail: { bucket: { name: [bucket.bucketName] }, object: { key: [{ prefix: 'drop/' }] } },
      },
    });
    rule.addTarget(
      new SqsQueue(this.queue, {
        deadLetterQueue: this.deadLetterQueue,
        retryAttempts: cloudLimits.dropEventRetries,
        maxEventAge: Duration.hours(24),
      }),
    );
    handler.addEventSource(new SqsEventSource(this.queue, { batchSize, reportBatchItemFailures: true }));
  }
}
