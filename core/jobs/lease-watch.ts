import type { Job } from '../job.ts';

/**
 * Tells a dead lease from a living one without comparing two clocks: a living owner writes the record at least every third of a lease,
 * so a version that has not changed for a whole lease of the watcher's own monotonic time has no living owner. A watcher that has just
 * started must watch for a whole lease before it may say so.
 */
export interface LeaseWatch {
  /** Looks at a record in progress; true once its lease is known to be dead. */
  isDead(job: Job): boolean;
  /** How long this record must still stay unchanged to be called dead; 0 when it is. */
  remainingMs(job: Job): number;
}

/** More records in progress than one installation runs; the oldest observations go first and are made anew. */
const MAX_WATCHED = 10_000;

/** A watch by a clock that never jumps. */
export function createLeaseWatch(clock: { monotonicMs: () => number; leaseSeconds: number }): LeaseWatch {
  const seen = new Map<string, { version: number; sinceMs: number }>();

  const remainingMs = (job: Job): number => {
    if (job.lease === null) return 0;
    const nowMs = clock.monotonicMs();
    const before = seen.get(job.id);
    if (before === undefined || before.version !== job.version) {
      seen.delete(job.id); // a Map keeps insertion order: what was seen last is forgotten last
      seen.set(job.id, { version: job.version, sinceMs: nowMs });
      if (seen.size > MAX_WATCHED) seen.delete(seen.keys().next().value!);
      return clock.leaseSeconds * 1000;
    }
    return Math.max(0, before.sinceMs + clock.leaseSeconds * 1000 - nowMs);
  };

  return { remainingMs, isDead: job => remainingMs(job) === 0 };
}
