/**
 * What the controller remembers from one run to the next: one key value entry below 25 kB. Losing it costs money, never a job: the jobs
 * are in their records and the servers in the fleet.
 */

import { z } from 'zod';
import { fleetLimits } from './fleet-limits.ts';
import { createPlacementState } from './fold.ts';
import { binEdges, rankCount, secondsPerDay } from './horizon.ts';
import type { PlacementState } from './types.ts';

/** Times are seconds of the wall clock; servers and jobs are named by `shortName`. */
export interface FleetMemory {
  readonly v: 1;
  /** What the policy has learned. */
  readonly placement: PlacementState;
  /** Arrivals and starts that `placement` knows: what is named here, and all up to `foldedUntil`. */
  readonly folded: readonly Folded[];
  readonly foldedUntil: number;
  /** Since when a pool has fewer servers than it shall have. */
  readonly missingSince: Readonly<Record<string, number>>;
  readonly refusedAt: Readonly<Record<string, number>>;
  readonly idleSince: Readonly<Record<string, number>>;
  /** Since when a server has a machine and nobody heard of its worker. */
  readonly silentSince: Readonly<Record<string, number>>;
  /** Servers that were told to go. */
  readonly leaving: readonly string[];
  /** Servers that were protected while others were stopped. */
  readonly held: readonly string[];
  /** Running jobs whose worker is not there. */
  readonly ownerlessSince: Readonly<Record<string, number>>;
  readonly stuckSince: number | null;
  /** Runs that acted so far. */
  readonly acts: number;
  /** When the last wake-up that was asked for is to come. */
  readonly wakeAt: number;
}

/** One arrival (`a` and the end of the job's id) or first start (`s`), and when it was. */
export type Folded = readonly [token: string, atSeconds: number];

/** How an arrival is remembered. */
export function arrivalToken(id: string): string {
  return `a${shortName(id)}`;
}

/** How a first start is remembered. */
export function startToken(id: string): string {
  return `s${shortName(id)}`;
}

/** Where it is kept. */
export const memoryKey = { space: 'placement/fleet', name: 'memory' } as const;

/** The memory of a controller that knows nothing yet; `coldSeconds` is the mean cold start of the pool that launches first. */
export function createFleetMemory(nowSeconds: number, coldSeconds: number): FleetMemory {
  const blank = createPlacementState(coldSeconds);
  // No idle time before now was seen by anyone.
  const ranks = blank.ranks.map(rank => ({ ...rank, freeAt: nowSeconds }));
  return {
    v: 1,
    placement: { ...blank, asOfSeconds: nowSeconds, day: Math.floor(nowSeconds / secondsPerDay), ranks },
    folded: [],
    foldedUntil: 0,
    missingSince: {},
    refusedAt: {},
    idleSince: {},
    silentSince: {},
    leaving: [],
    held: [],
    ownerlessSince: {},
    stuckSince: null,
    acts: 0,
    wakeAt: 0,
  };
}

const times = z.record(z.string(), z.number());
const names = z.array(z.string());
const byAge = z.array(z.number()).length(binEdges.length);
const rank = z.object({
  freeAt: z.number(),
  used: z.boolean(),
  events: byAge,
  exposure: byAge,
  hits: z.number(),
  spells: z.number(),
  spellAt: z.number(),
  spellHits: z.number(),
});
const placement = z.object({
  v: z.literal(1),
  asOfSeconds: z.number(),
  day: z.number(),
  lambda: z.number(),
  meanServiceSeconds: z.number(),
  recentArrivals: z.array(z.number()),
  ranks: z.array(rank).length(rankCount),
});
const schema: z.ZodType<FleetMemory> = z.object({
  v: z.literal(1),
  placement,
  folded: z.array(z.tuple([z.string(), z.number()])),
  foldedUntil: z.number(),
  missingSince: times,
  refusedAt: times,
  idleSince: times,
  silentSince: times,
  leaving: names,
  held: names,
  ownerlessSince: times,
  stuckSince: z.number().nullable(),
  acts: z.number(),
  wakeAt: z.number(),
});

