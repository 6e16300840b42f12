import { usableEstimate } from './fold.ts';
import { addFree, createFreeTimes, earliest, type FreeTimes, occupyEarliest } from './free-times.ts';
import { hardWait } from './horizon.ts';
import type { PlacementState, Waiting, Worker } from './types.ts';
import type { FleetView } from './view.ts';

/** Jobs that are expected to come: their times and their services [jobs]. */
export interface Expected {
  readonly times: readonly number[];
  readonly services: readonly number[];
}

const nobody: Expected = { times: [], services: [] };

/** Expects, behind a queue, half the rate of the last arrivals to go on; nothing when fewer than four are recent. */
export function expectArrivals(view: FleetView, state: PlacementState): Expected {
  if (view.open.length === 0) return nobody;
  const since = view.now - Math.max(60, view.cold);
  const { recentArrivals } = state;
  let first = recentArrivals.length;
  while (first > 0 && recentArrivals[first - 1]! > since) first--;
  const recent = recentArrivals.length - first;
  if (recent < 4) return nobody;
  const rate = (0.5 * (recent - 1)) / Math.max(5, view.now - recentArrivals[first]!);
  const count = Math.min(64, Math.floor(rate * view.cold));
  const times = Array.from({ length: count }, (_, i) => view.now + (i + 1) / rate);
  return { times, services: times.map(() => state.meanServiceSeconds) };
}

function freeAt(worker: Worker, now: number, quantile: number): number {
  if (worker.phase === 'idle') return now;
  if (worker.phase === 'busy') return Math.max(now + 1, worker.freeAtSeconds ?? 0);
  return Math.max(now + 8, worker.launchedAtSeconds + quantile);
}

/** What a wait costs beyond its target, in GPU-seconds. */
function lateCost(wait: number, target: number, cold: number, lambda: number): number {
  if (wait <= target) return 0;
  const cost = lambda * (1 + Math.min(4, (wait - target) / (target + cold)));
  return wait > hardWait(target, cold) ? cost + 1.3 * cold : cost;
}

/** Sovereign jobs go first, on owned servers only; they cost no lateness. */
function placeSovereign(view: FleetView, service: (job: Waiting) => number, owned: FreeTimes): void {
  if (owned.size === 0) return;
  for (const job of view.sovereign) {
    const seconds = service(job);
    for (let i = 0; i < job.count; i++) occupyEarliest(owned, Math.max(view.now, earliest(owned)) + seconds);
  }
}

/** What one pass assumes beside the servers. */
interface Pass {
  readonly view: FleetView;
  readonly lambda: number;
  readonly meanServiceSeconds: number;
  readonly expected: Expected;
}

/** The late cost of one assumed cold start. */
function passOnce({ view, lambda, meanServiceSeconds, expected }: Pass, owned: FreeTimes, cloud: FreeTimes): number {
  const { now, cold } = view;
  const service = (job: Waiting) => usableEstimate(job.estimateSeconds, meanServiceSeconds);
  placeSovereign(view, service, owned);
  const place = (at: number, seconds: number, free: FreeTimes): number => {
    const begin = Math.max(at, earliest(free));
    occupyEarliest(free, begin + seconds);
    return begin;
  };
  const sooner = () => (earliest(owned) <= earliest(cloud) ? owned : cloud);
  let cost = 0;
  for (const job of view.open) {
    const cloudOnly = view.cloudOnly.has(job);
    if (cloud.size === 0 && (cloudOnly || owned.size === 0)) {
      cost += job.count * (6 * lambda + 1.3 * cold);
      continue;
    }
    const target = view.waitTargetSeconds[job.tier];
    const seconds = service(job);
    for (let i = 0; i < job.count; i++) {
      const begin = place(now, seconds, cloudOnly ? cloud : sooner());
      cost += lateCost(begin - job.enqueuedAtSeconds, target, cold, lambda);
    }
  }
  const none = owned.size + cloud.size === 0;
  for (const [i, at] of expected.times.entries()) {
    const wait = none ? 0 : place(at, expected.services[i]!, sooner()) - at;
    cost += none ? 6 * lambda : lateCost(wait, view.target, cold, lambda);
  }
  return cost;
}

/** A cost to try: keep the `kept` oldest launches, add `added` servers that are ordered after `delay` seconds. */
export type Lateness = (kept: number, added: number, delay: number) => number;

/** The expected cost of late jobs in GPU-seconds, the mean over the quantiles of the cold start. */
export function createLateness(
  view: FleetView,
  state: Pick<PlacementState, 'lambda' | 'meanServiceSeconds'>,
  expected: Expected,
): Lateness {
  const pass: Pass = { view, lambda: state.lambda, meanServiceSeconds: state.meanServiceSeconds, expected };
  const { now } = view;
  return (kept, added, delay) => {
    if (view.open.length + expected.times.length === 0) return 0;
    const quantiles = kept === 0 && added === 0 ? view.coldQuantiles.slice(0, 1) : view.coldQuantiles;
    let sum = 0;
    for (const quantile of quantiles) {
      const owned = createFreeTimes(view.owned.length);
      for (const worker of view.owned) addFree(owned, freeAt(worker, now, quantile));
      const cloud = createFreeTimes(view.live + added);
      for (let i = 0; i < view.idle.length; i++) addFree(cloud, now);
      for (const worker of view.busy) addFree(cloud, freeAt(worker, now, quantile));
      for (let i = 0; i < kept; i++) addFree(cloud, freeAt(view.launching[i]!, now, quantile));
      for (let i = 0; i < added; i++) addFree(cloud, now + delay + quantile);
      sum += passOnce(pass, owned, cloud);
    }
    return sum / quantiles.length;
  };
}
