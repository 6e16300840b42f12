/**
 * The words of placement: what a scheduler sees (`Observation`), remembers (`PlacementState`) and orders (`Decision`). All of it is
 * plain JSON data, so that a logged call can be replayed bit by bit. Times are seconds of one clock.
 */

/** Where a GPU stands. */
export type Site = 'onprem' | 'cloud';

/** How soon a job is wanted. */
export type Tier = 'interactive' | 'standard' | 'batch';

/** Where a job may run. No sites, an unknown site, or an empty list of regions: nowhere. Without `regions`: in every region. */
export interface Residency {
  readonly sites: readonly Site[];
  readonly regions?: readonly string[];
}

/** Servers of one kind in one region. A `fixed` pool is owned and never scaled. */
export interface Pool {
  readonly id: string;
  readonly site: Site;
  readonly region: string;
  readonly kind: 'fixed' | 'ondemand' | 'spot';
  readonly pricePerHourUsd: number;
  readonly minServers: number;
  readonly maxServers: number;
  readonly minBilledSeconds: number;
  /** By model; a model that is absent does not fit. */
  readonly speed: Readonly<Record<string, number>>;
  /** From order to ready: three quantiles and the mean. */
  readonly coldStartSeconds: Readonly<Record<'low' | 'mid' | 'high' | 'mean', number>>;
}

/** A job in the queue, or, with `count` above 1, a bucket of neighbours. */
export interface Waiting {
  readonly id: string;
  readonly model: string;
  readonly tier: Tier;
  readonly residency: Residency;
  readonly enqueuedAtSeconds: number;
  readonly estimateSeconds: number;
  readonly count: number;
}

/** A server that is ordered or up. */
export interface Worker {
  readonly id: string;
  readonly pool: string;
  readonly phase: 'launching' | 'idle' | 'busy' | 'draining';
  readonly launchedAtSeconds: number;
  readonly idleSinceSeconds?: number;
  /** When its job is expected to end. */
  readonly freeAtSeconds?: number;
}

/** A job's first start; later attempts are not told. */
export interface Started {
  readonly jobId: string;
  readonly tier: Tier;
  readonly sovereign: boolean;
  readonly waitSeconds: number;
}

/** All that `decide` sees: `waiting` in the order of the queue, `arrived` and `started` since the state's `asOfSeconds`. */
export interface Observation {
  readonly nowSeconds: number;
  readonly waiting: readonly Waiting[];
  readonly arrived: readonly Waiting[];
  readonly started: readonly Started[];
  readonly workers: readonly Worker[];
  readonly pools: readonly Pool[];
  readonly waitTargetSeconds: Readonly<Record<Tier, number>>;
  /** When a pool last refused to launch, by pool. */
  readonly refusedAtSeconds: Readonly<Record<string, number>>;
}

/** What is learned of the k-th server of a virtual fleet: how often it is wanted again after how long an idle time. */
export interface Rank {
  readonly freeAt: number;
  readonly used: boolean;
  /** Times it was wanted again, by idle age [13]. */
  readonly events: readonly number[];
  /** Idle seconds seen, by idle age [13]. */
  readonly exposure: readonly number[];
  readonly hits: number;
  readonly spells: number;
  readonly spellAt: number;
  readonly spellHits: number;
}

/** What `decide` remembers: one item of less than 25 kB. Losing it costs money, never correctness. */
export interface PlacementState {
  readonly v: 1;
  readonly asOfSeconds: number;
  readonly day: number;
  /** The price of a late job, in GPU-seconds. */
  readonly lambda: number;
  readonly meanServiceSeconds: number;
  readonly recentArrivals: readonly number[];
  readonly ranks: readonly Rank[];
}

/** Why something was decided, for people and logs. */
export interface Reason {
  readonly code: string;
  readonly numbers: Readonly<Record<string, number>>;
}

/** Servers wanted by pool, the launches to cancel, the idle servers to stop, and when to look again at the latest. */
export interface Decision {
  readonly state: PlacementState;
  readonly desired: Readonly<Record<string, number>>;
  readonly cancel: readonly string[];
  readonly drain: readonly string[];
  readonly wakeAtSeconds: number;
  readonly reasons: readonly Reason[];
}

/** How many servers run. Pure: the same arguments give the same decision, bit by bit. */
export type Decide = (o: Observation, s: PlacementState) => Decision;

/** Which pools may run a job, best first. None: the job must fail, with these reasons. */
export type Route = (
  job: Waiting,
  o: Observation,
) => { readonly pools: readonly string[]; readonly reasons: readonly Reason[] };
