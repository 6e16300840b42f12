/** What a fleet would cost on a trace: policies side by side, and how many GPUs to own. Pure; production's own `decide` is simulated. */
import { breakEvenUtilization, type GpuOffer, type OwnershipTerms, ownedUsdPerHour } from './cost.ts';
import { clairvoyantGrid } from './peers/clairvoyant.ts';
import { allPeers } from './peers/grid.ts';
import type { Policy } from './simulation/controller.ts';
import type { Outcome } from './simulation/outcome.ts';
import { horizon } from './simulation/scheduled.ts';
import { simulate } from './simulation/simulate.ts';
import { keepJobs, type Trace } from './simulation/trace.ts';
import type { Pool } from './types.ts';

/** A policy's outcome; on the frontier no other that can be had waits less at p95 for less money. */
export interface PlanRow {
  readonly policy: string;
  /** Of horizon and of foresight, the target p95 of waiting, in seconds. */
  readonly targetSeconds?: number;
  /** Foresight knows what will come: a yardstick that nobody can have. */
  readonly kind: 'horizon' | 'peer' | 'foresight';
  readonly frontier: boolean;
  /** Dollars above the cheapest row, foresight among them, that waits no longer at p95 (by half a percent). */
  readonly regretUsd: number;
  readonly outcome: Outcome;
}

/** Owning `servers` GPUs next to the cloud at one target; dollars of 30 days. */
export interface OwnedRow {
  readonly servers: number;
  readonly cloudUsd: number;
  readonly ownedUsd: number;
  readonly totalUsd: number;
  /** Share of their time that the owned GPUs work. */
  readonly utilization: number;
  /** Both kinds of jobs, those that must stay too, keep the target at p95, by 2 %. */
  readonly keepsTarget: boolean;
  readonly outcome: Outcome;
}

/** Which policies stand beside horizon: none, each peer as it comes, or all their settings. */
export type PeerChoice = 'none' | 'defaults' | 'all';

/** Told before each simulation: how many are done, of how many, and which comes next. */
export type OnRun = (done: number, total: number, next: string) => void;

/** What all simulations of a plan share. */
export interface PlanSettings {
  readonly targetsSeconds: readonly number[];
  readonly peers: PeerChoice;
  /** Also the cheapest planner with foresight at each target: twelve simulations a target. */
  readonly foresight?: boolean;
  /** Of the simulated launches; 120 s where absent. */
  readonly medianColdSeconds?: number;
  readonly onRun?: OnRun;
}

/** A simulation of a plan is cut when its decisions looked at so many waiting jobs: half a minute of work, a fleet far too small. */
const mostWork = 5e7;
/** A percentile meets a target within this. */
const tolerance = 1.02;

function choosePeers(choice: PeerChoice): readonly Policy[] {
  if (choice === 'none') return [];
  return allPeers().flatMap(peer =>
    choice === 'all' ? peer.grid : peer.byDefault === undefined ? [] : [peer.byDefault],
  );
}

type Run = Omit<PlanRow, 'frontier' | 'regretUsd'>;

/** Marks the rows that no other beats in both wait and money, and their regret. Runs that were cut are never on the frontier. */
function compareRows(rows: readonly Run[]): readonly PlanRow[] {
  const ended = rows.filter(row => !row.outcome.cut);
  const beats = (a: Outcome, b: Outcome) =>
    a.waits.p95 <= b.waits.p95 && a.dollars <= b.dollars && (a.waits.p95 < b.waits.p95 || a.dollars < b.dollars);
  return rows.map(row => {
    const { outcome, kind } = row;
    const real = ended.filter(other => other.kind !== 'foresight');
    const asFast = ended.filter(other => other.outcome.waits.p95 <= 1.005 * outcome.waits.p95);
    const least = asFast.reduce((least, other) => Math.min(least, other.outcome.dollars), outcome.dollars);
    return {
      ...row,
      frontier: kind !== 'foresight' && !outcome.cut && !real.some(other => beats(other.outcome, outcome)),
      regretUsd: outcome.dollars - least,
    };
  });
}

