import { describe, expect, test } from 'vitest';
import { ReelayError } from '#core/errors.ts';
import type { KeyValueStore } from '#core/ports.ts';
import { deliverDue } from '#core/webhooks/deliver.ts';
import { createEndpoint, readEndpoint } from '#core/webhooks/endpoints.ts';
import { enqueueDeliveries } from '#core/webhooks/fan-out.ts';
import { wakeLane } from '#core/webhooks/lane.ts';
import { webhookTiming } from '#core/webhooks/webhook-limits.ts';
import { createMemoryKeyValueStore, type MemoryKeyValueStore } from '#test/simulation/memory-key-value-store.ts';
import { createWorld, status, type World } from './webhook-world.ts';

const JOB_URL = 'https://job.example/hook';
const FIELDS = { name: 'a', url: 'https://a.example/in', event_types: ['video.completed'] };

/** A store of which some calls fail: the n-th from now on, before or after it did its work. */
function failing(kv: KeyValueStore, fails: (call: number) => 'before' | 'after' | undefined): KeyValueStore {
  let calls = 0;
  const broken = () => new ReelayError('store_unavailable', 'The store is out.');
  const wrap = <A extends unknown[], R>(work: (...args: A) => Promise<R>) => {
    return async (...args: A): Promise<R> => {
      const when = fails(++calls);
      if (when === 'before') throw broken();
      const result = await work(...args);
      if (when === 'after') throw broken();
      return result;
    };
  };
  const { get, create, replace, put, remove, list, listDue, removeExpired } = kv;
  return {
    ...{ get: wrap(get), create: wrap(create), replace: wrap(replace), put: wrap(put), remove: wrap(remove) },
    ...{ list: wrap(list), listDue: wrap(listDue), removeExpired: wrap(removeExpired) },
  };
}

/** A store whose lists show what was there so long ago: all of them, or those of deliveries alone. */
function lagging(kv: MemoryKeyValueStore, clock: { ms: number }, lagMs: number, only = ''): KeyValueStore {
  const states: { atMs: number; entries: ReturnType<MemoryKeyValueStore['entries']> }[] = [];
  const remember = <T>(result: T): T => {
    states.push({ atMs: clock.ms, entries: kv.entries() });
    return result;
  };
  const past = async () => {
    const shown = createMemoryKeyValueStore();
    const state = states.findLast(({ atMs }) => atMs <= clock.ms - lagMs);
    for (const entry of state?.entries ?? [])
      for (let version = 0; version < entry.version; version++) await shown.put(entry);
    return shown;
  };
  return {
    ...kv,
    create: async entry => remember(await kv.create(entry)),
    replace: async entry => remember(await kv.replace(entry)),
    put: async entry => remember(await kv.put(entry)),
    remove: async (space, name) => remember(await kv.remove(space, name)),
    list: async (space, query) => (await past()).list(space, query),
    listDue: async (kind, beforeMs, limit) =>
      (kind.startsWith(only) ? await past() : kv).listDue(kind, beforeMs, limit),
  };
}

/** Tells an event until that works, as the relay does. */
async function tell(world: World, event = world.event(), url: string | null = null): Promise<void> {
  for (let n = 0; n < 100; n++) {
    const told = await enqueueDeliveries(world.ports, event, url).then(
      () => true,
      () => false,
    );
    if (told) return;
  }
  throw new Error('the event was never taken');
}

