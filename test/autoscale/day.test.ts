import { afterEach, expect, test } from 'vitest';
import type { JobBrief } from '#core/jobs/brief.ts';
import { decide } from '#core/placement/decide.ts';
import { fleetLimits } from '#core/placement/fleet-limits.ts';
import { memoryKey } from '#core/placement/fleet-memory.ts';
import { usualWaitTargets } from '#core/placement/fleet-settings.ts';
import { refusalSeconds } from '#core/placement/horizon.ts';
import { type AutoscaleWorld, onDemand, openWorld, scaledPools, startMs } from './world.ts';

let world: AutoscaleWorld | undefined;
afterEach(() => {
  world?.close();
  world = undefined;
});

const hour = 3_600;

function fleetOf({ cluster }: AutoscaleWorld, pool: string): number {
  return cluster.tasks.filter(task => task.pool === pool && !task.stopped).length;
}

function p95(waits: Iterable<number>): number {
  const sorted = [...waits].sort((a, b) => a - b);
  return sorted[Math.floor(0.95 * (sorted.length - 1))]! / 1_000;
}

test('a day with two bursts of 60 jobs: servers come, all jobs end in time, nobody busy is stopped, and nothing is left', async () => {
  world = await openWorld({ serviceSeconds: n => 30 + (n % 7) * 40 });
  await world.pass(2 * hour);
  expect(world.cluster.tasks).toEqual([]);
  await world.submit(60);
  await world.pass(2 * hour);
  expect(world.finished).toBe(60);
  // Now it is known how long jobs take here.
  world.starts.clear();
  await world.submit(60);
  await world.pass(2 * hour);
  expect([world.finished, world.busyStopped]).toEqual([120, 0]);
  expect(world.largestFleet).toBeGreaterThan(10);
  expect(p95(world.starts.values())).toBeLessThan(usualWaitTargets.standard * 1.05);
  await world.pass(18 * hour);
  expect(world.cluster.tasks.every(task => task.stopped)).toBe(true);
  expect([...world.cluster.pools.values()].map(({ desired }) => desired)).toEqual([0, 0]);
  expect(world.cluster.tasks.some(({ pool }) => pool === 'cloud-ondemand')).toBe(false);
});

test('while some servers go the others are protected, and those that idle are freed afterwards', async () => {
  world = await openWorld({ serviceSeconds: n => (n % 5 === 0 ? 1_500 : 30) });
  await world.submit(60);
  const { cluster } = world;
  let idleProtected = 0;
  await world.pass(2 * hour, () => {
    const lowered = cluster.orders.filter(({ servers }, at) => servers < (cluster.orders[at - 1]?.servers ?? 0)).length;
    if (lowered > 0 && cluster.calls.protect === 0) throw new Error('lowered without protecting');
    idleProtected = cluster.tasks.filter(task => !task.stopped && task.protectedUntilMs > world!.now()).length;
  });
  expect(cluster.calls.protect).toBeGreaterThan(0);
  expect([world.finished, world.busyStopped, idleProtected]).toEqual([60, 0, 0]);
});

test('every decision of two days is made again bit by bit from its log line', async () => {
  world = await openWorld();
  for (const [jobs, hours] of [
    [20, 3],
    [60, 9],
    [5, 12],
    [40, 24],
  ] as const) {
    await world.submit(jobs);
    await world.pass(hours * hour);
  }
  expect(world.finished).toBe(125);
  const decisions = world.decisions();
  expect(decisions.length).toBeGreaterThan(150);
  for (const line of decisions) {
    const { o, s, decision } = JSON.parse(JSON.stringify(line)) as typeof line;
    expect(JSON.stringify(decide(o, s))).toBe(JSON.stringify(decision));
  }
  // A replay that could not fail would prove nothing.
  const { o, s, decision } = decisions.find(line => line.o.waiting.length > 0)!;
  expect(JSON.stringify(decide({ ...o, nowSeconds: o.nowSeconds + 600 }, s))).not.toBe(JSON.stringify(decision));
});

