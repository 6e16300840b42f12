import { type World, wantedServers } from '../simulation/world.ts';

/** The numbers that every peer scales by, of one cloud pool. */
export interface Counts {
  /** Jobs waiting that may leave the premises. */
  waiting: number;
  busy: number;
  /** Servers that are up and kept. */
  up: number;
  /** Up and launching, without those that drain. */
  current: number;
  launching: number;
  /** Jobs waiting and running. */
  jobs: number;
}

/** Exact counts of the cloud pool at `poolIndex`. */
export function readCounts(world: World, poolIndex: number): Counts {
  const count = world.counts[poolIndex]!;
  const current = wantedServers(count);
  const waiting = world.openQueue.length;
  return {
    waiting,
    busy: count.busy,
    up: current - count.launching,
    current,
    launching: count.launching,
    jobs: waiting + count.busy,
  };
}

/** Idle servers of a pool that became idle less than `seconds` ago. */
export function freshlyIdle(world: World, poolIndex: number, seconds: number): number {
  let found = 0;
  if (world.counts[poolIndex]!.idle === 0) return 0;
  for (const worker of world.live) {
    if (worker.phase === 'idle' && worker.poolIndex === poolIndex && world.now - worker.idleSinceSeconds < seconds)
      found++;
  }
  return found;
}
