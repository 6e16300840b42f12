/** What a seed decides before anything happens: who takes part, what clients want, and how bad the weather is. */
import type { PriceList } from '#core/accounts/price-list.ts';
import type { Priority } from '#core/job.ts';

/** What a job does to those who render it; told to the simulated renderer in the prompt. */
export const natures = ['healthy', 'fatal', 'fails', 'kills_child', 'kills_worker'] as const;
export type Nature = (typeof natures)[number];

/** One client's wish and how it goes about it. */
export interface Wish {
  /** First word of the prompt; names the wish in all that follows. */
  readonly name: string;
  readonly tenant: string;
  readonly steps: number;
  readonly stepMs: number;
  readonly nature: Nature;
  /** The step at which the nature shows. */
  readonly atStep: number;
  readonly priority: Priority;
  readonly startMs: number;
  readonly deadlineAfterMs: number | null;
  /** How its repetitions are told to be such. */
  readonly retries: 'key' | 'count' | 'plain';
  readonly cancelAfterMs: number | null;
  readonly deleteAfterMs: number | null;
  /** Sends an acknowledged submit again, as a proxy or a nervous user does. */
  readonly again: boolean;
}

/** Who asks for videos, and what it is entitled to. */
export interface SimTenant {
  readonly name: string;
  readonly weight: number;
  readonly maxRunning: number;
}

/** How often a call of a port goes wrong; all are chances per call or message. */
export interface Weather {
  /** Refused before the effect. */
  readonly refused: number;
  /** The effect happens and its answer is lost. */
  readonly lost: number;
  /** Takes as long as a lease or so. */
  readonly slow: number;
  /** The node dies in it. */
  readonly killed: number;
  /** A message becomes up to five. */
  readonly copied: number;
  /** Every message is there five times, and nothing else happens to it. */
  readonly allFivefold?: boolean;
  readonly dropped: number;
  /** A later message is delivered first. */
  readonly disorder: number;
  /** A write is missing from the lists for a while; up to `lagMs`. */
  readonly stale: number;
  readonly lagMs: number;
  /** A render ends with a retryable error, or its child dies. */
  readonly renderFails: number;
  /** A step takes many times as long. */
  readonly slowSteps: number;
}

/** What befalls nodes, beside the weather. */
export const calamities = [
  'kill',
  'pause',
  'suspend',
  'drain',
  'spot',
  'clock_jump',
  'outage',
  'partition',
  'disk_full',
  'child_dies',
  'scale_to_zero',
] as const;
export type Calamity = (typeof calamities)[number];

/** A world to be. */
export interface Scenario {
  readonly workers: number;
  readonly apis: number;
  readonly tenants: readonly SimTenant[];
  readonly wishes: readonly Wish[];
  /** One machine: who is dead is known at once, the clock is one, the queue is a table. */
  readonly local: boolean;
  readonly leaseSeconds: number;
  readonly progressEveryMs: number;
  readonly checkpointCadence: { readonly everySteps: number; readonly everyMs: number };
  /** Until then things go wrong. */
  readonly faultsEndMs: number;
  readonly weather: Weather;
  readonly calamities: readonly Calamity[];
  readonly calamityEveryMs: number;
  /** Wall clocks are off by up to so much, either way. */
  readonly skewMs: number;
  /** Receives after which the queue gives a message up; limits.maxReceives keeps the workers below it. */
  readonly maxReceives: number;
  /** After the end, months pass: everything must go. */
  readonly monthLater: boolean;
  /** Someone redrives the dead letters when the faults are over. */
  readonly redrive: boolean;
  /** What videos cost. */
  readonly prices: PriceList;
  /** What a tenant may commit in a month; micro-dollars, null: as much as comes. */
  readonly budget: number | null;
  /** Beyond the end of the faults, for everything to end; `TIME_GIVEN_MS` of simulate.ts when not set. */
  readonly timeGivenMs?: number;
}

/** No wind. */
export const calm: Weather = {
  refused: 0,
  lost: 0,
  slow: 0,
  killed: 0,
  copied: 0,
  dropped: 0,
  disorder: 0,
  stale: 0,
  lagMs: 0,
  renderFails: 0,
  slowSteps: 0,
};