/**
 * The stored value as a memory; undefined for one that lacks anything, which counts as lost. A memory that is half there would end each
 * run with a TypeError, and the controller with it, until someone removes the entry by hand.
 */
export function readFleetMemory(value: unknown): FleetMemory | undefined {
  return schema.safeParse(value).data;
}

/** A server's or a job's name as it is remembered: 48 bits and more of it are random, which tells all of a fleet apart. */
export function shortName(id: string): string {
  return id.slice(-12);
}

/** The memory as it is stored: learned numbers to six digits, times to milliseconds, and in all no more than its bytes. */
export function compactMemory(memory: FleetMemory): FleetMemory {
  let compact: FleetMemory = {
    ...memory,
    placement: compactState(memory.placement),
    idleSince: oldestOf(memory.idleSince, fleetLimits.maxIdleKept),
    silentSince: oldestOf(memory.silentSince, fleetLimits.maxSilent),
    ownerlessSince: oldestOf(memory.ownerlessSince, fleetLimits.maxOwnerless),
    leaving: memory.leaving.slice(0, fleetLimits.maxNamed),
    held: memory.held.slice(0, fleetLimits.maxNamed),
  };
  // What is learned is worth more than the names: these are only there against learning or ordering twice.
  while (JSON.stringify(compact).length > fleetLimits.maxMemoryBytes) {
    const { folded, leaving, held, idleSince } = compact;
    const dropped = folded.slice(0, Math.ceil(folded.length / 5));
    if (dropped.length > 0) {
      const foldedUntil = Math.max(compact.foldedUntil, dropped.at(-1)![1]);
      compact = { ...compact, folded: folded.slice(dropped.length), foldedUntil };
    } else if (leaving.length + held.length + Object.keys(idleSince).length > 0) {
      const half = { leaving: leaving.slice(0, leaving.length >> 1), held: held.slice(0, held.length >> 1) };
      compact = { ...compact, ...half, idleSince: oldestOf(idleSince, Object.keys(idleSince).length >> 1) };
    } else break;
  }
  return compact;
}

function compactState(placement: PlacementState): PlacementState {
  const ranks = placement.ranks.map(rank => ({
    ...rank,
    freeAt: milli(rank.freeAt),
    spellAt: milli(rank.spellAt),
    events: rank.events.map(six),
    exposure: rank.exposure.map(six),
    hits: six(rank.hits),
    spells: six(rank.spells),
    spellHits: six(rank.spellHits),
  }));
  return {
    ...placement,
    asOfSeconds: milli(placement.asOfSeconds),
    lambda: six(placement.lambda),
    meanServiceSeconds: six(placement.meanServiceSeconds),
    recentArrivals: placement.recentArrivals.map(milli),
    ranks,
  };
}

/** Remembers what was folded; what no longer fits moves the line below which all counts as folded. */
export function noteFolded(memory: FleetMemory, added: readonly Folded[]): Pick<FleetMemory, 'folded' | 'foldedUntil'> {
  const all = [...memory.folded, ...added].sort((a, b) => a[1] - b[1] || (a[0] < b[0] ? -1 : 1));
  const dropped = all.slice(0, Math.max(0, all.length - fleetLimits.maxFolded));
  const foldedUntil = Math.max(memory.foldedUntil, dropped.at(-1)?.[1] ?? 0);
  return { folded: all.slice(dropped.length), foldedUntil };
}

function oldestOf(since: Readonly<Record<string, number>>, most: number): Readonly<Record<string, number>> {
  const sorted = Object.entries(since).sort((a, b) => a[1] - b[1] || (a[0] < b[0] ? -1 : 1));
  return Object.fromEntries(sorted.slice(0, most));
}

// Most ranks of most fleets were never used, and every look comes by here.
const six = (value: number) => (value === 0 ? 0 : Number(value.toPrecision(6)));
const milli = (value: number) => Math.round(value * 1_000) / 1_000;
