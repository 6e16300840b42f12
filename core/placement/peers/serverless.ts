/** Rules of serverless GPU products that follow every event: scale by count, by the delay of the oldest job, and keep-warm. */
import type { Policy } from '../simulation/controller.ts';
import { freshlyIdle, readCounts } from './counts.ts';

/** RunPod's request count: a server for each `jobsPerServer`, and none is stopped before `idleSeconds` without work. */
export function byCount(jobsPerServer: number, idleSeconds: number, min = 0): Policy {
  return {
    name: `count k=${jobsPerServer} idle=${idleSeconds} min=${min}`,
    create: () => ({
      tickSeconds: 5,
      everyEvent: true,
      decide: (world, orders) => {
        const { jobs, busy } = readCounts(world, 0);
        const kept = busy + freshlyIdle(world, 0, idleSeconds);
        orders.desired[0] = Math.max(min, Math.ceil(jobs / jobsPerServer), kept);
      },
    }),
  };
}

/** RunPod's queue delay: a server for each job that waits longer than `delaySeconds`, less those that launch already. */
export function byDelay(delaySeconds: number, idleSeconds: number, min = 0): Policy {
  return {
    name: `delay X=${delaySeconds} idle=${idleSeconds} min=${min}`,
    create: () => ({
      tickSeconds: 5,
      everyEvent: true,
      decide: (world, orders) => {
        const { current, launching } = readCounts(world, 0);
        const idle = world.counts[0]!.idle - freshlyIdle(world, 0, idleSeconds);
        let late = 0;
        for (const job of world.openQueue) {
          if (world.now - world.trace.arrivals[job]! <= delaySeconds) break;
          late++;
        }
        orders.desired[0] = Math.max(min, current - idle + Math.max(0, late - launching));
      },
    }),
  };
}

/** Modal's keep-warm: a server for each job and `buffer` more while there is any; a minimum; idle ones stop after a window. */
export function keepWarm(min: number, buffer: number, windowSeconds: number): Policy {
  return {
    name: `keep-warm k=${min} buf=${buffer} win=${windowSeconds}`,
    create: () => ({
      tickSeconds: 10,
      everyEvent: true,
      decide: (world, orders) => {
        const { current, jobs } = readCounts(world, 0);
        const stale = world.counts[0]!.idle - freshlyIdle(world, 0, windowSeconds);
        orders.desired[0] = Math.max(min, jobs + (jobs > 0 ? buffer : 0), current - stale);
      },
    }),
  };
}
