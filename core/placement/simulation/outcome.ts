import type { Tier } from '../types.ts';
import { tierNames } from './trace.ts';
import type { PoolCount, World } from './world.ts';

/** Seconds at the percentiles that people ask for; NaN of no job. */
export interface Percentiles {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

/** Where billed time went, as shares that come to 1; all 0 where nothing was billed. */
export interface Shares {
  /** Work that was kept. */
  readonly useful: number;
  /** From order to ready, of the launches that became ready. */
  readonly coldStart: number;
  /** Ready without a job. */
  readonly idle: number;
  /** Launches that were stopped before they were ready. */
  readonly cancelled: number;
  /** Launches and unkept steps that a Spot preemption took. */
  readonly preempted: number;
}

/** The jobs of one tier that may leave the premises, or of those that may not. */
export interface GroupOutcome {
  readonly tier: Tier;
  readonly sovereign: boolean;
  /** That have ended. */
  readonly jobs: number;
  readonly waits: Percentiles;
  readonly endToEnd: Percentiles;
}

/** One pool's share; GPU-hours without, dollars with minimum billing. */
export interface PoolOutcome {
  readonly pool: string;
  readonly gpuHours: number;
  /** Hours in which its servers had a job. */
  readonly busyHours: number;
  readonly dollars: number;
  readonly launches: number;
  readonly cancelled: number;
  readonly shares: Shares;
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
  readonly groups: readonly GroupOutcome[];
  /** Billed cloud GPU-hours, without minimum billing. */
  readonly gpuHours: number;
  /** Billed over useful GPU-hours; NaN of no finished job. */
  readonly phi: number;
  /** Of the cloud's billed time. */
  readonly shares: Shares;
  /** Cloud dollars, with minimum billing. */
  readonly dollars: number;
  /** Cloud dollars for a second of finished video, wherever it was made; NaN where the trace does not tell lengths. */
  readonly usdPerVideoSecond: number;
  readonly launches: number;
  readonly cancelled: number;
  readonly preemptions: number;
  readonly leftPremises: number;
  readonly pools: readonly PoolOutcome[];
}

/** sorted[floor(p (N - 1))]; NaN of nothing. */
export function percentile(sorted: ArrayLike<number>, p: number): number {
  return sorted[Math.floor(p * (sorted.length - 1))] ?? Number.NaN;
}

function percentiles(values: readonly number[]): Percentiles {
  const sorted = Float64Array.from(values).sort();
  return {
    p50: percentile(sorted, 0.5),
    p95: percentile(sorted, 0.95),
    p99: percentile(sorted, 0.99),
    max: percentile(sorted, 1),
  };
}

function sharesOf(counts: readonly PoolCount[]): Shares {
  const sum = (read: (count: PoolCount) => number) => counts.reduce((total, count) => total + read(count), 0);
  const billed = sum(count => count.gpuSeconds);
  const share = (seconds: number) => (billed > 0 ? seconds / billed : 0);
  const busy = sum(count => count.busySeconds);
  const cold = sum(count => count.coldSeconds);
  const cancelled = sum(count => count.cancelledSeconds);
  const preempted = sum(count => count.preemptedSeconds);
  const lostSteps = sum(count => count.lostStepSeconds);
  return {
    useful: share(busy - lostSteps),
    coldStart: share(cold),
    idle: share(Math.max(0, billed - busy - cold - cancelled - (preempted - lostSteps))),
    cancelled: share(cancelled),
    preempted: share(preempted),
  };
}

/** Waits and end-to-end times of the jobs that have ended, by tier and residency. */
function readGroups(world: World): readonly GroupOutcome[] {
  const { trace } = world;
  const groups = tierNames.flatMap(tier =>
    [false, true].map(sovereign => ({ tier, sovereign, waits: [] as number[], endToEnd: [] as number[] })),
  );
  for (let i = 0; i < trace.arrivals.length; i++) {
    if (Number.isNaN(world.finish[i]!)) continue;
    const group = groups[2 * (trace.tiers?.[i] ?? 1) + (trace.sovereign?.[i] === 1 ? 1 : 0)]!;
    group.waits.push(world.firstStart[i]! - trace.arrivals[i]!);
    group.endToEnd.push(world.finish[i]! - trace.arrivals[i]!);
  }
  return groups
    .filter(group => group.waits.length > 0)
    .map(({ tier, sovereign, waits, endToEnd }) => ({
      tier,
      sovereign,
      jobs: waits.length,
      waits: percentiles(waits),
      endToEnd: percentiles(endToEnd),
    }));
}

function readPools(world: World): readonly PoolOutcome[] {
  return world.pools.map((pool, i) => {
    const count = world.counts[i]!;
    return {
      pool: pool.id,
      gpuHours: count.gpuSeconds / 3600,
      busyHours: count.busySeconds / 3600,
      dollars: count.dollars,
      launches: count.launches,
      cancelled: count.cancelled,
      shares: sharesOf([count]),
    };
  });
}

/** Reads the figures of an ended simulation. */
export function readOutcome(world: World, policy: string, events: number, cut: boolean): Outcome {
  const { trace } = world;
  const open: number[] = [];
  const sovereign: number[] = [];
  const endToEnd: number[] = [];
  let useful = 0;
  let video = 0;
  for (let i = 0; i < trace.arrivals.length; i++) {
    if (Number.isNaN(world.finish[i]!)) continue;
    (trace.sovereign?.[i] === 1 ? sovereign : open).push(world.firstStart[i]! - trace.arrivals[i]!);
    endToEnd.push(world.finish[i]! - trace.arrivals[i]!);
    useful += trace.services[i]!;
    video += trace.videoSeconds?.[i] ?? Number.NaN;
  }
  const pools = readPools(world);
  const isCloud = (_: unknown, i: number) => world.pools[i]!.kind !== 'fixed';
  const cloud = pools.filter(isCloud);
  const dollars = cloud.reduce((sum, pool) => sum + pool.dollars, 0);
  return {
    policy,
    trace: trace.name,
    cut,
    events,
    waits: percentiles(open),
    sovereignWaits: percentiles(sovereign),
    endToEnd: percentiles(endToEnd),
    groups: readGroups(world),
    gpuHours: cloud.reduce((sum, pool) => sum + pool.gpuHours, 0),
    phi: useful > 0 ? (3600 * pools.reduce((sum, pool) => sum + pool.gpuHours, 0)) / useful : Number.NaN,
    shares: sharesOf(world.counts.filter(isCloud)),
    dollars,
    usdPerVideoSecond: dollars / video,
    launches: cloud.reduce((sum, pool) => sum + pool.launches, 0),
    cancelled: cloud.reduce((sum, pool) => sum + pool.cancelled, 0),
    preemptions: world.preemptions,
    leftPremises: world.leftPremises,
    pools,
  };
}
