import type { Policy } from '../simulation/controller.ts';
import { readCounts } from './counts.ts';

/** `burst` sends to the cloud what waits on the premises; `split` counts waiting and running cloud jobs together. */
export interface HybridRuleSettings {
  readonly rule: 'burst' | 'split';
  readonly jobsPerServer: number;
  /** The fleet shrinks to the largest wish of this window. */
  readonly downSeconds: number;
}

/** The usual rule next to owned servers: a cloud server, the pool at index 1, for each `jobsPerServer` that may leave; every 15 s. */
export function hybridRule(settings: HybridRuleSettings): Policy {
  const { rule, jobsPerServer, downSeconds } = settings;
  return {
    name: `${rule} q=${jobsPerServer} down=${downSeconds}`,
    ownedFifo: true,
    create: () => {
      let wishes: { at: number; servers: number }[] = [];
      return {
        tickSeconds: 15,
        everyEvent: false,
        decide: (world, orders) => {
          const { waiting, busy } = readCounts(world, 1);
          const wish =
            rule === 'burst' ? Math.ceil(waiting / jobsPerServer) + busy : Math.ceil((waiting + busy) / jobsPerServer);
          wishes = wishes.filter(w => w.at > world.now - downSeconds);
          wishes.push({ at: world.now, servers: wish });
          orders.desired[1] = wishes.reduce((most, w) => Math.max(most, w.servers), 0);
        },
      };
    },
  };
}

/** The rules among which the best is sought in hindsight. */
export function hybridGrid(): readonly Policy[] {
  return (['burst', 'split'] as const).flatMap(rule =>
    [1, 2, 4, 8, 16].flatMap(jobsPerServer =>
      [5, 60, 300].map(downSeconds => hybridRule({ rule, jobsPerServer, downSeconds })),
    ),
  );
}
