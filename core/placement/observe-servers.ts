/** Servers as a decision sees them: what the fleet, the presences and the leases say of each, put together. Pure. */
import type { JobBrief } from '../jobs/brief.ts';
import type { FleetPool, FleetServer } from './fleet.ts';
import { fleetLimits } from './fleet-limits.ts';
import { type FleetMemory, shortName } from './fleet-memory.ts';
import { refusalSeconds } from './horizon.ts';
import type { PresentWorker } from './presence.ts';
import type { Worker } from './types.ts';

/** What is known of the servers at one moment. */
export interface ServerReadings {
  readonly nowSeconds: number;
  readonly pools: readonly FleetPool[];
  readonly present: readonly PresentWorker[];
  /** Jobs in progress by the owner of their lease. */
  readonly running: ReadonlyMap<string, JobBrief>;
  /** Seconds until a running job is over. */
  readonly remaining: (brief: JobBrief) => number;
}

type Remembered = Pick<FleetMemory, 'missingSince' | 'refusedAt' | 'idleSince' | 'silentSince' | 'leaving'>;

/** The servers, and what must be remembered of them. */
export interface ServersSeen extends Remembered {
  readonly workers: readonly Worker[];
  /** Servers that did not come up in time. */
  readonly lost: readonly string[];
}

/**
 * All servers but those that wait for a machine in vain: these are refused orders, and to be taken back. One that has had a
 * machine for long and whose worker was never heard of is lost: it counts as draining, for nobody may wait for it.
 */
export function seeServers(readings: ServerReadings, memory: Remembered): ServersSeen {
  const { nowSeconds, pools } = readings;
  const workers: Worker[] = [];
  const missingSince: Record<string, number> = {};
  const refusedAt: Record<string, number> = { ...memory.refusedAt };
  const leaving: string[] = [];
  const lost: string[] = [];
  const silentSince: Record<string, number> = {};
  for (const pool of pools) {
    const owners = matchOwners(pool, readings.present);
    const there = pool.servers.filter(server => server.phase !== 'draining');
    const surplus = there.length > pool.desired;
    const missing = Math.max(0, pool.desired - there.length);
    if (missing > 0) missingSince[pool.pool] = memory.missingSince[pool.pool] ?? nowSeconds;
    const ordered = Array.from({ length: missing }, (_, i) => orderOf(pool.pool, i, missingSince[pool.pool]!));
    const refused = refusalOf(pool, [...there, ...ordered], nowSeconds, refusedAt[pool.pool]);
    if (refused !== undefined) refusedAt[pool.pool] = refused;
    for (const server of [...pool.servers, ...ordered]) {
      if (isRefused(server, nowSeconds, refused)) continue;
      const seen = workerOf(readings, pool.pool, server, owners.get(server.id), memory.idleSince[shortName(server.id)]);
      const name = shortName(server.id);
      if (seen.phase === 'launching' && !server.awaitsMachine)
        silentSince[name] = memory.silentSince[name] ?? nowSeconds;
      // A machine whose image does not come, or a worker that hangs before its first word: to ECS such a server may be well for ever.
      if (nowSeconds - (silentSince[name] ?? nowSeconds) >= fleetLimits.bootSeconds) {
        lost.push(server.id);
        workers.push({ ...seen, phase: 'draining' });
        continue;
      }
      const goes = surplus && seen.phase !== 'busy' && memory.leaving.includes(name);
      if (goes) leaving.push(name);
      workers.push(goes ? { ...seen, phase: 'draining' } : seen);
    }
  }
  const idle = workers.flatMap(({ id, idleSinceSeconds }) =>
    idleSinceSeconds === undefined ? [] : [[shortName(id), idleSinceSeconds]],
  );
  return { workers, lost, silentSince, missingSince, refusedAt, leaving, idleSince: Object.fromEntries(idle) };
}

/** An order that the fleet has not made a server of yet. */
function orderOf(pool: string, at: number, sinceSeconds: number): FleetServer {
  return { id: `${pool}#${at}`, phase: 'launching', launchedAtMs: sinceSeconds * 1_000, awaitsMachine: true };
}

/** The latest refusal: what the fleet says, or an order that has waited for a machine for too long. */
function refusalOf(
  pool: FleetPool,
  servers: readonly FleetServer[],
  nowSeconds: number,
  before: number | undefined,
): number | undefined {
  const waits = servers.filter(server => server.awaitsMachine).map(server => server.launchedAtMs / 1_000);
  const late = waits.map(at => at + fleetLimits.capacityWaitSeconds).filter(at => at <= nowSeconds);
  const told = pool.refusedAtMs === null ? [] : [pool.refusedAtMs / 1_000];
  const known = before === undefined ? [] : [before];
  return [...late, ...told, ...known].reduce<number | undefined>(
    (latest, at) => (latest === undefined || at > latest ? at : latest),
    undefined,
  );
}

/** Orders from before a refusal that still holds go with it; later ones are a new try. */
function isRefused(server: FleetServer, nowSeconds: number, refusedAt: number | undefined): boolean {
  if (!server.awaitsMachine) return false;
  const at = server.launchedAtMs / 1_000;
  if (at + fleetLimits.capacityWaitSeconds <= nowSeconds) return true;
  return refusedAt !== undefined && at <= refusedAt && nowSeconds - refusedAt < refusalSeconds;
}

/** Whose server is whose: by name; workers that do not know theirs are paired with servers by age, so that their number is right. */
function matchOwners(pool: FleetPool, present: readonly PresentWorker[]): ReadonlyMap<string, PresentWorker> {
  const mine = present.filter(worker => worker.place.pool === pool.pool);
  const owners = new Map<string, PresentWorker>();
  for (const worker of mine) if (worker.server !== null) owners.set(worker.server, worker);
  const nameless = mine.filter(worker => worker.server === null).sort((a, b) => a.startedAtMs - b.startedAtMs);
  const open = pool.servers.filter(server => server.phase === 'up' && !owners.has(server.id));
  open.sort((a, b) => a.launchedAtMs - b.launchedAtMs);
  for (const [at, worker] of nameless.entries()) {
    const server = open[at];
    if (server !== undefined) owners.set(server.id, worker);
  }
  return owners;
}

function workerOf(
  { nowSeconds, running, remaining }: ServerReadings,
  pool: string,
  server: FleetServer,
  owner: PresentWorker | undefined,
  idleSince: number | undefined,
): Worker {
  const { id } = server;
  const launchedAtSeconds = server.launchedAtMs / 1_000;
  if (server.phase !== 'up') return { id, pool, phase: server.phase, launchedAtSeconds };
  if (owner === undefined) return { id, pool, phase: 'launching', launchedAtSeconds };
  const job = running.get(owner.id);
  if (job === undefined)
    return { id, pool, phase: 'idle', launchedAtSeconds, idleSinceSeconds: idleSince ?? nowSeconds };
  return { id, pool, phase: 'busy', launchedAtSeconds, freeAtSeconds: nowSeconds + remaining(job) };
}

/** Workers that no fleet here moves: they come and go by themselves. */
export function seeOwned(readings: ServerReadings, idleSince: Remembered['idleSince']): readonly Worker[] {
  const scaled = new Set(readings.pools.map(({ pool }) => pool));
  return readings.present
    .filter(({ place }) => !scaled.has(place.pool))
    .map(worker => {
      const { id, startedAtMs, place } = worker;
      const server = { id, phase: 'up', launchedAtMs: startedAtMs, awaitsMachine: false } as const;
      return workerOf(readings, place.pool, server, worker, idleSince[shortName(id)]);
    });
}
