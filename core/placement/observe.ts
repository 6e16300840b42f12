/** Builds what a decision sees from readings of the outside, and from what is remembered of earlier ones. Pure. */
import type { JobBrief } from '../jobs/brief.ts';
import type { FleetPool } from './fleet.ts';
import { fleetLimits } from './fleet-limits.ts';
import { type FleetMemory, noteFolded, shortName } from './fleet-memory.ts';
import { firstServiceSeconds, hardWait } from './horizon.ts';
import { bucketed, estimateSeconds, type JobTerms, newsIn, waitingOf } from './observe-jobs.ts';
import { type ServerReadings, seeOwned, seeServers } from './observe-servers.ts';
import type { PresentWorker } from './presence.ts';
import type { Observation, Pool, Waiting } from './types.ts';

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
  /** The whole queue with its real ages. */
  readonly queue: readonly Waiting[];
  /** Jobs in progress whose worker is there. */
  readonly runningJobs: number;
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
  const fresh = newsIn([...news, ...readings.queued, ...readings.running], memory, terms, pools);
  const servers = serverReadings(readings, nowSeconds, memory, terms);
  const seen = seeServers(servers, memory);
  const owned = seeOwned(servers, memory.idleSince);
  const idle = owned.flatMap(({ id, idleSinceSeconds }) =>
    idleSinceSeconds === undefined ? [] : [[shortName(id), idleSinceSeconds]],
  );
  const { workers, ...remembered } = seen;
  const queue = queued.map(brief => waitingOf(brief, terms));
  return {
    queue,
    observation: {
      nowSeconds,
      waiting: bucketed(queue.map(job => atMostLate(job, nowSeconds, pools, terms))),
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
  };
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

/**
 * What a late job costs stops growing some time after its target. A queue of which all is later than that would cost the same whether a
 * server comes now or never, and a policy that puts off what costs nothing to put off would put it off for ever: after a long outage, or
 * when a machine takes its old job back to the queue. So no job seems to have waited for longer than the hard wait.
 */
function atMostLate(job: Waiting, nowSeconds: number, pools: readonly Pool[], terms: ObserveTerms): Waiting {
  const cold = pools.reduce((most, pool) => Math.max(most, pool.coldStartSeconds.mean), 0);
  const earliest = nowSeconds - hardWait(terms.waitTargetSeconds[job.tier], cold);
  return job.enqueuedAtSeconds >= earliest ? job : { ...job, enqueuedAtSeconds: earliest };
}