test('where Spot has no machine, on-demand is ordered within the time that the refused pool rests, and the refused order is taken back', async () => {
  world = await openWorld();
  world.cluster.pools.get('cloud-spot')!.hasCapacity = false;
  await world.submit(30);
  await world.pass(hour);
  const { orders } = world.cluster;
  const spotAt = orders.find(({ pool }) => pool === 'cloud-spot')!.atMs;
  const onDemandAt = orders.find(({ pool }) => pool === 'cloud-ondemand')!.atMs;
  expect((onDemandAt - spotAt) / 1_000).toBeLessThanOrEqual(refusalSeconds);
  expect((onDemandAt - spotAt) / 1_000).toBeGreaterThan(100);
  expect(
    orders.some(({ pool, servers, atMs }) => pool === 'cloud-spot' && servers === 0 && atMs - onDemandAt < 60_000),
  ).toBe(true);
  expect(world.finished).toBe(30);
  expect(world.busyStopped).toBe(0);
  await world.pass(hour);
  expect([fleetOf(world, 'cloud-spot'), fleetOf(world, 'cloud-ondemand')]).toEqual([0, 0]);
});

test('where Spot says at once that it has no capacity, on-demand is ordered at the next look', async () => {
  world = await openWorld();
  const pool = world.cluster.pools.get('cloud-spot')!;
  pool.hasCapacity = false;
  await world.submit(30);
  const { cluster } = world;
  await world.pass(600, () => {
    if (pool.refusedAtMs === null && cluster.orders.length > 0) pool.refusedAtMs = world!.now() + 5_000;
  });
  const [spotAt, onDemandAt] = ['cloud-spot', 'cloud-ondemand'].map(
    name => cluster.orders.find(one => one.pool === name)?.atMs,
  );
  expect((onDemandAt! - spotAt!) / 1_000).toBeLessThanOrEqual(40);
});

test('batches that come twice, late and in another order leave the same fleet', async () => {
  const run = async (deliver?: Parameters<typeof openWorld>[0]) => {
    const one = await openWorld(deliver);
    for (let i = 0; i < 6; i++) {
      await one.submit(10);
      await one.pass(40);
    }
    await one.pass(2 * hour);
    const trace = { orders: one.cluster.orders, finished: one.finished, busyStopped: one.busyStopped };
    const memory = (await one.kv.get(memoryKey.space, memoryKey.name))!.value as {
      placement: { lambda: number; meanServiceSeconds: number };
    };
    one.close();
    return { ...trace, learned: [memory.placement.lambda, memory.placement.meanServiceSeconds] };
  };
  const strip = (one: Awaited<ReturnType<typeof run>>) => ({
    ...one,
    orders: one.orders.map(({ pool, servers, atMs }) => [pool, servers, atMs - startMs]),
  });
  const plain = strip(await run());
  const twice = strip(await run({ deliver: batches => [...batches, ...batches].map(batch => [...batch].reverse()) }));
  expect(twice).toEqual(plain);
  const seen: (readonly JobBrief[])[] = [];
  const late = (batches: readonly (readonly JobBrief[])[]) => {
    const before = [...seen].reverse();
    seen.push(...batches);
    return [...batches, ...before];
  };
  const again = strip(await run({ deliver: late }));
  expect(again).toEqual(plain);
  expect(plain.finished).toBe(60);
});

test('without a stream the schedule and the wake-ups find all jobs', async () => {
  world = await openWorld({ stream: false });
  await world.submit(60);
  await world.pass(2 * hour);
  expect([world.finished, world.busyStopped]).toEqual([60, 0]);
});

test('a memory that is lost again and again costs no job', async () => {
  world = await openWorld();
  await world.submit(40);
  const { kv } = world;
  let steps = 0;
  await world.pass(0.4 * hour, async () => {
    if (++steps % 45 === 0) await kv.remove(memoryKey.space, memoryKey.name);
    if (steps % 400 === 0) await kv.put({ ...memoryKey, value: { v: 9, odd: true }, expiresAtMs: null, dueAtMs: null });
  });
  expect([world.finished, world.busyStopped, world.failures]).toEqual([40, 0, 0]);
  await world.pass(hour);
  expect(world.cluster.tasks.every(task => task.stopped)).toBe(true);
});

test('while the fleet throttles nothing is decided, and all is done once it answers again', async () => {
  world = await openWorld();
  await world.submit(20);
  world.cluster.outageUntilMs = startMs + 900_000;
  await world.pass(890);
  expect(world.cluster.orders).toEqual([]);
  expect(world.decisions()).toEqual([]);
  expect(world.failures).toBe(0);
  await world.pass(30);
  expect(world.cluster.orders.length).toBeGreaterThan(0);
  world.cluster.outageUntilMs = world.now() + 200_000;
  await world.pass(2 * hour);
  expect([world.finished, world.busyStopped]).toEqual([20, 0]);
});

