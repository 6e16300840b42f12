import { afterEach, expect, test } from 'vitest';
import { briefOf, type JobBrief } from '#core/jobs/brief.ts';
import { type AutoscalePorts, autoscale } from '#core/placement/autoscale.ts';
import type { Fleet } from '#core/placement/fleet.ts';
import { fleetLimits } from '#core/placement/fleet-limits.ts';
import { type FleetMemory, memoryKey, shortName } from '#core/placement/fleet-memory.ts';
import { usualWaitTargets } from '#core/placement/fleet-settings.ts';
import { builtInResidency } from '#core/policy/residency.ts';
import type { KeyValueStore } from '#core/ports.ts';
import { makeJob } from '#test/contracts/make-job.ts';
import { type AutoscaleWorld, model, openWorld, scaledPools } from './world.ts';

let world: AutoscaleWorld | undefined;
afterEach(() => {
  world?.close();
  world = undefined;
});

async function open(): Promise<AutoscaleWorld> {
  world = await openWorld();
  return world;
}

function portsOf({ kv, store, cluster, now }: AutoscaleWorld, more: Partial<AutoscalePorts> = {}) {
  const asked = { wakes: [] as number[], lines: [] as { message: string; fields: Record<string, unknown> }[] };
  const ports: AutoscalePorts = {
    kv,
    stores: [store],
    fleet: cluster,
    pools: scaledPools,
    waitTargetSeconds: usualWaitTargets,
    classes: builtInResidency,
    now,
    wake: async seconds => void asked.wakes.push(seconds),
    publish: () => undefined,
    log: (_, message, fields) => void asked.lines.push({ message, fields }),
    ...more,
  };
  return { ports, asked };
}

const memoryOf = async ({ kv }: AutoscaleWorld) =>
  (await kv.get(memoryKey.space, memoryKey.name))?.value as FleetMemory | undefined;

/** Runs `meanwhile` once, right before the first write of the memory: that write loses. */
function losing(kv: KeyValueStore, meanwhile: () => Promise<void>): KeyValueStore {
  let done = false;
  const first = async () => {
    if (done) return;
    done = true;
    await meanwhile();
  };
  return {
    ...kv,
    create: async entry => {
      await first();
      return kv.create(entry);
    },
    replace: async entry => {
      await first();
      return kv.replace(entry);
    },
  };
}

test('who loses the race does not act, adds what it alone was told, and has everyone look again soon', async () => {
  const w = await open();
  // Mine no list shows yet: only the stream of one run tells of it.
  const listed = makeJob({ createdAtMs: w.now() - 2_000 });
  await w.store.create(listed);
  const [mine, theirs] = [makeJob({ createdAtMs: w.now() - 1_000 }), listed].map(job => briefOf(job) as JobBrief);
  await w.submit(30, { createdAtMs: w.now() - 100_000 });
  const winner = portsOf(w);
  const kv = losing(w.kv, () => autoscale(winner.ports, [theirs!]));
  const loser = portsOf(w, { kv });
  await autoscale(loser.ports, [mine!]);
  const acted = (of: typeof winner) =>
    of.asked.lines.filter(line => line.fields.acted !== undefined).map(line => line.fields.acted);
  expect([acted(winner), acted(loser)]).toEqual([[true], [false]]);
  expect(w.cluster.orders).toHaveLength(1);
  const { folded, placement } = (await memoryOf(w))!;
  expect(folded.map(([token]) => token)).toEqual(
    expect.arrayContaining([mine, theirs].map(job => `a${shortName(job!.id)}`)),
  );
  expect(placement.recentArrivals).toHaveLength(32);
  expect([winner.asked.wakes, loser.asked.wakes]).toEqual([[10], [fleetLimits.raceSeconds]]);
});

test('a job that the stream tells of before the lists show it is looked for again at once, and only once', async () => {
  const w = await open();
  const ahead = briefOf(makeJob({ createdAtMs: w.now() - 500 })) as JobBrief;
  const { ports, asked } = portsOf(w);
  await autoscale(ports, [ahead]);
  expect(asked.wakes).toEqual([fleetLimits.raceSeconds]);
  await autoscale(ports, [ahead]);
  await autoscale({ ...ports, now: () => w.now() + fleetLimits.raceSeconds * 1_000 }, []);
  expect(asked.wakes).toEqual([fleetLimits.raceSeconds]);
  // Also while a later look is asked for already.
  await w.submit(1, { createdAtMs: w.now() - 200_000 });
  await autoscale({ ...ports, now: () => w.now() + 3_000 }, await w.store.listBriefs('queued', 9));
  await autoscale({ ...ports, now: () => w.now() + 4_000 }, [briefOf(makeJob({ createdAtMs: w.now() })) as JobBrief]);
  expect(asked.wakes).toEqual([fleetLimits.raceSeconds, 10, fleetLimits.raceSeconds]);
});

test('news that cannot be written down after many lost races are given back to whoever sent them', async () => {
  const w = await open();
  await w.submit(1, { createdAtMs: w.now() - 400_000 });
  const kv: KeyValueStore = { ...w.kv, create: async () => undefined, replace: async () => undefined };
  await expect(autoscale(portsOf(w, { kv }).ports, [])).rejects.toMatchObject({ code: 'store_unavailable' });
  expect(w.cluster.orders).toEqual([]);
});

test('an order that the fleet does not take is given again by the next look', async () => {
  const w = await open();
  await w.submit(20, { createdAtMs: w.now() - 200_000 });
  let fails = true;
  const fleet: Fleet = {
    ...w.cluster,
    setDesired: async (pool, servers) => {
      if (fails) await Promise.reject(new Error('ServiceUnavailable'));
      return w.cluster.setDesired(pool, servers);
    },
  };
  const { ports, asked } = portsOf(w, { fleet });
  await autoscale(ports, []);
  expect(asked.lines.at(-1)).toMatchObject({ message: 'the fleet took no order', fields: { pool: 'cloud-spot' } });
  expect(asked.wakes).toEqual([10]);
  fails = false;
  await autoscale({ ...ports, now: () => w.now() + 10_000 }, []);
  expect(w.cluster.pools.get('cloud-spot')!.desired).toBeGreaterThan(0);
});

test('no log line tells a tenant, a prompt or metadata', async () => {
  const w = await open();
  await w.submit(5, { createdAtMs: w.now() - 200_000, tenant: 'secret-tenant' });
  const { ports, asked } = portsOf(w);
  await autoscale(ports, await w.store.listBriefs('queued', 9));
  const text = JSON.stringify(asked.lines);
  expect(text).toContain(model);
  expect(text).not.toMatch(/secret-tenant|red ball/);
});