describe('a process that dies', () => {
  test('in the middle of a send is succeeded: the try is made again after its claim, with the same id', async () => {
    const world = createWorld();
    await tell(world, world.event(), JOB_URL);
    let killed: () => void = () => undefined;
    world.answer = () => new Promise(() => killed());
    const dying = new Promise<void>(done => {
      killed = done;
    });
    void deliverDue(world.ports, 10); // never comes back
    await dying;
    world.answer = () => status(200);
    await world.settle();
    expect(world.sent).toHaveLength(2);
    expect(world.sent[1]!.headers['webhook-id']).toBe(world.sent[0]!.headers['webhook-id']);
    expect(world.sent[1]!.atMs - world.sent[0]!.atMs).toBeLessThanOrEqual(webhookTiming.holdMs);
    expect(world.deliveries()).toMatchObject([{ state: 'delivered', tries: 2 }]);
  });

  test('at any one call of the store, before or after it took effect, loses nothing: a receiver that answers is told', async () => {
    const sentTimes: number[] = [];
    for (const when of ['before', 'after'] as const)
      for (let at = 1; at <= 40; at++) {
        let broken = 0;
        const world = createWorld({
          wrap: kv => failing(kv, call => (call === at && broken++ === 0 ? when : undefined)),
        });
        const endpoint = await createEndpoint(world.ports, 'acme', FIELDS).catch(() => undefined);
        await tell(world, world.event(), JOB_URL);
        await world.settle();
        const states = world.deliveries().map(({ state }) => state);
        expect(states, `${when} ${at}`).toEqual(states.map(() => 'delivered'));
        if (endpoint !== undefined) expect(states, `${when} ${at}`).toHaveLength(2);
        sentTimes.push(world.sent.length);
      }
    // Sent twice only where the process died between the answer and writing it down.
    expect(Math.max(...sentTimes)).toBeLessThanOrEqual(3);
  });

  test('at any one call loses no death either: it is told, and the endpoint disabled', async () => {
    for (const when of ['before', 'after'] as const)
      for (let at = 8; at <= 40; at++) {
        let armed = false;
        let calls = 0;
        const world = createWorld({ wrap: kv => failing(kv, () => (armed && ++calls === at ? when : undefined)) });
        const endpoint = await createEndpoint(world.ports, 'acme', FIELDS);
        world.answer = () => status(410);
        armed = true;
        await tell(world);
        await world.settle();
        expect(world.deliveries(), `${when} ${at}`).toMatchObject([{ state: 'dead' }]);
        expect((await readEndpoint({ ...world.ports, kv: world.memory }, 'acme', endpoint.id)).disabled).not.toBeNull();
        const told = new Set(world.notices.map(({ id }) => id));
        expect([...told].map(id => id.split('_')[1]).sort(), `${when} ${at}`).toEqual(['dead', 'disabled']);
      }
  });

  test('again and again, one call in twelve: every delivery still ends, and what is dead had its tries', async () => {
    for (let seed = 1; seed <= 12; seed++) {
      let state = seed;
      const chance = () => {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        return state / 2 ** 32;
      };
      const world = createWorld({
        wrap: kv => failing(kv, () => (chance() < 1 / 12 ? (chance() < 0.5 ? 'before' : 'after') : undefined)),
      });
      const good: string[] = [];
      world.answer = ({ url }) => status(url.includes('bad') ? 500 : chance() < 0.5 ? 503 : 200);
      for (let n = 0; n < 20; n++) {
        const event = world.event();
        if (n % 2 === 0) good.push(event.id);
        await tell(world, event, n % 2 === 0 ? JOB_URL : 'https://bad.example/');
      }
      await world.settle();
      for (const delivery of world.deliveries()) {
        expect(['delivered', 'dead']).toContain(delivery.state);
        if (good.includes(delivery.eventId) && delivery.tries < 10) expect(delivery.state).toBe('delivered');
        if (delivery.state === 'dead') expect(delivery.tries).toBe(10);
      }
      expect(world.deliveries()).toHaveLength(20);
    }
  });
});

