import type { Policy } from '../simulation/controller.ts';
import { readCounts } from './counts.ts';

/** Jobs a server, the window and the cooldown in seconds, the least servers. */
export interface KedaSettings {
  readonly jobsPerServer: number;
  readonly stabilizationSeconds: number;
  readonly cooldownSeconds: number;
  readonly min: number;
}

/** KEDA's defaults with a queue length of 5. */
export const kedaDefaults: KedaSettings = { jobsPerServer: 5, stabilizationSeconds: 300, cooldownSeconds: 300, min: 0 };

/** KEDA itself looks this often whether there is work; the autoscaler under it every 15 s. */
const pollSeconds = 30;

/**
 * KEDA over the Kubernetes autoscaler: every 15 s a server for each `jobsPerServer`, at most doubled or four more; down to the largest
 * wish of the stabilization window; from zero every 30 s; to zero after the cooldown.
 */
export function keda(settings: KedaSettings): Policy {
  const { jobsPerServer, stabilizationSeconds, cooldownSeconds, min } = settings;
  return {
    name: `keda q=${jobsPerServer} stab=${stabilizationSeconds} cool=${cooldownSeconds} min=${min}`,
    create: () => {
      let wishes: { at: number; servers: number }[] = [];
      let activeAt = Number.NEGATIVE_INFINITY;
      return {
        tickSeconds: 15,
        everyEvent: false,
        decide: (world, orders) => {
          const { now } = world;
          const { current, jobs } = readCounts(world, 0);
          const polled = now % pollSeconds === 0;
          if (jobs > 0 && polled) activeAt = now;
          if (current === 0 && min === 0) {
            wishes = [];
            orders.desired[0] = jobs > 0 && polled ? 1 : 0;
            return;
          }
          const wish = Math.ceil(jobs / jobsPerServer);
          wishes = wishes.filter(w => w.at >= now - stabilizationSeconds);
          wishes.push({ at: now, servers: wish });
          const held = wishes.reduce((most, w) => Math.max(most, w.servers), 0);
          let desired = current;
          if (wish > current) desired = Math.min(wish, Math.max(2 * current, current + 4));
          else desired = Math.max(1, min, Math.min(current, held));
          if (min === 0 && jobs === 0 && now - activeAt >= cooldownSeconds) desired = 0;
          orders.desired[0] = Math.max(min, desired);
        },
      };
    },
  };
}
