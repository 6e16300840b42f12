import { defaultTerms, type GpuOffer } from '#core/placement/cost.ts';
import {
  breakEven,
  comparePolicies,
  type OwnedRow,
  type PeerChoice,
  type PlanRow,
  pickOwned,
  sizePremises,
} from '#core/placement/plan.ts';
import type { Trace } from '#core/placement/simulation/trace.ts';
import type { Pool } from '#core/placement/types.ts';

/**
 * What `reelay plan` found; also its JSON, where NaN is null. Dollars of `sizing` are of 30 days, all others of the whole trace; times
 * are seconds. A later version may add fields; what is here keeps its name and meaning while `v` is 1.
 */
export interface PlanReport {
  readonly v: 1;
  readonly trace: {
    readonly name: string;
    readonly jobs: number;
    readonly days: number;
    /** GPU-hours of work in it. */
    readonly workHours: number;
    /** Jobs that must not leave the premises. */
    readonly sovereignJobs: number;
    /** Jobs whose service was not told: they count as the median of the others. */
    readonly missingServices: number;
    /** GPU-hours of work by the time it came. */
    readonly load: { readonly binSeconds: number; readonly workHours: readonly number[] };
  };
  readonly gpu: string;
  readonly pricePerHourUsd: number;
  readonly medianColdSeconds: number;
  readonly maxServers: number;
  readonly policies: readonly PlanRow[];
  readonly breakEvens: readonly BreakEven[];
  readonly sizing: readonly Sizing[];
  /** Sovereign jobs that ran in the cloud in any simulation; the command ends with 1 when there are any. */
  readonly leftPremises: number;
}

/** The shares of its time from which on an owned GPU is cheaper than this cloud; null: never. */
export interface BreakEven {
  readonly targetSeconds: number;
  readonly phi: number;
  readonly onDemand: number | null;
  readonly spot: number | null;
}

/** How many GPUs to own at a target; `servers` is null where no row keeps it. */
export interface Sizing {
  readonly targetSeconds: number;
  readonly servers: number | null;
  readonly rows: readonly OwnedRow[];
}

/** What to simulate. */
export interface PlanInput {
  readonly trace: Trace;
  readonly missingServices: number;
  readonly gpu: GpuOffer;
  readonly cloud: Pool;
  readonly medianColdSeconds: number;
  readonly targetsSeconds: readonly number[];
  readonly peers: PeerChoice;
  readonly foresight: boolean;
  /** Try owning up to so many GPUs. */
  readonly mostOwned: number;
  /** Told before each simulation which comes next. */
  readonly onRun: (what: string) => void;
}

const loadBins = 240;

function readLoad(trace: Trace): PlanReport['trace']['load'] {
  const end = trace.arrivals.at(-1) ?? 0;
  // Whole hours read best; a long trace gets wider bins.
  const binSeconds = 3600 * Math.max(1, Math.ceil(end / 3600 / loadBins));
  const workHours = Array.from({ length: Math.floor(end / binSeconds) + 1 }, () => 0);
  for (const [i, at] of trace.arrivals.entries()) workHours[Math.floor(at / binSeconds)]! += trace.services[i]! / 3600;
  return { binSeconds, workHours };
}

/** Runs every simulation of a plan: policies at each target, then owned GPUs at the middle one. */
export function makePlan(input: PlanInput): PlanReport {
  const { trace, gpu, cloud, medianColdSeconds, targetsSeconds, peers, foresight, mostOwned } = input;
  const onRun = (done: number, total: number, next: string) => input.onRun(`${done + 1} of ${total}, ${next}`);
  const policies = comparePolicies(trace, cloud, { targetsSeconds, peers, foresight, medianColdSeconds, onRun });
  const owned: Pool = { ...cloud, id: 'owned', site: 'onprem', region: 'home', kind: 'fixed', minBilledSeconds: 0 };
  const targetSeconds = targetsSeconds.toSorted((a, b) => a - b)[Math.floor(targetsSeconds.length / 2)]!;
  const rows = sizePremises(trace, {
    cloud: [cloud],
    owned,
    gpu,
    terms: defaultTerms,
    targetSeconds,
    mostServers: mostOwned,
    medianColdSeconds,
    onRun,
  });
  const breakEvens = policies.flatMap((row): BreakEven[] => {
    if (row.kind !== 'horizon' || row.outcome.cut) return [];
    const { phi } = row.outcome;
    const price = cloud.pricePerHourUsd;
    const onDemand = breakEven(gpu, defaultTerms, price, phi) ?? null;
    const spot = breakEven(gpu, defaultTerms, price * gpu.spotShare, phi) ?? null;
    return [{ targetSeconds: row.targetSeconds!, phi, onDemand, spot }];
  });
  const outcomes = [...policies, ...rows].map(row => row.outcome);
  return {
    v: 1,
    trace: {
      name: trace.name,
      jobs: trace.arrivals.length,
      days: (trace.arrivals.at(-1) ?? 0) / 86_400,
      workHours: trace.services.reduce((sum, seconds) => sum + seconds, 0) / 3600,
      sovereignJobs: trace.sovereign?.reduce((sum, mark) => sum + mark, 0) ?? 0,
      missingServices: input.missingServices,
      load: readLoad(trace),
    },
    gpu: gpu.name,
    pricePerHourUsd: cloud.pricePerHourUsd,
    medianColdSeconds,
    maxServers: cloud.maxServers,
    policies,
    breakEvens,
    sizing: rows.length === 0 ? [] : [{ targetSeconds, servers: pickOwned(rows)?.servers ?? null, rows }],
    leftPremises: outcomes.reduce((sum, outcome) => sum + outcome.leftPremises, 0),
  };
}
