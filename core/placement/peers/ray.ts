import type { Policy } from '../simulation/controller.ts';
import { readCounts } from './counts.ts';

/** Jobs a server, and how long a wish for more or fewer must last, in seconds. */
export interface RaySettings {
  readonly jobsPerServer: number;
  readonly upSeconds: number;
  readonly downSeconds: number;
  readonly min: number;
}

/** Ray Serve's defaults. */
export const rayDefaults: RaySettings = { jobsPerServer: 2, upSeconds: 30, downSeconds: 600, min: 0 };

/** Ray Serve: every 10 s a server for each `jobsPerServer`, once that has been wanted for long enough; from zero at once. */
export function ray(settings: RaySettings): Policy {
  const { jobsPerServer, upSeconds, downSeconds, min } = settings;
  return {
    name: `ray t=${jobsPerServer} up=${upSeconds} down=${downSeconds} min=${min}`,
    create: () => {
      let direction = 0;
      let since = 0;
      return {
        tickSeconds: 10,
        everyEvent: false,
        decide: (world, orders) => {
          const { current, jobs } = readCounts(world, 0);
          const wish = Math.max(min, Math.ceil(jobs / jobsPerServer));
          const sign = Math.sign(wish - current);
          if (sign !== direction) {
            direction = sign;
            since = world.now;
          }
          const delay = sign > 0 ? (current === 0 ? 0 : upSeconds) : downSeconds;
          orders.desired[0] = current;
          if (sign === 0 || world.now - since < delay) return;
          orders.desired[0] = wish;
          direction = 0;
        },
      };
    },
  };
}
