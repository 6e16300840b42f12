import type { Tier } from '../types.ts';

/** The tiers by the number that stands for each in `Trace.tiers`. */
export const tierNames: readonly Tier[] = ['interactive', 'standard', 'batch'];

/**
 * Jobs of one model in the order they arrive: `arrivals` in seconds from the start, `services` in GPU-seconds, both [jobs].
 * `sovereign`, where given, marks with 1 the jobs that must not leave the premises; `tiers` has indexes of `tierNames` (all standard
 * where absent), `videoSeconds` the length of each video (NaN: unknown), each [jobs].
 */
export interface Trace {
  readonly name: string;
  readonly arrivals: Float64Array;
  readonly services: Float64Array;
  readonly sovereign?: Uint8Array;
  readonly tiers?: Uint8Array;
  readonly videoSeconds?: Float64Array;
}

/** Collects jobs in any order and sorts them into a trace; equal times stay in the order they were added. */
export function collectTrace(name: string, fill: (add: (at: number, service: number) => void) => void): Trace {
  const jobs: [number, number][] = [];
  fill((at, service) => jobs.push([at, service]));
  jobs.sort((a, b) => a[0] - b[0]);
  return {
    name,
    arrivals: Float64Array.from(jobs, job => job[0]),
    services: Float64Array.from(jobs, job => job[1]),
  };
}

/** The jobs of a trace for which `keep` holds, by their index. */
export function keepJobs(trace: Trace, keep: (job: number) => boolean): Trace {
  const kept = (_: number, job: number) => keep(job);
  const { sovereign, tiers, videoSeconds } = trace;
  return {
    name: trace.name,
    arrivals: trace.arrivals.filter(kept),
    services: trace.services.filter(kept),
    ...(sovereign === undefined ? {} : { sovereign: sovereign.filter(kept) }),
    ...(tiers === undefined ? {} : { tiers: tiers.filter(kept) }),
    ...(videoSeconds === undefined ? {} : { videoSeconds: videoSeconds.filter(kept) }),
  };
}

/** The jobs that arrive before `seconds`. */
export function cutTrace(trace: Trace, seconds: number): Trace {
  return keepJobs(trace, job => trace.arrivals[job]! < seconds);
}

/** Marks each job sovereign for which the next draw is below `share`. */
export function markSovereign(trace: Trace, draw: () => number, share: number): Trace {
  return { ...trace, sovereign: Uint8Array.from(trace.arrivals, () => (draw() < share ? 1 : 0)) };
}
