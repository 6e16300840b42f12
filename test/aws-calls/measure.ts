import { type Calls, total } from './call-counter.ts';
import type { CountedDeployment } from './counted-deployment.ts';
import { dollarsPerMillion } from './prices.ts';

/** What a number of jobs took, from the submit to the completion event. */
export interface Measured {
  readonly jobs: number;
  readonly calls: Calls;
  readonly perJob: number;
  readonly dollarsPerMillion: number;
}

/** Submits so many jobs and lets one worker do them. */
export async function measureJobs(deployment: CountedDeployment, jobs: number): Promise<Measured> {
  const parts = [await deployment.submitJobs(jobs), await deployment.work()];
  const calls: Record<string, number> = {};
  for (const part of parts) for (const [name, count] of Object.entries(part)) calls[name] = (calls[name] ?? 0) + count;
  return { jobs, calls, perJob: total(calls) / jobs, dollarsPerMillion: dollarsPerMillion(calls, jobs) };
}

/** As lines of a terminal. */
export function told({ jobs, calls, perJob, dollarsPerMillion: dollars }: Measured): string {
  const each = Object.entries(calls).map(([name, count]) => `${name} ${Number((count / jobs).toFixed(2))}`);
  return `${jobs} jobs: ${perJob.toFixed(2)} calls a job, $${dollars.toFixed(2)} a million jobs\n    ${each.join(', ')}`;
}