/** Horizon at each target, foresight where wanted, and the peers, on one cloud pool. Sovereign jobs are left out: no cloud serves them. */
export function comparePolicies(trace: Trace, pool: Pool, settings: PlanSettings): readonly PlanRow[] {
  const { targetsSeconds, peers, foresight = false, medianColdSeconds = 120, onRun } = settings;
  const open = withoutSovereign(trace);
  if (open.arrivals.length === 0) return [];
  const others = choosePeers(peers);
  const cold = pool.coldStartSeconds.mean;
  const planners = (target: number) => (foresight ? clairvoyantGrid(open, target, cold) : []);
  const total = others.length + targetsSeconds.reduce((sum, target) => sum + 1 + planners(target).length, 0);
  let done = 0;
  const run = (policy: Policy, fixedColdSeconds?: number) => {
    onRun?.(done++, total, policy.name);
    const fixed = fixedColdSeconds === undefined ? { medianColdSeconds } : { fixedColdSeconds };
    return simulate({ trace: open, pools: [pool], policy, maxWork: mostWork, ...fixed });
  };
  const rows: Run[] = [];
  for (const targetSeconds of targetsSeconds) {
    const policy = horizon(targetSeconds);
    const outcome = run(policy);
    rows.push({ policy: policy.name, kind: 'horizon', targetSeconds, outcome });
    const fair = planners(targetSeconds)
      .map(planner => run(planner, cold))
      .filter(other => !other.cut && other.waits.p95 <= 1.005 * outcome.waits.p95)
      .sort((a, b) => a.dollars - b.dollars);
    const best = fair[0];
    if (best !== undefined) {
      rows.push({ policy: `foresight D=${targetSeconds}`, kind: 'foresight', targetSeconds, outcome: best });
    }
  }
  for (const policy of others) rows.push({ policy: policy.name, kind: 'peer', outcome: run(policy) });
  return compareRows(rows);
}

/** The jobs that may leave the premises. */
export function withoutSovereign(trace: Trace): Trace {
  return keepJobs(trace, job => trace.sovereign?.[job] !== 1);
}

/** Settings of `sizePremises`: the cloud beside it, the GPU to own, and what owning costs. */
export interface SizingSettings {
  readonly cloud: readonly Pool[];
  readonly owned: Pool;
  readonly gpu: GpuOffer;
  readonly terms: OwnershipTerms;
  readonly targetSeconds: number;
  readonly mostServers: number;
  /** Of the simulated launches; 120 s where absent. */
  readonly medianColdSeconds?: number;
  readonly onRun?: OnRun;
}

const hoursOfMonth = 720;

/** The cost of 30 days with 0, 1, 2 ... owned GPUs. With sovereign jobs it begins at one: without, they would never run. */
export function sizePremises(trace: Trace, settings: SizingSettings): readonly OwnedRow[] {
  const { cloud, owned, gpu, terms, targetSeconds, mostServers, medianColdSeconds = 120, onRun } = settings;
  const hours = (trace.arrivals.at(-1) ?? 0) / 3600;
  const least = trace.sovereign?.includes(1) ? 1 : 0;
  const rows: OwnedRow[] = [];
  for (let servers = least; servers <= mostServers && hours > 0; servers++) {
    onRun?.(servers - least, mostServers + 1 - least, `${servers} owned`);
    const pools = servers === 0 ? cloud : [{ ...owned, minServers: servers, maxServers: servers }, ...cloud];
    const outcome = simulate({ trace, pools, policy: horizon(targetSeconds), medianColdSeconds, maxWork: mostWork });
    const busyHours = servers === 0 ? 0 : outcome.pools[0]!.busyHours;
    const utilization = servers === 0 ? 0 : busyHours / outcome.pools[0]!.gpuHours;
    const ownedUsd = servers * hoursOfMonth * ownedUsdPerHour(gpu, terms, utilization);
    const cloudUsd = (outcome.dollars * hoursOfMonth) / hours;
    const late = [outcome.waits.p95, outcome.sovereignWaits.p95].some(wait => wait > tolerance * targetSeconds);
    const keepsTarget = !outcome.cut && !late;
    rows.push({ servers, cloudUsd, ownedUsd, totalUsd: cloudUsd + ownedUsd, utilization, keepsTarget, outcome });
  }
  return rows;
}

/** How many GPUs to own: the cheapest row that keeps the target; undefined where none does. */
export function pickOwned(rows: readonly OwnedRow[]): OwnedRow | undefined {
  return rows.filter(row => row.keepsTarget).sort((a, b) => a.totalUsd - b.totalUsd)[0];
}

/** The utilization above which an owned GPU beats a cloud that bills `phi` times what it uses; undefined: never. */
export function breakEven(gpu: GpuOffer, terms: OwnershipTerms, pricePerHourUsd: number, phi: number) {
  return breakEvenUtilization(gpu, terms, pricePerHourUsd * phi);
}
