import { marginalPricePerHourUsd } from '../route.ts';
import type { Pool, Started, Waiting } from '../types.ts';
import { createEventHeap, type EventHeap } from './event-heap.ts';
import { type Draw, mulberry32 } from './random.ts';
import type { Trace } from './trace.ts';

/** A simulated server. It is a `Worker` that changes in place; `job` is -1 while it has none. */
export interface SimulatedWorker {
  readonly id: string;
  readonly index: number;
  readonly poolIndex: number;
  readonly pool: string;
  readonly launchedAtSeconds: number;
  phase: 'launching' | 'idle' | 'busy' | 'draining';
  idleSinceSeconds: number;
  freeAtSeconds: number;
  job: number;
  startedJobAt: number;
  gone: boolean;
}

/** Servers of one pool by phase; a draining server is busy too. */
export interface PoolCount {
  launching: number;
  idle: number;
  busy: number;
  draining: number;
  down: boolean;
  refusedAt: number;
  launches: number;
  cancelled: number;
  gpuSeconds: number;
  busySeconds: number;
  /** Of the launches that became ready, of those that were cancelled, and what preemptions took: launches and lost steps. */
  coldSeconds: number;
  cancelledSeconds: number;
  preemptedSeconds: number;
  lostStepSeconds: number;
  dollars: number;
}

/** The state of a simulated fleet, changed in place by the event loop. */
export interface World {
  now: number;
  readonly trace: Trace;
  readonly jobs: readonly Waiting[];
  readonly pools: readonly Pool[];
  /** Pool indexes, owned first, then by price. */
  readonly poolsByPrice: readonly number[];
  readonly counts: readonly PoolCount[];
  readonly draw: Draw;
  readonly events: EventHeap;
  readonly coldStart: (draw: Draw, pool: Pool) => number;
  readonly spotLifeSeconds: number;
  readonly keptStepSeconds: number;
  readonly ownedFifo: boolean;
  /** Every server ever launched, by index; those that are up or launching, in launch order. */
  readonly workers: SimulatedWorker[];
  live: SimulatedWorker[];
  /** Job indexes, oldest first: those that may leave the premises and those that may not. */
  readonly openQueue: number[];
  readonly sovereignQueue: number[];
  /** GPU-seconds left of each job, what a preemption takes back, and when it first started (NaN before). */
  readonly remaining: Float64Array;
  readonly firstStart: Float64Array;
  readonly finish: Float64Array;
  finished: number;
  leftPremises: number;
  preemptions: number;
  /** Since the last decision; only a policy that asks for them gets them. */
  arrived: Waiting[];
  started: Started[];
}

/** What differs from one simulation to the next. */
export interface WorldSettings {
  readonly trace: Trace;
  readonly jobs: readonly Waiting[];
  readonly pools: readonly Pool[];
  readonly seed: number;
  readonly coldStart: (draw: Draw, pool: Pool) => number;
  readonly spotLifeSeconds: number;
  readonly keptStepSeconds: number;
  readonly ownedFifo: boolean;
}

/** A fleet at time 0 with nothing running; the random stream starts at the seed. */
export function createWorld(settings: WorldSettings): World {
  const { trace, pools } = settings;
  const jobs = trace.arrivals.length;
  return {
    ...settings,
    now: 0,
    poolsByPrice: pools
      .map((_, i) => i)
      .sort((a, b) => marginalPricePerHourUsd(pools[a]!) - marginalPricePerHourUsd(pools[b]!)),
    counts: pools.map(() => ({
      launching: 0,
      idle: 0,
      busy: 0,
      draining: 0,
      down: false,
      refusedAt: Number.NEGATIVE_INFINITY,
      launches: 0,
      cancelled: 0,
      gpuSeconds: 0,
      busySeconds: 0,
      coldSeconds: 0,
      cancelledSeconds: 0,
      preemptedSeconds: 0,
      lostStepSeconds: 0,
      dollars: 0,
    })),
    draw: mulberry32(settings.seed),
    events: createEventHeap(),
    workers: [],
    live: [],
    openQueue: [],
    sovereignQueue: [],
    remaining: trace.services.slice(),
    firstStart: new Float64Array(jobs).fill(Number.NaN),
    finish: new Float64Array(jobs).fill(Number.NaN),
    finished: 0,
    leftPremises: 0,
    preemptions: 0,
    arrived: [],
    started: [],
  };
}

/** Servers of a pool that are wanted: launching, idle or busy and not draining. */
export function wantedServers(count: PoolCount): number {
  return count.launching + count.idle + count.busy - count.draining;
}
