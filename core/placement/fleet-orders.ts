/**
 * Carries a decision out. A raised wish is one call. A lowered one lets the fleet choose whom to stop, so it is told first whom not:
 *
 *     protect those that stay -> free those that go -> look at the leases again -> lower the wish
 *
 * A server that took a job in between is protected again and stays. Workers protect themselves after each lease, so whoever takes a job
 * after that last look is safe by its own hand, but for the moment that its call takes: then it drains, and the job goes back.
 */
import { ReelayError } from '../errors.ts';
import type { JobBrief } from '../jobs/brief.ts';
import type { Fleet, FleetPool } from './fleet.ts';
import { fleetLimits } from './fleet-limits.ts';
import { shortName } from './fleet-memory.ts';
import type { PresentWorker } from './presence.ts';
import { isSovereign } from './route.ts';
import type { Decision, Observation } from './types.ts';

/** What one pool is told. */
export interface PoolOrder {
  readonly pool: string;
  readonly from: number;
  readonly to: number;
  /** Servers that shall go, and servers that shall not, when `to` is below `from`. */
  readonly stop: readonly string[];
  readonly keep: readonly string[];
  /** Of `keep` those that are up: without their protection nothing is stopped. */
  readonly mustKeep: readonly string[];
}

/**
 * The orders of a decision; pools that are as they shall be get none. The fleet still counts `lost` servers, so while a job waits that may
 * use them the others come beside them, as far as the pool goes; afterwards the lost ones go first.
 */
export function planOrders(
  decision: Decision,
  o: Observation,
  fleet: readonly FleetPool[],
  lost: readonly string[] = [],
): readonly PoolOrder[] {
  const named = new Set([...decision.cancel, ...decision.drain]);
  const isOpen = o.waiting.some(job => !isSovereign(job, o.pools));
  return fleet.flatMap(({ pool, desired, servers }) => {
    const wanted = decision.desired[pool];
    if (wanted === undefined) return [];
    const beside = isOpen ? servers.filter(({ id }) => lost.includes(id)).length : 0;
    const most = o.pools.find(({ id }) => id === pool)?.maxServers ?? 0;
    const to = Math.max(wanted, Math.min(most, wanted + beside));
    if (to === desired) return [];
    const there = servers.filter(server => server.phase !== 'draining').map(server => server.id);
    // What the observation leaves out is a refused order, and what it calls draining was told to go before or is lost.
    const stays = new Set(o.workers.filter(({ phase }) => phase !== 'draining').map(worker => worker.id));
    const stop = to > desired ? [] : there.filter(id => named.has(id) || !stays.has(id));
    const keep = to > desired ? [] : there.filter(id => !stop.includes(id));
    const up = new Set(servers.filter(server => server.phase === 'up').map(server => server.id));
    return [{ pool, from: desired, to, stop, keep, mustKeep: keep.filter(id => up.has(id)) }];
  });
}

/** What carrying out needs: the fleet, and who is at work right now. */
export interface OrderPorts {
  readonly fleet: Fleet;
  readonly listRunning: () => Promise<readonly JobBrief[]>;
  readonly present: readonly PresentWorker[];
  readonly log: (level: 'warn', message: string, fields: Record<string, unknown>) => void;
}

/** Carries out each pool's order; gives the codes of what failed. One pool's outage does not keep the others. */
export async function carryOutOrders(ports: OrderPorts, orders: readonly PoolOrder[]): Promise<readonly string[]> {
  const failed: string[] = [];
  for (const order of orders)
    await carryOut(ports, order).catch(error => {
      const code = error instanceof ReelayError ? error.code : 'internal';
      ports.log('warn', 'the fleet took no order', { pool: order.pool, from: order.from, to: order.to, code });
      failed.push(code);
    });
  return failed;
}

async function carryOut(ports: OrderPorts, order: PoolOrder): Promise<void> {
  const { fleet } = ports;
  if (order.to > order.from) return fleet.setDesired(order.pool, order.to);
  const { pool, keep, stop, mustKeep } = order;
  const held = keep.length === 0 ? [] : await fleet.protect(pool, keep, fleetLimits.protectMinutes);
  const open = mustKeep.filter(id => !held.includes(id));
  if (open.length > 0) {
    // Gone or unwilling: the next look tells which.
    ports.log('warn', 'a scale-in waits', { pool, unprotected: open.length });
    return;
  }
  const spared = await freeIdle(ports, pool, stop);
  const to = Math.min(order.from, order.to + spared.length);
  if (to < order.from) await fleet.setDesired(pool, to);
}

/** Takes the protection from servers that have nothing to do; gives those that turned out to have. */
async function freeIdle(ports: OrderPorts, pool: string, ids: readonly string[]): Promise<readonly string[]> {
  // A server without a known worker may work for one that we do not see: what it has of protection is its own, and ends by itself.
  const known = new Map(ports.present.flatMap(({ server, id }) => (server === null ? [] : [[server, id]])));
  const free = ids.filter(id => known.has(id));
  if (free.length === 0) return [];
  await ports.fleet.unprotect(pool, free);
  const owners = new Set((await ports.listRunning()).map(brief => brief.owner));
  const busy = free.filter(id => owners.has(known.get(id)!));
  if (busy.length > 0) await ports.fleet.protect(pool, busy, fleetLimits.protectMinutes);
  return busy;
}

/**
 * Servers that were protected for an earlier scale-in which is over: those idle now are to be freed, by pool, and those still launching
 * later. `held` and `later` are short names. A busy one frees itself after its job; one that is gone needs nothing.
 */
export function planRelease(
  held: readonly string[],
  o: Observation,
  fleet: readonly FleetPool[],
  orders: readonly PoolOrder[],
): { readonly free: ReadonlyMap<string, readonly string[]>; readonly later: readonly string[] } {
  const isSettled = (pool: string) => {
    const { desired, servers } = fleet.find(one => one.pool === pool) ?? { desired: 0, servers: [] };
    const isLowered = orders.some(order => order.pool === pool && order.to < order.from);
    return !isLowered && servers.filter(({ phase }) => phase !== 'draining').length <= desired;
  };
  const ours = o.workers.filter(({ id }) => held.includes(shortName(id)));
  const free = ours.filter(({ phase, pool }) => phase === 'idle' && isSettled(pool));
  const later = ours.filter(
    worker => (worker.phase === 'idle' || worker.phase === 'launching') && !free.includes(worker),
  );
  const groups = Map.groupBy(free, worker => worker.pool);
  return {
    free: new Map([...groups].map(([pool, workers]) => [pool, workers.map(({ id }) => id)])),
    later: later.map(({ id }) => shortName(id)),
  };
}

/** Frees what `planRelease` found. */
export async function carryOutRelease(ports: OrderPorts, free: ReadonlyMap<string, readonly string[]>): Promise<void> {
  for (const [pool, ids] of free)
    await freeIdle(ports, pool, ids).catch(() => ports.log('warn', 'a protection was not freed', { pool }));
}
