import { Duration, Stack } from 'aws-cdk-lib';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import type { CfnService } from 'aws-cdk-lib/aws-ecs';
import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { FilterCriteria, type Function as Fn, StartingPosition } from 'aws-cdk-lib/aws-lambda';
import { DynamoEventSource, SqsDlq, SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { limits } from '#core/limits.ts';
import { fleetNews, functions } from '#infra/functions.ts';
import { cloudLimits } from '../cloud-limits.ts';
import type { CoreStack } from '../stacks/core.ts';
import { acknowledge } from './acknowledge.ts';
import { bundledCode } from './bundled-code.ts';
import type { Enclave } from './enclave.ts';
import { createFunction } from './reelay-function.ts';

/** The fleet that is moved, and what it needs to know. */
export interface AutoscalerProps {
  readonly core: CoreStack;
  readonly clusterName: string;
  readonly services: readonly CfnService[];
  readonly environment: Readonly<Record<string, string>>;
  /** Whose news it is told: jobs of other classes run where it moves nothing. */
  readonly enclaves: readonly Enclave[];
  readonly logDays: number;
  readonly reservedConcurrency: number | null;
}

const spec = functions.autoscale;

/** The only thing that moves the fleet: no alarm and no policy scales beside it. */
export class Autoscaler extends Construct {
  readonly handler: Fn;
  readonly wakeQueue: Queue;
  readonly deadLetterQueue: Queue;

  constructor(scope: Construct, id: string, props: AutoscalerProps) {
    super(scope, id);
    const { core, reservedConcurrency } = props;
    const common = { encryption: QueueEncryption.SQS_MANAGED, enforceSSL: true };
    this.deadLetterQueue = new Queue(this, 'DeadLetters', {
      ...common,
      retentionPeriod: Duration.days(limits.deadLetterDays),
    });
    this.wakeQueue = new Queue(this, 'Wake', {
      ...common,
      visibilityTimeout: Duration.seconds(spec.timeoutSeconds * cloudLimits.visibilityPerTimeout),
      // A wake-up that nobody took for an hour wakes nobody: the schedule has come sixty times.
      retentionPeriod: Duration.hours(1),
      deadLetterQueue: { queue: this.deadLetterQueue, maxReceiveCount: cloudLimits.wakeReceives },
    });
    this.handler = createFunction(this, 'Handler', {
      spec,
      code: bundledCode(this, spec.file),
      environment: { ...core.variables, ...props.environment, REELAY_WAKE_QUEUE_URL: this.wakeQueue.queueUrl },
      targets: { enclaves: core.enclaves, eventBus: core.eventBus, wakeQueue: this.wakeQueue },
      logDays: props.logDays,
      ...(reservedConcurrency === null ? {} : { reservedConcurrency }),
    });
    this.grantFleet(props);
    this.listen(props.enclaves);
    acknowledge(this.handler.role ?? this.handler, {
      'IAM5[Resource::*]':
        'ecs:ListTasks is held to one cluster by a condition; dynamodb:ListStreams knows no resource.',
    });
  }

  /** Its own two services and the tasks of its own cluster. */
  private grantFleet({ clusterName, services }: AutoscalerProps): void {
    const stack = Stack.of(this);
    const inCluster = (resource: string, name: string) =>
      stack.formatArn({ service: 'ecs', resource, resourceName: `${clusterName}/${name}` });
    const cluster = stack.formatArn({ service: 'ecs', resource: 'cluster', resourceName: clusterName });
    const allow = (actions: readonly string[], resources: readonly string[], conditions?: Record<string, object>) =>
      this.handler.addToRolePolicy(
        new PolicyStatement({
          actions: actions.map(name => `ecs:${name}`),
          resources: [...resources],
          ...(conditions === undefined ? {} : { conditions }),
        }),
      );
    allow(
      ['UpdateService', 'DescribeServices'],
      services.map(service => inCluster('service', service.attrName)),
    );
    allow(['DescribeTasks', 'UpdateTaskProtection'], [inCluster('task', '*')]);
    // ListTasks knows instances only, and none is named in a list by service: what holds it is the condition.
    allow(['ListTasks'], ['*'], { ArnEquals: { 'ecs:cluster': cluster } });
  }

  private listen(enclaves: readonly Enclave[]): void {
    for (const { table } of enclaves)
      this.handler.addEventSource(
        new DynamoEventSource(table as ITable, {
          startingPosition: StartingPosition.LATEST,
          batchSize: spec.triggers[0].batchSize,
          maxBatchingWindow: Duration.seconds(cloudLimits.streamWindowSeconds),
          maxRecordAge: Duration.seconds(cloudLimits.streamNewsSeconds),
          retryAttempts: cloudLimits.streamRetries,
          parallelizationFactor: 1,
          bisectBatchOnError: true,
          onFailure: new SqsDlq(this.deadLetterQueue),
          filters: fleetNews.map(pattern => FilterCriteria.filter(pattern as Record<string, unknown>)),
        }),
      );
    this.handler.addEventSource(
      new SqsEventSource(this.wakeQueue, {
        batchSize: spec.triggers[1].batchSize,
        reportBatchItemFailures: false,
        maxConcurrency: cloudLimits.wakeConcurrency,
      }),
    );
    new Rule(this, 'Schedule', {
      schedule: Schedule.rate(Duration.minutes(spec.triggers[2].everyMinutes)),
      targets: [new LambdaFunction(this.handler, { retryAttempts: 0 })],
    });
  }
}
