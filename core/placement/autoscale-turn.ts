/** What the controller thinks in one run: from what was read and remembered to what is to be done and remembered. Pure. */
import type { JobBrief } from '../jobs/brief.ts';
import type { RenderPace } from '../jobs/standing.ts';
import type { ResidencyClasses } from '../policy/residency.ts';
import { decide, firstState } from './decide.ts';
import { fleetLimits } from './fleet-limits.ts';
import { compactMemory, createFleetMemory, type FleetMemory, shortName } from './fleet-memory.ts';
import { planOrders, planRelease } from './fleet-orders.ts';
import { stuckSince } from './fleet-watch.ts';
import { restSeconds } from './horizon.ts';
import { type Observed, observe, type Readings } from './observe.ts';
import { isSovereign } from './route.ts';
import type { Decision, PlacementState, Pool, Tier } from './types.ts';

/** A wake-up that comes so much too early by this machine's clock is the one that was asked for. */
export const clockSeconds = 1;

/** What stays the same from run to run. */
export interface TurnTerms {
  readonly pools: readonly Pool[];
  readonly waitTargetSeconds: Readonly<Record<Tier, number>>;
  readonly classes: ResidencyClasses;
}

/** All that one run has read. */
export interface Seen {
  readonly readings: Readings;
  readonly paces: ReadonlyMap<string, RenderPace>;
}

/** All of a run that is thought and not done. */
export interface Turn {
  readonly observed: Observed;
  readonly state: PlacementState;
  readonly decision: Decision;
  readonly memory: FleetMemory;
  readonly orders: ReturnType<typeof planOrders>;
  readonly release: ReturnType<typeof planRelease>;
  /** When to look again, asked for by this run; undefined: it was asked for before, or need not be. */
  readonly wakeSeconds: number | undefined;
  /** Nothing is there and nothing new is known: not worth a write. */
  readonly isQuiet: boolean;
}

/** Thinks a run through; `stored` is what was remembered, undefined when that is lost. Pure. */
export function takeTurn(
  terms: TurnTerms,
  seen: Seen,
  news: readonly JobBrief[],
  stored: FleetMemory | undefined,
): Turn {
  const { readings, paces } = seen;
  const before = stored ?? freshMemory(terms, readings.nowMs);
  const observed = observe(readings, news, before, { ...terms, paces });
  const o = observed.observation;
  const decision = decide(o, before.placement);
  const orders = planOrders(decision, o, readings.fleet, observed.lost);
  const release = planRelease(before.held, o, readings.fleet, orders);
  const stopping = orders.filter(order => order.to < order.from);
  const isOpen = o.waiting.some(job => !isSovereign(job, o.pools));
  const isActive = isOpen || readings.fleet.some(({ desired, servers }) => desired + servers.length > 0);
  const soon = o.nowSeconds + fleetLimits.raceSeconds;
  // A job that no list shows yet must not wait for the schedule: what was asked for earlier may come later than the index does.
  const isLate = observed.isAhead && (before.wakeAt <= o.nowSeconds + clockSeconds || before.wakeAt > soon);
  const due = isLate || (isActive && before.wakeAt <= o.nowSeconds + clockSeconds);
  const wakeAt = !due ? before.wakeAt : observed.isAhead ? soon : decision.wakeAtSeconds;
  const memory = compactMemory({
    ...observed.memory,
    placement: decision.state,
    acts: before.acts + 1,
    leaving: [...new Set([...observed.memory.leaving, ...stopping.flatMap(({ stop }) => stop.map(shortName))])],
    held: [...new Set([...release.later, ...stopping.flatMap(({ keep }) => keep.map(shortName))])],
    stuckSince: stuckSince(o, observed.runningJobs, before.stuckSince),
    wakeAt,
  });
  const isStale = o.nowSeconds - before.placement.asOfSeconds >= restSeconds;
  const nothingNew =
    o.arrived.length + o.started.length + orders.length === 0 && memory.stuckSince === before.stuckSince;
  return {
    observed,
    state: before.placement,
    decision,
    memory,
    orders,
    release,
    wakeSeconds: due ? wakeAt - o.nowSeconds : undefined,
    isQuiet: stored !== undefined && !isActive && nothingNew && !isStale,
  };
}

/** The memory of a controller that knows nothing. */
export function freshMemory({ pools, waitTargetSeconds }: TurnTerms, nowMs: number): FleetMemory {
  const nothing = { waiting: [], arrived: [], started: [], workers: [], refusedAtSeconds: {} };
  // The price of a late job starts at the mean cold start of the pool that launches first.
  const { lambda } = firstState({ ...nothing, nowSeconds: nowMs / 1_000, pools, waitTargetSeconds });
  return createFleetMemory(nowMs / 1_000, lambda);
}
