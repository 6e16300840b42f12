/**
 * What the policy learns. The state folds arrivals and first starts only, so a snapshot and the later events rebuild it. The idle
 * times are those of a virtual fleet with no cold starts: which server would have been wanted again, after how long.
 */
import {
  arrivalsKept,
  binEdges,
  binOf,
  firstServiceSeconds,
  forgettingDays,
  lambdaCeilingColds,
  lambdaFloor,
  lateBudget,
  lateGain,
  rankCount,
  secondsPerDay,
  serviceGain,
} from './horizon.ts';
import type { PlacementState, Rank } from './types.ts';

/** What the fold needs to know of the fleet and of the promise. */
export interface FoldSettings {
  /** Mean cold start, C. */
  readonly coldSeconds: number;
  /** Target of the 95th percentile of waiting, D. */
  readonly targetSeconds: number;
  /** Ranks below this are owned servers. */
  readonly ownedServers: number;
}

/** A rank under change. */
export type RankDraft = { -readonly [K in keyof Rank]: Rank[K] };

/** A state under change. Ranks are replaced, never changed: unchanged ones are shared with the state before. */
export interface StateDraft {
  v: 1;
  asOfSeconds: number;
  day: number;
  lambda: number;
  meanServiceSeconds: number;
  recentArrivals: readonly number[];
  ranks: Rank[];
}

/** The state before anything happened; `coldSeconds` is the mean cold start. */
export function createPlacementState(coldSeconds: number): PlacementState {
  const nothing = binEdges.map(() => 0);
  const rank: Rank = {
    freeAt: 0,
    used: false,
    events: nothing,
    exposure: nothing,
    hits: 0,
    spells: 0,
    spellAt: -1e9,
    spellHits: 0,
  };
  return {
    v: 1,
    asOfSeconds: 0,
    day: 0,
    lambda: coldSeconds,
    meanServiceSeconds: firstServiceSeconds,
    recentArrivals: [],
    ranks: Array.from({ length: rankCount }, () => rank),
  };
}

/** Splits the idle time from..to of a rank that is free since `freeAt` over the bins of its idle age. */
function addIdleTime(exposure: readonly number[], freeAt: number, from: number, to: number): readonly number[] {
  const sums = exposure.slice();
  const end = to - freeAt;
  let age = from - freeAt;
  for (let b = binOf(age); age < end; b++) {
    const edge = binEdges[b + 1] ?? Number.POSITIVE_INFINITY;
    const until = Math.min(edge, end);
    sums[b]! += until - age;
    age = until;
  }
  return sums;
}

function fade(rank: Rank, keep: number): Rank {
  return {
    ...rank,
    events: rank.events.map(x => x * keep),
    exposure: rank.exposure.map(x => x * keep),
    hits: rank.hits * keep,
    spells: rank.spells * keep,
  };
}

/** Moves the state to time `t`: idle ranks, through the first unused one, gain exposure; each new day fades what is known. */
export function advance(state: StateDraft, t: number): void {
  // An arrival that was told late, or a clock set back, must not be counted as idle time a second time.
  if (!(t > state.asOfSeconds)) return;
  for (const [k, rank] of state.ranks.entries()) {
    if (rank.freeAt < t) {
      const from = Math.max(state.asOfSeconds, rank.freeAt);
      if (from < t) state.ranks[k] = { ...rank, exposure: addIdleTime(rank.exposure, rank.freeAt, from, t) };
    }
    if (!rank.used) break;
  }
  state.asOfSeconds = t;
  const days = Math.floor(t / secondsPerDay) - state.day;
  if (days <= 0) return;
  const keep = Math.exp(-days / forgettingDays);
  state.ranks = state.ranks.map(rank => fade(rank, keep));
  state.day += days;
}

/** The rank that takes a job: the first with slack; a sovereign one takes owned ranks only, the earliest free without slack. */
function pickRank(state: StateDraft, t: number, settings: FoldSettings, sovereign: boolean): number {
  const slack = settings.targetSeconds / 2;
  const last = sovereign ? Math.min(rankCount, settings.ownedServers) - 1 : rankCount - 1;
  let earliest = 0;
  for (let k = 0; k <= last; k++) {
    const { freeAt } = state.ranks[k]!;
    if (freeAt - t <= slack) return k;
    if (freeAt < state.ranks[earliest]!.freeAt) earliest = k;
  }
  return sovereign ? earliest : last;
}

/** An estimate to plan with: a job without a usable one counts as a mean job. */
export function usableEstimate(estimateSeconds: number, meanServiceSeconds: number): number {
  return estimateSeconds > 0 && Number.isFinite(estimateSeconds) ? estimateSeconds : meanServiceSeconds;
}

/** Folds an arrival at `t` of an estimated length. A sovereign job leaves the rate alone; without owned servers it leaves all. */
export function arrive(
  state: StateDraft,
  t: number,
  estimate: number,
  settings: FoldSettings,
  sovereign: boolean,
): void {
  advance(state, t);
  if (!sovereign) state.recentArrivals = [...state.recentArrivals.slice(1 - arrivalsKept), t];
  state.meanServiceSeconds += serviceGain * (estimate - state.meanServiceSeconds);
  if (sovereign && settings.ownedServers === 0) return;
  const k = pickRank(state, t, settings, sovereign);
  const rank: RankDraft = { ...state.ranks[k]! };
  if (rank.freeAt <= t) {
    const b = binOf(t - rank.freeAt);
    rank.events = rank.events.with(b, rank.events[b]! + 1);
    rank.hits += rank.spellHits;
    rank.spells++;
    rank.spellHits = 1;
    rank.spellAt = t;
  } else if (t - rank.spellAt < Math.max(0, settings.coldSeconds - settings.targetSeconds)) rank.spellHits++;
  rank.freeAt = Math.max(rank.freeAt, t) + estimate;
  rank.used = true;
  state.ranks[k] = rank;
}

/** Folds a first start: the price of a late job rises with each late one and falls a little with each other. */
export function start(state: StateDraft, waitSeconds: number, targetSeconds: number, coldSeconds: number): void {
  const late = waitSeconds > targetSeconds ? 1 : 0;
  const lambda = state.lambda * Math.exp(lateGain * (late - lateBudget));
  state.lambda = Math.min(lambdaCeilingColds * coldSeconds, Math.max(lambdaFloor, lambda));
}
