/** The Lambda entry of the fleet's controller. It needs no model, no key and no bucket, so it composes less than lambda.ts does. */
import { Logger } from '@aws-lambda-powertools/logger';
import { type Environment, requiredFrom } from '#adapters/aws/connect.ts';
import { connectFleet } from '#adapters/aws/connect-fleet.ts';
import { parseFleetSettings, parseWaitTargets } from '#core/placement/fleet-settings.ts';
import { metricLine } from '#core/placement/fleet-watch.ts';
import { parseResidency } from '#core/policy/residency.ts';
import { type AutoscaleDeps, autoscaleHandler } from './autoscale.ts';
import type { Log } from './deps.ts';

let composed: ReturnType<typeof autoscaleHandler> | undefined;

/** What the table's stream, the wake-up queue and the minute's schedule call. Settings are read once per container. */
export const handler = (event: unknown): Promise<void> => {
  composed ??= autoscaleHandler(composeAutoscale(process.env));
  return composed(event);
};

/** The controller on AWS. Throws a sentence that names the setting which is missing or wrong. */
export function composeAutoscale(env: Environment): AutoscaleDeps {
  const logger = new Logger({ serviceName: 'reelay-autoscale' });
  const log: Log = (level, message, fields) => logger[level](message, fields as Record<string, string>);
  const settings = parseFleetSettings(env.REELAY_FLEET ?? '');
  const table = requiredFrom(env, 'REELAY_TABLE');
  return {
    ...connectFleet(env, settings, jobId => log('warn', 'the brief of a job is unreadable', { jobId })),
    pools: settings.pools,
    waitTargetSeconds: parseWaitTargets(env.REELAY_WAIT_TARGETS ?? ''),
    classes: parseResidency(env.REELAY_RESIDENCY ?? ''),
    now: () => Date.now(),
    // Raw, as CloudWatch wants it: a logger would put its own envelope around it.
    publish: (metrics, nowMs) => void process.stdout.write(`${metricLine(metrics, table, nowMs)}\n`),
    log,
  };
}
