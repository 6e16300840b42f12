/** Builds what a decision sees from readings of the outside, and from what is remembered of earlier ones. Pure. */
import type { JobBrief } from '../jobs/brief.ts';
import type { FleetPool } from './fleet.ts';
import { fleetLimits } from './fleet-limits.ts';
import { arrivalToken, type FleetMemory, type Folded, noteFolded, shortName } from './fleet-memory.ts';
import { firstServiceSeconds } from './horizon.ts';
import { bucketed, estimateSeconds, type JobTerms, newsIn, waitingOf } from './observe-jobs.ts';
import { type ServerReadings, seeOwned, seeServers } from './observe-servers.ts';
import type { PresentWorker } from './presence.ts';
import type { Observation, Pool } from './types.ts';

/** All that was read of the outside for one decision. */
export interface Readings {
  readonly nowMs: number;
  /** In the order of the queue. */
  readonly queued: readonly JobBrief[];
  readonly running: readonly JobBrief[];
  readonly present: readonly PresentWorker[];
  readonly fleet: readonly FleetPool[];
}

/** What does not change from one look to the next. */
export interface ObserveTerms extends JobTerms {
  /** The pools that are known beforehand. */
  readonly pools: readonly Pool[];
  readonly waitTargetSeconds: Observation['waitTargetSeconds'];
}

/** An observation, and the memory after it but for what the decision adds. */
export interface Observed {
  readonly observation: Observation;
  readonly memory: FleetMemory;
  /** Jobs in progress whose worker is there. */
  readonly runningJobs: number;
  /** Servers that did not come up in time: they are draining in the observation, and still there in the fleet. */
  readonly lost: readonly string[];
  /** Jobs were told of for the first time that no list shows: an index may be a moment behind the stream. */
  readonly isAhead: boolean;
}

/** `news` are briefs of jobs that changed, from wherever; what they leave out is found in the readings. */
export function observe(
  readings: Readings,
  news: readonly JobBrief[],
  memory: FleetMemory,
  terms: ObserveTerms,
): Observed {
  const nowSeconds = readings.nowMs / 1_000;
  const pools = knownPools(terms.pools, readings.present);
  const { queued, ownerless, ownerlessSince } = openJobs(readings, memory, nowSeconds);
  const fresh = newsIn([...news, ...readings.queued, ...readings.running], memory, terms, pools, nowSeconds);
  const servers = serverReadings(readings, nowSeconds, memory, terms);
  const seen = seeServers(servers, memory);
  const owned = seeOwned(servers, memory.idleSince);
  const idle = owned.flatMap(({ id, idleSinceSeconds }) =>
    idleSinceSeconds === undefined ? [] : [[shortName(id), idleSinceSeconds]],
  );
  const { workers, lost, ...remembered } = seen;
  const queue = queued.map(brief => waitingOf(brief, terms));
  return {
    observation: {
      nowSeconds,
      waiting: bucketed(queue),
      arrived: fresh.arrived,
      started: fresh.started,
      workers: [...owned, ...workers],
      pools,
      waitTargetSeconds: terms.waitTargetSeconds,
      refusedAtSeconds: remembered.refusedAt,
    },
    memory: {
      ...memory,
      ...noteFolded(memory, fresh.folded),
      ...remembered,
      idleSince: { ...remembered.idleSince, ...Object.fromEntries(idle) },
      ownerlessSince,
    },
    runningJobs: readings.running.length - ownerless,
    lost,
    isAhead: isAhead(news, fresh.folded, readings),
  };
}

/** Whether news of a job is new, and neither the queue nor what runs has the job. */
function isAhead(news: readonly JobBrief[], folded: readonly Folded[], { queued, running }: Readings): boolean {
  const fresh = new Set(folded.map(([token]) => token));
  const came = news.filter(({ id, status }) => status === 'queued' && fresh.has(arrivalToken(id)));
  if (came.length === 0) return false;
  const listed = new Set([...queued, ...running].map(({ id }) => id));
  return came.some(({ id }) => !listed.has(id));
}

function serverReadings(readings: Readings, nowSeconds: number, memory: FleetMemory, terms: JobTerms): ServerReadings {
  const { meanServiceSeconds } = memory.placement;
  const whole = (brief: JobBrief) => estimateSeconds(brief, terms) || meanServiceSeconds || firstServiceSeconds;
  return {
    nowSeconds,
    pools: readings.fleet,
    present: readings.present,
    running: new Map(readings.running.flatMap(brief => (brief.owner === null ? [] : [[brief.owner, brief]]))),
    remaining: brief => whole(brief) * (1 - brief.percent / 100),
  };
}

/**
 * What waits: the queue, and before it running jobs whose worker is gone. Nobody takes such a job over while there is no worker at all,
 * so it must bring one as a waiting job does.
 */
function openJobs(readings: Readings, memory: FleetMemory, nowSeconds: number) {
  const there = new Set(readings.present.map(worker => worker.id));
  const ownerlessSince: Record<string, number> = {};
  const lost: JobBrief[] = [];
  for (const brief of readings.running) {
    if (brief.owner !== null && there.has(brief.owner)) continue;
    const name = shortName(brief.id);
    const since = memory.ownerlessSince[name] ?? nowSeconds;
    ownerlessSince[name] = since;
    if (nowSeconds - since >= fleetLimits.ownerlessSeconds) lost.push(brief);
  }
  return { queued: [...lost, ...readings.queued], ownerless: lost.length, ownerlessSince };
}

/** The pools of the settings, with the models that their workers were found to have, and pools that only their workers know. */
function knownPools(pools: readonly Pool[], present: readonly PresentWorker[]): readonly Pool[] {
  const byPool = Map.groupBy(present, worker => worker.place.pool);
  const speeds = (id: string) => Object.assign({}, ...(byPool.get(id) ?? []).map(({ models }) => models));
  const known = pools.map(pool =>
    pool.kind === 'fixed' ? { ...pool, speed: { ...speeds(pool.id), ...pool.speed } } : pool,
  );
  const found = [...byPool].filter(([id]) => !pools.some(pool => pool.id === id));
  const joined = found.map(([id, [first]]): Pool => {
    const { site, region } = first!.place;
    const size = byPool.get(id)!.length;
    return {
      id,
      site,
      region,
      kind: 'fixed',
      pricePerHourUsd: 0,
      minServers: size,
      maxServers: size,
      minBilledSeconds: 0,
      speed: speeds(id),
      coldStartSeconds: { low: 0, mid: 0, high: 0, mean: 0 },
    };
  });
  return [...known, ...joined];
}
