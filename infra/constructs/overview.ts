import { Duration } from 'aws-cdk-lib';
import { Dashboard, GraphWidget, type IMetric, Metric, TextWidget } from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import { metricDimension, metricNamespace } from '#core/placement/fleet-watch.ts';
import type { CoreStack } from '../stacks/core.ts';

const MINUTE = Duration.minutes(1);

/** One page that answers: does work wait, does it run, does anything fail. */
export class Overview extends Construct {
  constructor(scope: Construct, id: string, core: CoreStack) {
    super(scope, id);
    const { api } = core.frontDoor;
    const functions = Object.entries(core.functions);
    const queues = core.enclaves.map(({ residency, queue }) => ({ residency, queue }));
    const graph = (title: string, left: readonly IMetric[]) => new GraphWidget({ title, left: [...left], width: 8 });
    const dimensionsMap = { [metricDimension]: core.standard.table.tableName };
    const fleet = (metricName: string) =>
      new Metric({ namespace: metricNamespace, metricName, dimensionsMap, statistic: 'Maximum', period: MINUTE });
    const most = { statistic: 'Maximum', period: MINUTE };
    const sum = { statistic: 'Sum', period: MINUTE };
    new Dashboard(this, 'Dashboard', {
      widgets: [
        [new TextWidget({ markdown: '# Reelay: waiting, running, failing', width: 24, height: 1 })],
        [
          graph(
            'Messages that wait',
            queues.map(({ residency, queue }) =>
              queue.metricApproximateNumberOfMessagesVisible({ ...most, label: residency }),
            ),
          ),
          graph(
            'Oldest message, seconds',
            queues.map(({ residency, queue }) =>
              queue.metricApproximateAgeOfOldestMessage({ ...most, label: residency }),
            ),
          ),
          graph(
            'Dead letters',
            core.enclaves.map(({ residency, deadLetterQueue }) =>
              deadLetterQueue.metricApproximateNumberOfMessagesVisible({ ...most, label: residency }),
            ),
          ),
        ],
        [
          graph('Servers', [fleet('DesiredServers'), fleet('RunningServers')]),
          graph('Jobs that wait for a server', [fleet('WaitingJobs')]),
          graph('Seconds', [fleet('OldestWaitingSeconds'), fleet('StuckSeconds')]),
        ],
        [
          graph('Requests', [api.metricCount(sum), api.metricClientError(sum), api.metricServerError(sum)]),
          graph('Latency, ms', [api.metricLatency({ statistic: 'p95', period: MINUTE })]),
          graph(
            'Failed runs of functions',
            functions.map(([label, made]) => made.metricErrors({ ...sum, label })),
          ),
        ],
      ],
    });
  }
}
