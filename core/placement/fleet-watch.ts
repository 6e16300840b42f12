/** What an alarm watches: does the one controller do its work. Pure. */
import { allowed } from './route.ts';
import type { Decision, Observation, Pool, Waiting } from './types.ts';

/** One look at the fleet in numbers, by the names of the metrics. */
export interface FleetMetrics {
  /** Age of the oldest waiting job that some pool may run; 0 where none waits. */
  readonly OldestWaitingSeconds: number;
  /** Waiting jobs that some pool may run. */
  readonly WaitingJobs: number;
  /** Servers that are up, owned ones too. */
  readonly RunningServers: number;
  /** Servers that the scaled pools shall have. */
  readonly DesiredServers: number;
  /** For how long work has waited while nothing ran and nothing launched. */
  readonly StuckSeconds: number;
}

/** Where the metrics are kept in CloudWatch. */
export const metricNamespace = 'Reelay';
/** What tells installations apart: the name of the table that the key value entries are in. */
export const metricDimension = 'Table';

/** Since when nothing moves although it could: work waits that a pool may run, nothing runs, nothing launches. null: it moves. */
export function stuckSince(o: Observation, runningJobs: number, before: number | null): number | null {
  const launching = o.workers.some(worker => worker.phase === 'launching');
  if (servable(o.waiting, o.pools).length === 0 || runningJobs > 0 || launching) return null;
  return before ?? o.nowSeconds;
}

function servable(jobs: readonly Waiting[], pools: readonly Pool[]): readonly Waiting[] {
  return jobs.filter(job => pools.some(pool => allowed(job, pool)));
}

/** The numbers of one look. */
export function fleetMetrics(o: Observation, decision: Pick<Decision, 'desired'>, stuck: number | null): FleetMetrics {
  const waiting = servable(o.waiting, o.pools);
  return {
    OldestWaitingSeconds: waiting.reduce((most, job) => Math.max(most, o.nowSeconds - job.enqueuedAtSeconds), 0),
    WaitingJobs: waiting.reduce((sum, job) => sum + job.count, 0),
    RunningServers: o.workers.filter(({ phase }) => phase === 'idle' || phase === 'busy').length,
    DesiredServers: Object.values(decision.desired).reduce((sum, servers) => sum + servers, 0),
    StuckSeconds: stuck === null ? 0 : o.nowSeconds - stuck,
  };
}

/**
 * The line that CloudWatch makes metrics of: the embedded metric format. Their one dimension is the table of jobs, so that installations
 * in one account do not speak for each other: the alarm of a dead controller would never ring while another one lives.
 */
export function metricLine(metrics: FleetMetrics, table: string, nowMs: number): string {
  const unit = (name: string) => (name.endsWith('Seconds') ? 'Seconds' : 'Count');
  const Metrics = Object.keys(metrics).map(Name => ({ Name, Unit: unit(Name) }));
  const CloudWatchMetrics = [{ Namespace: metricNamespace, Dimensions: [[metricDimension]], Metrics }];
  return JSON.stringify({ _aws: { Timestamp: nowMs, CloudWatchMetrics }, [metricDimension]: table, ...metrics });
}
