import { describe, expect, test } from 'vitest';
import type { Fleet } from '#core/placement/fleet.ts';
import {
  carryOutOrders,
  type OrderPorts,
  type PoolOrder,
  planOrders,
  planRelease,
} from '#core/placement/fleet-orders.ts';
import { createFakeCluster } from './fake-cluster.ts';
import { blank, brief, look, pool, present, running, server } from './readings.ts';
import { spot } from './world.ts';

/** Three servers that are up, the first for the longest, which is the one that the fleet stops first; none protects itself. */
async function threeUp() {
  let nowMs = 1_800_000_000_000;
  const cluster = createFakeCluster(() => nowMs, [spot.id]);
  for (let servers = 1; servers <= 3; servers++) {
    await cluster.setDesired(spot.id, servers);
    for (let second = 0; second < 100; second++, nowMs += 1_000) cluster.advance();
  }
  const [keep, first, second] = cluster.tasks.map(task => task.id);
  const order: PoolOrder = { pool: spot.id, from: 3, to: 1, stop: [first!, second!], keep: [keep!], mustKeep: [keep!] };
  const warned: string[] = [];
  const ports = (fleet: Fleet = cluster, leases: readonly string[] = []): OrderPorts => ({
    fleet,
    listRunning: async () => leases.map(id => running(`worker-${id}`)),
    present: cluster.tasks.map(task => present(`worker-${task.id}`, { server: task.id })),
    log: (_, message) => void warned.push(message),
  });
  const up = () => {
    cluster.advance();
    return cluster.tasks.filter(task => !task.stopped).map(task => task.id);
  };
  return { cluster, order, ports, up, warned, ids: [keep!, first!, second!] as const };
}

describe('taking servers down', () => {
  test('stops those that were named, though the fleet would have chosen others', async () => {
    const { order, ports, up, ids } = await threeUp();
    await carryOutOrders(ports(), [order]);
    expect(up()).toEqual([ids[0]]);
  });

  test('frees a server that goes from a protection that it still has', async () => {
    const { cluster, order, ports, up, ids } = await threeUp();
    await cluster.protect(spot.id, ids, 10);
    await carryOutOrders(ports(), [order]);
    expect(up()).toEqual([ids[0]]);
  });

  test('spares a server that took a job in between, and protects it again', async () => {
    const { cluster, order, ports, up, ids } = await threeUp();
    await carryOutOrders(ports(cluster, [ids[1]]), [order]);
    expect(up()).toEqual([ids[0], ids[1]]);
    expect(cluster.pools.get(spot.id)?.desired).toBe(2);
    expect(cluster.tasks.find(({ id }) => id === ids[1])?.protectedUntilMs).toBeGreaterThan(0);
  });

  test('waits while a server that must stay cannot be protected', async () => {
    const { cluster, order, ports, up, warned } = await threeUp();
    await carryOutOrders(ports({ ...cluster, protect: async () => [] }), [order]);
    expect([up().length, cluster.pools.get(spot.id)?.desired, warned]).toEqual([3, 3, ['a scale-in waits']]);
  });

  test('leaves the protection of a server alone whose worker it does not see', async () => {
    const { cluster, order, ports, up, ids } = await threeUp();
    await cluster.protect(spot.id, [ids[1]], 10);
    const known = ports().present.filter(({ server: name }) => name !== ids[1]);
    await carryOutOrders({ ...ports(), present: known }, [order]);
    expect(up()).toEqual([ids[0], ids[1]]);
  });

  test('of one pool fails alone', async () => {
    const { cluster, order, ports, warned } = await threeUp();
    const bad = { ...order, pool: 'elsewhere', from: 0, to: 5 };
    expect(await carryOutOrders(ports(), [bad, order])).toEqual(['internal']);
    expect([cluster.pools.get(spot.id)?.desired, warned]).toEqual([1, ['the fleet took no order']]);
  });
});

describe('a plan', () => {
  const servers = [
    server('t-a'),
    server('t-b'),
    server('t-c', { phase: 'launching', awaitsMachine: true, launchedAtMs: 0 }),
  ];
  const fleet = [pool(servers)];
  const o = look({ fleet, present: [present('a'), present('b')], running: [running('b')] }).observation;
  const decision = { desired: { [spot.id]: 1 }, cancel: [], drain: ['t-a'] } as never;

  test('keeps all but the named ones and the orders that were refused', () => {
    expect(planOrders(decision, o, fleet)).toEqual([
      { pool: spot.id, from: 3, to: 1, stop: ['t-a', 't-c'], keep: ['t-b'], mustKeep: ['t-b'] },
    ]);
    expect(planOrders({ desired: { [spot.id]: 3 }, cancel: [], drain: [] } as never, o, fleet)).toEqual([]);
  });

  test('orders servers beside lost ones while a job waits that may use them, as far as the pool goes, and then lets the lost go', () => {
    const hung = [pool([server('t-a'), server('t-x', { launchedAtMs: 0 })])];
    const readings = { fleet: hung, present: [present('a')], running: [running('a')] };
    const plan = (queued: ReturnType<typeof brief>[], wanted: number) => {
      const seen = look({ ...readings, queued }, { ...blank, silentSince: { 't-x': 0 } });
      const orders = planOrders(
        { desired: { [spot.id]: wanted }, cancel: [], drain: [] } as never,
        seen.observation,
        hung,
        seen.lost,
      );
      return orders.map(({ to, stop, keep }) => ({ to, stop, keep }));
    };
    expect(plan([brief()], 2)).toEqual([{ to: 3, stop: [], keep: [] }]);
    expect(plan([brief()], spot.maxServers)).toEqual([{ to: spot.maxServers, stop: [], keep: [] }]);
    expect(plan([brief()], 1)).toEqual([]);
    expect(plan([], 1)).toEqual([{ to: 1, stop: ['t-x'], keep: ['t-a'] }]);
    expect(plan([brief({ residency: 'sovereign' })], 1)).toEqual([{ to: 1, stop: ['t-x'], keep: ['t-a'] }]);
  });

  test('frees idle servers after a scale-in that is over, and busy ones never', () => {
    const held = ['t-a', 't-b', 'gone'];
    const settled = planRelease(held, o, fleet, []);
    expect([[...settled.free], settled.later]).toEqual([[[spot.id, ['t-a']]], []]);
    const going = planRelease(held, o, fleet, planOrders(decision, o, fleet));
    expect([[...going.free], going.later]).toEqual([[], ['t-a']]);
  });
});
