import type { JobBrief } from '#core/jobs/brief.ts';
import { type AutoscalePorts, autoscale } from '#core/placement/autoscale.ts';

/** What the controller of the fleet needs beside its ports. */
export interface AutoscaleDeps extends AutoscalePorts {
  /** The jobs that an event tells of; none for a schedule and a wake-up. */
  readonly briefsIn: (event: unknown) => readonly JobBrief[];
}

/** Changes of jobs and of workers from the table's stream, wake-ups and the minute's schedule: each is a look at the fleet. */
export function autoscaleHandler(deps: AutoscaleDeps): (event: unknown) => Promise<void> {
  return event => autoscale(deps, deps.briefsIn(event));
}
