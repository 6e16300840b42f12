import type { World } from './world.ts';

/** Seconds at the percentiles that people ask for. */
export interface Percentiles {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

/** What one simulation came to. */
export interface Outcome {
  readonly policy: string;
  readonly trace: string;
  /** The run was cut: the policy never came to an end. */
  readonly cut: boolean;
  readonly events: number;
  readonly waits: Percentiles;
  readonly sovereignWaits: Percentiles;
  readonly endToEnd: Percentiles;
  /** Billed cloud GPU-hours, without minimum billing. */
  readonly gpuHours: number;
  /** Billed over useful GPU-hours. */
  readonly phi: number;
  /** Cloud dollars, with minimum billing. */
  readonly dollars: number;
  readonly launches: number;
  readonly preemptions: number;
  readonly leftPremises: number;
  readonly pools: readonly PoolOutcome[];
}

/** One pool's share; GPU-hours without, dollars with minimum billing. */
export interface PoolOutcome {
  readonly pool: string;
  readonly gpuHours: number;
  /** Hours in which its servers had a job. */
  readonly busyHours: number;
  readonly dollars: number;
  readonly launches: number;
}

/** sorted[floor(p (N - 1))]; NaN of nothing. */
export function percentile(sorted: ArrayLike<number>, p: number): number {
  return sorted[Math.floor(p * (sorted.length - 1))] ?? Number.NaN;
}

function percentiles(values: Float64Array): Percentiles {
  const sorted = values.slice().sort();
  return {
    p50: percentile(sorted, 0.5),
    p95: percentile(sorted, 0.95),
    p99: percentile(sorted, 0.99),
    max: percentile(sorted, 1),
  };
}

/** Reads the figures of an ended simulation. */
export function readOutcome(world: World, policy: string, events: number, cut: boolean): Outcome {
  const { trace } = world;
  const open: number[] = [];
  const sovereign: number[] = [];
  const endToEnd: number[] = [];
  let useful = 0;
  for (let i = 0; i < trace.arrivals.length; i++) {
    if (Number.isNaN(world.finish[i]!)) continue;
    (trace.sovereign?.[i] === 1 ? sovereign : open).push(world.firstStart[i]! - trace.arrivals[i]!);
    endToEnd.push(world.finish[i]! - trace.arrivals[i]!);
    useful += trace.services[i]!;
  }
  const pools = world.pools.map((pool, i) => ({
    pool: pool.id,
    gpuHours: world.counts[i]!.gpuSeconds / 3600,
    busyHours: world.counts[i]!.busySeconds / 3600,
    dollars: world.counts[i]!.dollars,
    launches: world.counts[i]!.launches,
  }));
  const cloud = pools.filter((_, i) => world.pools[i]!.kind !== 'fixed');
  const gpuHours = cloud.reduce((sum, pool) => sum + pool.gpuHours, 0);
  return {
    policy,
    trace: trace.name,
    cut,
    events,
    waits: percentiles(Float64Array.from(open)),
    sovereignWaits: percentiles(Float64Array.from(sovereign)),
    endToEnd: percentiles(Float64Array.from(endToEnd)),
    gpuHours,
    phi: (3600 * pools.reduce((sum, pool) => sum + pool.gpuHours, 0)) / useful,
    dollars: cloud.reduce((sum, pool) => sum + pool.dollars, 0),
    launches: cloud.reduce((sum, pool) => sum + pool.launches, 0),
    preemptions: world.preemptions,
    leftPremises: world.leftPremises,
    pools,
  };
}
