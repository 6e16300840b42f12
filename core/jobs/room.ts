import { ReelayError } from '../errors.ts';
import { limits } from '../limits.ts';
import type { JobStore } from '../ports.ts';

/** What the queue was last counted at, and how many this process has put into it since. */
interface Counted {
  readonly atMs: number;
  readonly waiting: number;
  accepted: number;
}

const counted = new WeakMap<JobStore, Counted>();

/**
 * Throws `queue_full` when the queue holds all it may. A queue that was less than half full a moment ago is not counted again: other
 * front doors do not fill the other half in that moment.
 */
export async function needRoom(store: JobStore, most: number, nowMs: number): Promise<void> {
  const before = counted.get(store);
  const isFresh = before !== undefined && Math.abs(nowMs - before.atMs) < limits.countsKeptMs;
  if (isFresh && before.waiting + before.accepted < most / 2) {
    before.accepted++;
    return;
  }
  const waiting = await store.countQueued(most);
  if (waiting >= most)
    throw new ReelayError('queue_full', `The queue holds ${waiting} jobs, which is all it may; try again shortly.`);
  counted.set(store, { atMs: nowMs, waiting, accepted: 1 });
}
