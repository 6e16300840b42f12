/**
 * Jobs of one model in the order they arrive: `arrivals` in seconds from the start, `services` in GPU-seconds, both [jobs].
 * `sovereign`, where given, marks with 1 the jobs that must not leave the premises.
 */
export interface Trace {
  readonly name: string;
  readonly arrivals: Float64Array;
  readonly services: Float64Array;
  readonly sovereign?: Uint8Array;
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

/** The jobs that arrive before `seconds`. */
export function cutTrace(trace: Trace, seconds: number): Trace {
  const past = trace.arrivals.findIndex(at => at >= seconds);
  const end = past < 0 ? trace.arrivals.length : past;
  const { sovereign } = trace;
  return {
    name: trace.name,
    arrivals: trace.arrivals.slice(0, end),
    services: trace.services.slice(0, end),
    ...(sovereign === undefined ? {} : { sovereign: sovereign.slice(0, end) }),
  };
}

/** Marks each job sovereign for which the next draw is below `share`. */
export function markSovereign(trace: Trace, draw: () => number, share: number): Trace {
  return { ...trace, sovereign: Uint8Array.from(trace.arrivals, () => (draw() < share ? 1 : 0)) };
}
