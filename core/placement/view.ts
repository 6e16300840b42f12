import { allowed, isSovereign } from './route.ts';
import type { Observation, Pool, Waiting, Worker } from './types.ts';

/** The observation as the policy reads it: the cloud's servers by phase, the owned ones apart, and the pool that would launch. */
export interface FleetView {
  readonly now: number;
  /** Target D and mean cold start C, in seconds. */
  readonly target: number;
  readonly cold: number;
  readonly coldQuantiles: readonly number[];
  readonly owned: readonly Worker[];
  /** Cloud servers; launching ones from the oldest. */
  readonly idle: readonly Worker[];
  readonly busy: readonly Worker[];
  readonly launching: readonly Worker[];
  readonly live: number;
  readonly min: number;
  readonly max: number;
  /** Waiting jobs that must stay on the premises, and the others, both in the order of the queue. */
  readonly sovereign: readonly Waiting[];
  readonly open: readonly Waiting[];
  /** Of the open jobs those that no owned pool may run. */
  readonly cloudOnly: ReadonlySet<Waiting>;
  readonly waitTargetSeconds: Observation['waitTargetSeconds'];
}

function byLaunch(a: Worker, b: Worker): number {
  return a.launchedAtSeconds - b.launchedAtSeconds;
}

/** Cloud pools, cheapest first. */
export function cloudPools(o: Observation): readonly Pool[] {
  return o.pools
    .filter(pool => pool.site === 'cloud' && pool.kind !== 'fixed')
    .sort((a, b) => a.pricePerHourUsd - b.pricePerHourUsd);
}

const noCold = { low: 0, mid: 0, high: 0, mean: 0 };

/** Reads an observation; `launchPool` is the pool that would launch next. */
export function viewFleet(o: Observation, launchPool: Pool | undefined): FleetView {
  const onprem = new Set(o.pools.filter(pool => pool.site === 'onprem').map(pool => pool.id));
  const scaled = new Set(cloudPools(o).map(pool => pool.id));
  const cold = launchPool?.coldStartSeconds ?? noCold;
  const cloud = o.workers.filter(worker => scaled.has(worker.pool) && worker.phase !== 'draining');
  const phase = (name: Worker['phase']) => cloud.filter(worker => worker.phase === name);
  const sovereign: Waiting[] = [];
  const open: Waiting[] = [];
  for (const job of o.waiting) (isSovereign(job, o.pools) ? sovereign : open).push(job);
  const pools = cloudPools(o);
  const ownedPools = o.pools.filter(pool => pool.site === 'onprem');
  const cloudOnly = open.filter(job => !ownedPools.some(pool => allowed(job, pool)));
  return {
    now: o.nowSeconds,
    target: o.waitTargetSeconds.standard,
    cold: cold.mean,
    coldQuantiles: [cold.low, cold.mid, cold.high],
    owned: o.workers.filter(worker => onprem.has(worker.pool) && worker.phase !== 'draining'),
    idle: phase('idle'),
    busy: phase('busy'),
    launching: phase('launching').sort(byLaunch),
    live: cloud.length,
    min: pools.reduce((most, pool) => Math.max(most, pool.minServers), 0),
    max: pools.reduce((most, pool) => Math.max(most, pool.maxServers), 0),
    sovereign,
    open,
    cloudOnly: new Set(cloudOnly),
    waitTargetSeconds: o.waitTargetSeconds,
  };
}