describe('what the outside does', () => {
  test('an event bus that is out is told of the death later, with the same id, and it counts once', async () => {
    const world = createWorld();
    const { id } = await createEndpoint(world.ports, 'acme', FIELDS);
    world.answer = () => status(500);
    const ids: string[] = [];
    const ports = {
      ...world.ports,
      announce: async (notice: { id: string }) => {
        ids.push(notice.id);
        if (ids.length < 4) throw new ReelayError('store_unavailable', 'The bus is out.');
      },
    };
    const out = { ...world, ports };
    await tell(out);
    for (let n = 0; n < 400; n++) {
      await deliverDue(ports, 10);
      const [next] = await world.memory.listDue('webhook_lanes', Number.MAX_SAFE_INTEGER, 1);
      if (next === undefined) break;
      world.clock.ms = Math.max(world.clock.ms, next.dueAtMs!);
    }
    expect(ids).toHaveLength(4);
    expect(new Set(ids).size).toBe(1);
    expect((await readEndpoint(world.ports, 'acme', id)).deadInRow).toBe(1);
    expect(world.deliveries()).toMatchObject([{ state: 'dead', entry: { dueAtMs: null } }]);
  });

  test.each([
    ['all lists lag', ''],
    ['the lists of deliveries lag', 'webhook_deliveries.'],
  ])('a store of which %s four seconds behind loses and repeats nothing', async (_what, kind) => {
    const world = createWorld({ wrap: (kv, clock) => lagging(kv, clock, 4_000, kind) });
    await createEndpoint(world.ports, 'acme', FIELDS);
    world.clock.ms += 10_000;
    const triesOf = (id: string | undefined) => world.sent.filter(({ headers }) => headers['webhook-id'] === id).length;
    world.answer = ({ url, headers }) => status(url.includes('job') && triesOf(headers['webhook-id']) < 3 ? 500 : 200);
    const pass = async (times: number, stepMs: number) => {
      for (let n = 0; n < times; n++) {
        world.clock.ms += stepMs;
        await deliverDue(world.ports, 10);
      }
    };
    for (let n = 0; n < 20; n++) {
      await tell(world, world.event(), JOB_URL);
      await pass(3, 700 + 300 * n);
    }
    await pass(120, 1_000);
    expect(world.deliveries()).toHaveLength(40);
    for (const delivery of world.deliveries()) {
      expect(delivery.state).toBe('delivered');
      expect(delivery.log).toHaveLength(delivery.tries);
    }
    const lanes = world.memory.entries().filter(({ space }) => space.startsWith('webhook_lanes/'));
    expect(lanes.map(({ dueAtMs }) => dueAtMs)).toEqual([null, null]);
  });

  test('an event that comes between the last look at a lane and letting go of it is not forgotten', async () => {
    for (let at = 1; at <= 4; at++) {
      let looks = 0;
      const world = createWorld({
        wrap: kv => ({
          ...kv,
          listDue: async (kind, beforeMs, limit) => {
            const listed = await kv.listDue(kind, beforeMs, limit);
            const isLast = kind.startsWith('webhook_deliveries.') && beforeMs > world.clock.ms;
            if (isLast && ++looks === at) await enqueueDeliveries(world.ports, world.event(), JOB_URL);
            return listed;
          },
        }),
      });
      await tell(world, world.event(), JOB_URL);
      await world.settle();
      if (looks < at) {
        expect(at).toBeGreaterThan(2);
        continue;
      }
      expect(
        world.deliveries().map(({ state }) => state),
        `look ${at}`,
      ).toEqual(['delivered', 'delivered']);
    }
  });

  test('a delivery that throws is come back to every few seconds and keeps no other from being sent', async () => {
    const world = createWorld();
    await tell(world, world.event(), JOB_URL);
    const [poison] = world.deliveries();
    await world.memory.put({ ...poison!.entry, value: { ...poison!, target: null } });
    world.clock.ms += 1;
    await tell(world, world.event(), JOB_URL);
    let rounds = 0;
    for (const endMs = world.clock.ms + 60_000; world.clock.ms < endMs; rounds++) {
      await deliverDue(world.ports, 10);
      const [next] = await world.memory.listDue('webhook_lanes', Number.MAX_SAFE_INTEGER, 1);
      world.clock.ms = Math.max(world.clock.ms, next!.dueAtMs!);
    }
    expect(world.sent).toHaveLength(1);
    expect(rounds).toBeLessThanOrEqual(60_000 / webhookTiming.settleMs + 1);
  });

  test('a lane that nobody serves for months is served when somebody comes', async () => {
    const world = createWorld();
    await tell(world, world.event(), JOB_URL);
    world.clock.ms += 200 * 86_400_000;
    await world.memory.removeExpired(world.clock.ms, 1_000);
    await world.settle();
    expect(world.deliveries()).toMatchObject([{ state: 'delivered' }]);
    world.clock.ms += 200 * 86_400_000;
    await world.memory.removeExpired(world.clock.ms, 1_000);
    expect(world.memory.entries().filter(({ space }) => space.startsWith('webhook_lanes/'))).toEqual([]);
    await Promise.all([1, 2, 3].map(() => wakeLane(world.ports, 'acme', 'whe_x')));
    expect(world.memory.entries().filter(({ space }) => space.startsWith('webhook_lanes/'))).toHaveLength(1);
  });
});
