import type { Policy } from '../simulation/controller.ts';

/** A constant number of servers from the first second to the last. */
export function fixedSize(servers: number): Policy {
  return {
    name: `static ${servers}`,
    create: () => ({
      tickSeconds: 600,
      everyEvent: false,
      decide: (_world, orders) => {
        orders.desired[0] = servers;
      },
    }),
  };
}
