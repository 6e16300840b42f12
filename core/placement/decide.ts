/** The policy `horizon`: the fewest GPU-seconds for which 95 % of the jobs start within their target. */
import { advance, arrive, createPlacementState, type StateDraft, start, usableEstimate } from './fold.ts';
import { heldServers } from './hold.ts';
import { hardWait, refusalSeconds, restSeconds, wakeSeconds } from './horizon.ts';
import { createLateness, expectArrivals } from './lateness.ts';
import { allowed, isSovereign } from './route.ts';
import { pickCancelled, scaleOut } from './scale.ts';
import type { Decide, Observation, PlacementState, Pool, Reason, Waiting, Worker } from './types.ts';
import { cloudPools, type FleetView, viewFleet } from './view.ts';

/** The cheapest cloud pool that has not refused lately and may run the oldest job that may leave; the dearest when all refused. */
function pickLaunchPool(o: Observation): Pool | undefined {
  const oldest = o.waiting.find(job => !isSovereign(job, o.pools));
  const pools = cloudPools(o).filter(pool => oldest === undefined || allowed(oldest, pool));
  const willing = (pool: Pool) =>
    o.nowSeconds - (o.refusedAtSeconds[pool.id] ?? Number.NEGATIVE_INFINITY) >= refusalSeconds;
  return pools.find(willing) ?? pools.at(-1);
}

/**
 * The observation with no job older than its hard wait H. What a late job costs stops growing some time after its target, and what
 * costs nothing to put off is put off: a queue that is later than that would never bring a first server, nor a second one. What was
 * waited beyond H is lost whatever is decided, so the cost of a wait counts from there and still grows with each second from now on.
 */
function forgiveBeyondHardWait(o: Observation, cold: number): Observation {
  const earliest = (job: Waiting) => o.nowSeconds - hardWait(o.waitTargetSeconds[job.tier], cold);
  if (o.waiting.every(job => job.enqueuedAtSeconds >= earliest(job))) return o;
  const enqueuedAt = (job: Waiting) => Math.max(job.enqueuedAtSeconds, earliest(job));
  return { ...o, waiting: o.waiting.map(job => ({ ...job, enqueuedAtSeconds: enqueuedAt(job) })) };
}

function foldObservation(o: Observation, s: PlacementState, view: FleetView): StateDraft {
  const state: StateDraft = { ...s, ranks: [...s.ranks] };
  const settings = { coldSeconds: view.cold, targetSeconds: view.target, ownedServers: view.owned.length };
  for (const job of o.arrived) {
    const sovereign = isSovereign(job, o.pools);
    for (let i = 0; i < job.count; i++) {
      const estimate = usableEstimate(job.estimateSeconds, state.meanServiceSeconds);
      arrive(state, job.enqueuedAtSeconds, estimate, settings, sovereign);
    }
  }
  advance(state, o.nowSeconds);
  for (const job of o.started) {
    if (!job.sovereign) start(state, job.waitSeconds, o.waitTargetSeconds[job.tier], view.cold);
  }
  return state;
}

/** Spreads a number of servers over the pools: those that are there stay where they are, new ones go to `launchPool`. */
function spread(o: Observation, view: FleetView, keep: number, added: number, launchPool: Pool | undefined) {
  const desired: Record<string, number> = {};
  const count = (pool: Pool, workers: readonly Worker[]) => workers.filter(worker => worker.pool === pool.id).length;
  let surplus = view.live - keep;
  // On-demand costs most, so it stops first.
  for (const pool of [...cloudPools(o)].reverse()) {
    const live = count(pool, view.idle) + count(pool, view.busy) + count(pool, view.launching);
    const loose = Math.min(surplus, live - count(pool, view.busy));
    surplus -= loose;
    desired[pool.id] = live - loose + (pool === launchPool ? added : 0);
  }
  return desired;
}

/** The longest idle servers of each pool above its wish, once the cancelled launches are gone. */
function pickStopped(view: FleetView, desired: Readonly<Record<string, number>>, cancelled: readonly Worker[]) {
  const stopped: string[] = [];
  for (const [pool, wish] of Object.entries(desired)) {
    const mine = (workers: readonly Worker[]) => workers.filter(worker => worker.pool === pool);
    const idle = mine(view.idle).sort((a, b) => (a.idleSinceSeconds ?? 0) - (b.idleSinceSeconds ?? 0));
    const live = idle.length + mine(view.busy).length + mine(view.launching).length - mine(cancelled).length;
    for (const worker of idle.slice(0, Math.max(0, live - wish))) stopped.push(worker.id);
  }
  return stopped;
}

/** How many cloud servers run in each pool. Pure, total, and the same bit by bit for the same arguments. */
export const decide: Decide = (o, s) => {
  const launchPool = pickLaunchPool(o);
  const view = viewFleet(forgiveBeyondHardWait(o, launchPool?.coldStartSeconds.mean ?? 0), launchPool);
  const state = foldObservation(o, s, view);
  const late = createLateness(view, state, expectArrivals(view, state));
  const dearest = cloudPools(o).at(-1)?.pricePerHourUsd ?? 0;
  const ratio = launchPool === undefined || dearest === 0 ? 1 : launchPool.pricePerHourUsd / dearest;
  const settings = { priceRatio: ratio, wakeAgeSeconds: 0.9 * view.target, lazy: view.target > view.cold };
  const added = launchPool === undefined ? 0 : scaleOut(view, late, settings);
  const cancelled = added > 0 ? [] : pickCancelled(view, late);
  const held = heldServers(view, state);
  const launches = view.launching.length - cancelled.length;
  const kept = Math.max(view.busy.length + launches, Math.min(view.live - cancelled.length, Math.max(view.min, held)));
  const missing = Math.max(0, view.min - view.live - added);
  const desired = spread(o, view, added > 0 ? view.live : kept, added + missing, launchPool);
  const reasons: Reason[] = [
    {
      code: added > 0 ? 'launch' : cancelled.length > 0 ? 'cancel' : 'hold',
      numbers: { added, held, live: view.live },
    },
  ];
  const active = o.waiting.length > 0 || o.workers.length > 0;
  return {
    state,
    desired,
    cancel: cancelled.map(worker => worker.id),
    drain: added > 0 ? [] : pickStopped(view, desired, cancelled),
    wakeAtSeconds: o.nowSeconds + (active ? wakeSeconds : restSeconds),
    reasons,
  };
};

/** The state before anything happened, for pools as they are now. */
export function firstState(o: Observation): PlacementState {
  return createPlacementState(pickLaunchPool(o)?.coldStartSeconds.mean ?? 0);
}
