import { simulatedModel } from '#core/placement/simulation/simulate.ts';
import type { Pool } from '#core/placement/types.ts';

/** The cloud pool of every published figure: one L40S on demand. */
export const cloudPool: Pool = {
  id: 'cloud',
  site: 'cloud',
  region: 'us-east-1',
  kind: 'ondemand',
  pricePerHourUsd: 1.861,
  minServers: 0,
  maxServers: 32,
  minBilledSeconds: 60,
  speed: { [simulatedModel]: 1 },
  coldStartSeconds: { low: 85, mid: 120, high: 175, mean: 127 },
};

/** The same on Spot, at .45 of the price. */
export const spotPool: Pool = { ...cloudPool, id: 'spot', kind: 'spot', pricePerHourUsd: 1.861 * 0.45 };

/** Servers that are owned. */
export function ownedPool(servers: number): Pool {
  return {
    ...cloudPool,
    id: 'owned',
    site: 'onprem',
    region: 'home',
    kind: 'fixed',
    minServers: servers,
    maxServers: servers,
    minBilledSeconds: 0,
  };
}
