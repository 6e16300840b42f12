/** Jobs as a decision sees them. Pure. */
import type { Priority } from '../job.ts';
import type { JobBrief } from '../jobs/brief.ts';
import type { RenderPace } from '../jobs/standing.ts';
import { type ResidencyClasses, residencyRule } from '../policy/residency.ts';
import { fleetLimits } from './fleet-limits.ts';
import { arrivalToken, type FleetMemory, type Folded, startToken } from './fleet-memory.ts';
import { isSovereign } from './route.ts';
import type { Pool, Residency, Started, Tier, Waiting } from './types.ts';

/** What turning a job into an entry of the queue needs. */
export interface JobTerms {
  readonly classes: ResidencyClasses;
  /** How long jobs of a model took here; a model without one is estimated as a mean job. */
  readonly paces: ReadonlyMap<string, RenderPace>;
}

const tiers: Readonly<Record<Priority, Tier>> = { high: 'interactive', normal: 'standard', low: 'batch' };
/** What a class that nobody defined allows. */
const nowhere: Residency = { sites: [] };

/** Seconds that a job takes from its start, 0 where nobody knows. */
export function estimateSeconds(brief: Pick<JobBrief, 'model' | 'cost'>, terms: Pick<JobTerms, 'paces'>): number {
  return ((terms.paces.get(brief.model)?.msPerCost ?? 0) * brief.cost) / 1_000;
}

/** One waiting job. A class without a rule may run nowhere. */
export function waitingOf(brief: JobBrief, terms: JobTerms): Waiting {
  return {
    id: brief.id,
    model: brief.model,
    tier: tiers[brief.priority],
    residency: residencyRule(terms.classes, brief.residency) ?? nowhere,
    enqueuedAtSeconds: brief.createdAtMs / 1_000,
    estimateSeconds: estimateSeconds(brief, terms),
    count: 1,
  };
}

/** A queue in at most `most` entries: the head as it is, what follows as buckets of neighbours that may run in the same places. */
export function bucketed(waiting: readonly Waiting[], most: number = fleetLimits.maxWaitingSeen): readonly Waiting[] {
  if (waiting.length <= most) return waiting;
  const head = waiting.slice(0, most >> 1);
  const rest = waiting.slice(head.length);
  // Neighbours of several kinds need several buckets each: then the stretches are made longer, up to one for all.
  for (let size = Math.ceil(rest.length / (most - head.length)); ; size *= 2) {
    const buckets: Waiting[] = [];
    for (let at = 0; at < rest.length; at += size)
      for (const group of Map.groupBy(rest.slice(at, at + size), kindOf).values()) buckets.push(bucketOf(group));
    if (head.length + buckets.length <= most || size >= rest.length) return [...head, ...buckets];
  }
}

function kindOf({ model, tier, residency }: Waiting): string {
  return JSON.stringify([model, tier, residency.sites, residency.regions ?? null]);
}

/** It waits as long as its oldest job, and each of its jobs takes as long as they do on average. */
function bucketOf(group: readonly Waiting[]): Waiting {
  const [first] = group;
  const count = group.reduce((sum, job) => sum + job.count, 0);
  const seconds = group.reduce((sum, job) => sum + job.count * job.estimateSeconds, 0);
  const enqueuedAtSeconds = group.reduce((least, job) => Math.min(least, job.enqueuedAtSeconds), Number.MAX_VALUE);
  return { ...first!, enqueuedAtSeconds, estimateSeconds: seconds / count, count };
}

/** What is new since the memory was written: jobs that came, and jobs that started for the first time. */
export interface News {
  readonly arrived: readonly Waiting[];
  readonly started: readonly Started[];
  /** To be remembered as learned. */
  readonly folded: readonly Folded[];
}

/**
 * Finds the news in briefs from anywhere, in any order and as often as they come. Whoever is not told of a job here finds it in a later
 * look at the queue or at what runs, so a batch that is lost or comes twice changes nothing.
 */
export function newsIn(
  briefs: readonly JobBrief[],
  memory: Pick<FleetMemory, 'folded' | 'foldedUntil'>,
  terms: JobTerms,
  pools: readonly Pool[],
  nowSeconds: number,
): News {
  const known = new Set(memory.folded.map(([token]) => token));
  const folded: Folded[] = [];
  const isNew = (token: string, ms: number) => {
    if (ms / 1_000 <= memory.foldedUntil || known.has(token)) return false;
    known.add(token);
    folded.push([token, ms / 1_000]);
    return true;
  };
  const came = [...briefs].sort((a, b) => a.createdAtMs - b.createdAtMs || (a.id < b.id ? -1 : 1));
  const arrived = came
    .filter(brief => isNew(arrivalToken(brief.id), brief.createdAtMs))
    .map(brief => waitingOf(brief, terms))
    // A door whose clock is ahead would have a server kept until that time.
    .map(job => ({ ...job, enqueuedAtSeconds: Math.min(job.enqueuedAtSeconds, nowSeconds) }));
  const begun = briefs
    .flatMap(brief => (brief.startedAtMs === null ? [] : { brief, ms: brief.startedAtMs }))
    .sort((a, b) => a.ms - b.ms || (a.brief.id < b.brief.id ? -1 : 1));
  const started = begun
    .filter(({ brief, ms }) => isNew(startToken(brief.id), ms))
    .map(({ brief, ms }) => ({
      jobId: brief.id,
      tier: tiers[brief.priority],
      sovereign: isSovereign(waitingOf(brief, terms), pools),
      waitSeconds: (ms - brief.createdAtMs) / 1_000,
    }));
  return { arrived: bucketed(arrived), started, folded };
}
