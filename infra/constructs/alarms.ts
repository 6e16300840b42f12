import { Duration } from 'aws-cdk-lib';
import { Alarm, ComparisonOperator, type IMetric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { cloudLimits } from '../cloud-limits.ts';

/** A condition that a person is told of. */
export interface AlarmProps {
  readonly metric: IMetric;
  /** At this much or more. */
  readonly threshold: number;
  readonly periods?: number;
  readonly missing?: TreatMissingData;
  readonly description: string;
}

/** One alarm, told to the topic when it starts and when it ends. */
export function createAlarm(scope: Construct, id: string, topic: ITopic, props: AlarmProps): Alarm {
  const alarm = new Alarm(scope, id, {
    metric: props.metric,
    threshold: props.threshold,
    evaluationPeriods: props.periods ?? 1,
    comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    treatMissingData: props.missing ?? TreatMissingData.NOT_BREACHING,
    alarmDescription: props.description,
  });
  alarm.addAlarmAction(new SnsAction(topic));
  alarm.addOkAction(new SnsAction(topic));
  return alarm;
}

/** A letter lies in a queue of dead letters. */
export function alarmOnLetters(scope: Construct, id: string, topic: ITopic, queue: IQueue, what: string): void {
  createAlarm(scope, id, topic, {
    metric: queue.metricApproximateNumberOfMessagesVisible({ period: Duration.minutes(1), statistic: 'Maximum' }),
    threshold: 1,
    description: `${what}: see docs/operating.md, dead letters.`,
  });
}

/** A message is older than any wait that was promised. SQS counts those in work too, so a render of that length tells as well. */
export function alarmOnOldest(scope: Construct, id: string, topic: ITopic, queue: IQueue): void {
  createAlarm(scope, id, topic, {
    metric: queue.metricApproximateAgeOfOldestMessage({ period: Duration.minutes(1), statistic: 'Maximum' }),
    threshold: cloudLimits.oldestJobAlarmMinutes * 60,
    periods: 2,
    description: `A job has waited, or is being rendered, for more than ${cloudLimits.oldestJobAlarmMinutes} minutes.`,
  });
}

/** A function failed three times in five minutes: once is a retry's business. */
export function alarmOnErrors(scope: Construct, id: string, topic: ITopic, made: IFunction, what: string): void {
  createAlarm(scope, id, topic, {
    metric: made.metricErrors({ period: Duration.minutes(5), statistic: 'Sum' }),
    threshold: 3,
    description: `${what} fails again and again; its log group says why.`,
  });
}
