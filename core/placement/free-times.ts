/** When servers become free: a binary min-heap of times, in place. */
export interface FreeTimes {
  readonly times: Float64Array;
  size: number;
}

/** Room for `capacity` servers, and none yet. */
export function createFreeTimes(capacity: number): FreeTimes {
  return { times: new Float64Array(capacity), size: 0 };
}

/** Adds a server that is free at `time`. */
export function addFree(free: FreeTimes, time: number): void {
  const { times } = free;
  let at = free.size++;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (times[parent]! <= time) break;
    times[at] = times[parent]!;
    at = parent;
  }
  times[at] = time;
}

/** The earliest server's time; Infinity without servers. */
export function earliest(free: FreeTimes): number {
  return free.size === 0 ? Number.POSITIVE_INFINITY : free.times[0]!;
}

/** The earliest server works until `time`. */
export function occupyEarliest(free: FreeTimes, time: number): void {
  const { times, size } = free;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= size) break;
    if (child + 1 < size && times[child + 1]! < times[child]!) child++;
    if (times[child]! >= time) break;
    times[at] = times[child]!;
    at = child;
  }
  times[at] = time;
}
