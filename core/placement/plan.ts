/** What a fleet would cost on a trace: policies side by side, and how many GPUs to own. Pure; production's own `decide` is simulated. */
import { breakEvenUtilization, type GpuOffer, type OwnershipTerms, ownedUsdPerUsefulHour } from './cost.ts';
import { allPeers } from './peers/grid.ts';
import type { Policy } from './simulation/controller.ts';
import type { Outcome } from './simulation/outcome.ts';
import { horizon } from './simulation/scheduled.ts';
import { simulate } from './simulation/simulate.ts';
import type { Trace } from './simulation/trace.ts';
import type { Pool } from './types.ts';

/** A policy's outcome; on the frontier no other waits less at p95 for less money. */
export interface PlanRow {
  readonly policy: string;
  /** Of horizon, its target p95 of waiting, in seconds. */
  readonly targetSeconds?: number;
  readonly frontier: boolean;
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
  readonly outcome: Outcome;
}

/** Which policies stand beside horizon: none, each peer as it comes, or all their settings. */
export type PeerChoice = 'none' | 'defaults' | 'all';

function choosePeers(choice: PeerChoice): readonly Policy[] {
  if (choice === 'none') return [];
  return allPeers().flatMap(peer =>
    choice === 'all' ? peer.grid : peer.byDefault === undefined ? [] : [peer.byDefault],
  );
}

/** Marks the rows that no other beats in both wait and money. Runs that were cut are never on the frontier. */
function markFrontier(rows: readonly Omit<PlanRow, 'frontier'>[]): readonly PlanRow[] {
  const beats = (a: Outcome, b: Outcome) =>
    !a.cut &&
    a.waits.p95 <= b.waits.p95 &&
    a.dollars <= b.dollars &&
    (a.waits.p95 < b.waits.p95 || a.dollars < b.dollars);
  return rows.map(row => ({
    ...row,
    frontier: !row.outcome.cut && !rows.some(other => beats(other.outcome, row.outcome)),
  }));
}

/** Horizon at each target, and the peers, on one cloud pool. Sovereign jobs are left out: no cloud serves them. */
export function comparePolicies(
  trace: Trace,
  pool: Pool,
  targetsSeconds: readonly number[],
  peers: PeerChoice,
  medianColdSeconds = 120,
): readonly PlanRow[] {
  const open = withoutSovereign(trace);
  if (open.arrivals.length === 0) return [];
  const run = (policy: Policy) => simulate({ trace: open, pools: [pool], policy, medianColdSeconds });
  const ours = targetsSeconds.map(targetSeconds => {
    const policy = horizon(targetSeconds);
    return { policy: policy.name, targetSeconds, outcome: run(policy) };
  });
  return markFrontier([...ours, ...choosePeers(peers).map(policy => ({ policy: policy.name, outcome: run(policy) }))]);
}

/** The jobs that may leave the premises. */
export function withoutSovereign(trace: Trace): Trace {
  const { sovereign } = trace;
  const stays = (_: number, i: number) => sovereign?.[i] !== 1;
  return { name: trace.name, arrivals: trace.arrivals.filter(stays), services: trace.services.filter(stays) };
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
}

const hoursOfMonth = 720;

/** The cost of 30 days with 0, 1, 2 ... owned GPUs. With sovereign jobs it begins at one: without, they would never run. */
export function sizePremises(trace: Trace, settings: SizingSettings): readonly OwnedRow[] {
  const { cloud, owned, gpu, terms, targetSeconds, mostServers, medianColdSeconds = 120 } = settings;
  const hours = (trace.arrivals.at(-1) ?? 0) / 3600;
  const least = trace.sovereign?.includes(1) ? 1 : 0;
  const rows: OwnedRow[] = [];
  for (let servers = least; servers <= mostServers && hours > 0; servers++) {
    const pools = servers === 0 ? cloud : [{ ...owned, minServers: servers, maxServers: servers }, ...cloud];
    const outcome = simulate({ trace, pools, policy: horizon(targetSeconds), medianColdSeconds });
    const busyHours = servers === 0 ? 0 : outcome.pools[0]!.busyHours;
    const utilization = servers === 0 ? 0 : busyHours / outcome.pools[0]!.gpuHours;
    const ownedUsd =
      utilization === 0 ? 0 : servers * hoursOfMonth * utilization * ownedUsdPerUsefulHour(gpu, terms, utilization);
    const cloudUsd = (outcome.dollars * hoursOfMonth) / hours;
    rows.push({ servers, cloudUsd, ownedUsd, totalUsd: cloudUsd + ownedUsd, utilization, outcome });
  }
  return rows;
}

/** The utilization above which an owned GPU beats a cloud that bills `phi` times what it uses; undefined: never. */
export function breakEven(gpu: GpuOffer, terms: OwnershipTerms, pool: Pool, phi: number): number | undefined {
  return breakEvenUtilization(gpu, terms, pool.pricePerHourUsd * phi);
}
