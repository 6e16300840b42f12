import { clairvoyantGrid } from '#core/placement/peers/clairvoyant.ts';
import { allPeers } from '#core/placement/peers/grid.ts';
import { hybridGrid } from '#core/placement/peers/hybrid-rules.ts';
import type { Policy } from '#core/placement/simulation/controller.ts';
import type { Outcome } from '#core/placement/simulation/outcome.ts';
import { mulberry32 } from '#core/placement/simulation/random.ts';
import { horizon } from '#core/placement/simulation/scheduled.ts';
import { simulate } from '#core/placement/simulation/simulate.ts';
import { cutTrace, markSovereign, type Trace } from '#core/placement/simulation/trace.ts';
import type { Pool } from '#core/placement/types.ts';
import { cloudPool, ownedPool, spotPool } from './pools.ts';

/** A target is met within 2 %. */
export function meets(outcome: Outcome, target: number): boolean {
  return !outcome.cut && outcome.waits.p95 <= 1.02 * target;
}

/** The outcome of least cost, or undefined of none. */
export function cheapest(outcomes: readonly Outcome[], cost: (outcome: Outcome) => number): Outcome | undefined {
  return outcomes.toSorted((a, b) => cost(a) - cost(b))[0];
}

/** What a table changes of the world: the seed and the median cold start, 1 and 120 s where absent. */
export interface Conditions {
  readonly seed?: number;
  readonly medianColdSeconds?: number;
}

/** One run on the cloud pool; what the pool says of its cold starts follows their median. */
export function runCloud(trace: Trace, policy: Policy, conditions: Conditions = {}): Outcome {
  const { low, mid, high, mean } = cloudPool.coldStartSeconds;
  const scale = (conditions.medianColdSeconds ?? mid) / mid;
  const coldStartSeconds = { low: scale * low, mid: scale * mid, high: scale * high, mean: scale * mean };
  return simulate({ trace, pools: [{ ...cloudPool, coldStartSeconds }], policy, ...conditions });
}

/** All settings of all peers on a trace, by the peer's name. */
export function runPeers(trace: Trace, conditions: Conditions = {}): ReadonlyMap<string, readonly Outcome[]> {
  return new Map(allPeers().map(peer => [peer.name, peer.grid.map(policy => runCloud(trace, policy, conditions))]));
}

/** Each peer as it comes. */
export function runDefaults(trace: Trace): ReadonlyMap<string, Outcome> {
  return new Map(
    allPeers().flatMap(peer => (peer.byDefault === undefined ? [] : [[peer.name, runCloud(trace, peer.byDefault)]])),
  );
}

export function runHorizon(trace: Trace, target: number, conditions: Conditions = {}): Outcome {
  return runCloud(trace, horizon(target), conditions);
}

/** Horizon at its target or, where there it waits too long, at a lower one: 1 % down at a time. */
export function runMeeting(
  trace: Trace,
  target: number,
  conditions: Conditions = {},
  policy: (target: number) => Policy = horizon,
): Outcome | undefined {
  return firstMeeting(target, lower => runCloud(trace, policy(lower), conditions));
}

function firstMeeting(target: number, run: (target: number) => Outcome): Outcome | undefined {
  for (let share = 1; share > 0.5; share -= 0.01) {
    const outcome = run(share * target);
    if (meets(outcome, target)) return outcome;
  }
  return undefined;
}

/** The cheapest planner with foresight whose jobs wait no longer than the policy's. */
export function runClairvoyant(trace: Trace, policy: Outcome, target: number): Outcome | undefined {
  const cold = cloudPool.coldStartSeconds.mean;
  const outcomes = clairvoyantGrid(trace, target, cold).map(planner =>
    simulate({ trace, pools: [cloudPool], policy: planner, fixedColdSeconds: cold }),
  );
  const fair = outcomes.filter(outcome => outcome.waits.p95 <= 1.005 * policy.waits.p95);
  return cheapest(fair, outcome => outcome.gpuHours);
}

/** A trace with three of ten jobs sovereign; of S its first 12 days. */
export function hybridTrace(trace: Trace): Trace {
  const marked = markSovereign(trace, mulberry32(5), 0.3);
  return trace.name === 'S' ? cutTrace(marked, 12 * 86_400) : marked;
}

export interface HybridRuns {
  readonly rules: readonly Outcome[];
  /** `fair`: on demand at a target low enough that the wanted one is kept; what is compared with the rules. */
  readonly byTarget: ReadonlyMap<
    number,
    { readonly ondemand: Outcome; readonly fair: Outcome; readonly spot: Outcome }
  >;
}

/** Horizon next to owned servers, on demand and with Spot, and the rules. */
export function runHybrid(trace: Trace, owned: number, targets: readonly number[]): HybridRuns {
  const run = (policy: Policy, cloud: readonly Pool[]) =>
    simulate({ trace, pools: [ownedPool(owned), ...cloud], policy });
  return {
    rules: hybridGrid().map(policy => run(policy, [cloudPool])),
    byTarget: new Map(
      targets.map(target => {
        const ondemand = run(horizon(target), [cloudPool]);
        const lower = () => firstMeeting(target, at => run(horizon(at), [cloudPool]));
        const fair = meets(ondemand, target) ? ondemand : (lower() ?? ondemand);
        return [target, { ondemand, fair, spot: run(horizon(target), [spotPool, cloudPool]) }];
      }),
    ),
  };
}