test('jobs that are later than anyone promised still bring a server, alone and after hours', async () => {
  world = await openWorld();
  await world.submit(3);
  world.cluster.outageUntilMs = startMs + 5 * hour * 1_000;
  await world.pass(6 * hour);
  expect([world.finished, world.cluster.outageUntilMs]).toEqual([3, startMs + 5 * hour * 1_000]);
});

test('a machine whose worker never comes is replaced while a job waits, is told of, and goes afterwards', async () => {
  world = await openWorld();
  await world.submit(1);
  const { cluster, metrics } = world;
  await world.pass(2 * hour, () => {
    const [first] = cluster.tasks;
    // A machine that is never up: its image does not come.
    if (first?.machineAtMs !== undefined) first.machineAtMs = Number.MAX_SAFE_INTEGER;
  });
  expect(world.finished).toBe(1);
  expect(cluster.tasks.map(task => task.stopped)).toEqual([true, true]);
  expect(cluster.orders.map(({ servers }) => servers)).toEqual([1, 2, 1, 0]);
  expect(metrics.at(-1)).toMatchObject({ DesiredServers: 0, StuckSeconds: 0 });
});

test('a Spot machine that is taken back brings its job to another one', async () => {
  world = await openWorld({ serviceSeconds: () => 200 });
  await world.submit(12);
  const { cluster, workers } = world;
  let taken = 0;
  await world.pass(2 * hour, () => {
    const busy = [...workers.values()].find(worker => worker.job !== undefined);
    if (busy?.task === undefined || taken >= 3 || world!.now() % 97_000 !== 0) return;
    taken++;
    cluster.takeBack(busy.task.id);
  });
  expect(taken).toBe(3);
  expect(world.finished).toBe(12);
});

test('one wake-up is under way at a time, however many changes come', async () => {
  world = await openWorld();
  await world.submit(60);
  await world.pass(600);
  // One every ten seconds, and no more than the changes could have started beside it.
  expect(world.wakesAsked).toBeLessThan(600 / 10 + 5);
  expect(world.wakesAsked).toBeGreaterThan(20);
});

test('what is remembered of three busy days stays below 25 kB', async () => {
  world = await openWorld();
  let largest = 0;
  const { kv } = world;
  const weigh = async () => {
    const entry = await kv.get(memoryKey.space, memoryKey.name);
    largest = Math.max(largest, JSON.stringify(entry?.value ?? null).length);
  };
  for (let i = 0; i < 6; i++) {
    await world.submit(10 + 23 * (i % 4));
    await world.pass((7 * hour) / 6);
    await weigh();
    await world.pass(11 * hour);
    await weigh();
  }
  expect(largest).toBeGreaterThan(5_000);
  expect(largest).toBeLessThan(fleetLimits.maxMemoryBytes);
});

test('jobs that must stay on the premises bring no server and no wake-up, and are told of when nobody there takes them', async () => {
  const cellar = { ...onDemand, id: 'cellar', site: 'onprem', region: 'home', kind: 'fixed' } as const;
  world = await openWorld({ pools: [...scaledPools, cellar] });
  await world.submit(3, {}, 'sovereign');
  await world.pass(hour);
  expect([world.cluster.orders, world.wakesAsked, world.finished]).toEqual([[], 0, 0]);
  expect(world.metrics.at(-1)).toMatchObject({ WaitingJobs: 3, RunningServers: 0 });
  expect(world.metrics.at(-1)?.StuckSeconds).toBeGreaterThan(fleetLimits.stuckSeconds);
  world.join({ id: 'box-1', place: { pool: 'cellar', site: 'onprem', region: 'home' }, server: null });
  await world.pass(hour);
  expect([world.cluster.orders, world.finished]).toEqual([[], 3]);
  expect(world.metrics.at(-1)).toMatchObject({ WaitingJobs: 0, StuckSeconds: 0, RunningServers: 1 });
});

test('servers of the premises take their share first, and the cloud comes for what they cannot do in time', async () => {
  world = await openWorld();
  for (const id of ['box-1', 'box-2'])
    world.join({ id, place: { pool: 'cellar', site: 'onprem', region: 'home' }, server: null });
  await world.submit(3);
  await world.pass(hour);
  expect([world.cluster.orders, world.finished]).toEqual([[], 3]);
  await world.submit(60);
  await world.pass(2 * hour);
  expect(world.finished).toBe(63);
  expect(world.largestFleet).toBeGreaterThan(2);
  expect(world.cluster.tasks.every(task => task.stopped)).toBe(true);
});
