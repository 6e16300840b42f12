import OpenAI from 'openai';
import { describe, expect, test } from 'vitest';
import { readDefaultSecrets } from '#core/webhooks/default-secret.ts';
import { createDispatcher, type Dispatcher, deliverDue } from '#core/webhooks/deliver.ts';
import { listDeliveries, listUrlDeliveries, replayDelivery } from '#core/webhooks/delivery-log.ts';
import {
  createEndpoint,
  deleteEndpoint,
  readEndpoint,
  rotateEndpointSecret,
  updateEndpoint,
} from '#core/webhooks/endpoints.ts';
import { enqueueDeliveries } from '#core/webhooks/fan-out.ts';
import type { SendResult } from '#core/webhooks/ports.ts';
import { maxTries, webhookLimits, webhookTiming } from '#core/webhooks/webhook-limits.ts';
import { createWorld, type Sent, status, type World } from './webhook-world.ts';

const openai = new OpenAI({ apiKey: 'none' });
const JOB_URL = 'https://job.example/hook?token=1';
const ALL = ['video.completed', 'video.failed', 'video.cancelled'];

/** The world's clock is not ours. */
const ANY_AGE = 1e12;
const unwrap = (sent: Sent, secret: string) => openai.webhooks.unwrap(sent.body, sent.headers, secret, ANY_AGE);

function endpointAt(world: World, host: string, types: readonly string[] = ALL, tenant = 'acme') {
  return createEndpoint(world.ports, tenant, { name: host, url: `https://${host}/in`, event_types: types });
}

describe('fan-out', () => {
  test('an event goes once to each endpoint that asked for it and to the URL of its job, however often it is told', async () => {
    const world = createWorld();
    await endpointAt(world, 'all.example');
    await endpointAt(world, 'failed.example', ['video.failed']);
    await endpointAt(world, 'other.example', ALL, 'other');
    const off = await endpointAt(world, 'off.example');
    await updateEndpoint(world.ports, 'acme', off.id, { enabled: false });
    const event = world.event('completed');
    for (let n = 0; n < 3; n++) await enqueueDeliveries(world.ports, event, JOB_URL);
    await world.settle();
    await enqueueDeliveries(world.ports, event, JOB_URL);
    await world.settle();
    expect(world.sent.map(({ url }) => url).sort()).toEqual(['https://all.example/in', JOB_URL]);
    const body = { id: event.id, object: 'event', type: 'video.completed', data: { id: event.subject } };
    for (const { body: text, headers } of world.sent) {
      expect(JSON.parse(text)).toEqual({ ...body, created_at: Math.floor(Date.parse(event.time) / 1000) });
      expect(headers['webhook-id']).toBe(event.id);
    }
    expect(world.deliveries().map(({ state }) => state)).toEqual(['delivered', 'delivered']);
  });

  test('two jobs of the same millisecond are two deliveries', async () => {
    const world = createWorld();
    for (const event of [world.event(), world.event(), world.event('failed')])
      await enqueueDeliveries(world.ports, event, JOB_URL);
    await world.settle();
    expect(new Set(world.sent.map(({ headers }) => headers['webhook-id'])).size).toBe(3);
  });
});

describe('signatures', () => {
  test('verify in the openai client, and not when anything was changed', async () => {
    const world = createWorld();
    const { secrets } = await endpointAt(world, 'a.example');
    await enqueueDeliveries(world.ports, world.event(), JOB_URL);
    await world.settle();
    const [toEndpoint, toUrl] = ['https://a.example/in', JOB_URL].map(
      url => world.sent.find(sent => sent.url === url)!,
    );
    const own = await readDefaultSecrets(world.ports, 'acme');
    expect(await unwrap(toEndpoint!, secrets.current)).toMatchObject({ type: 'video.completed' });
    expect(await unwrap(toUrl!, own.current)).toMatchObject({ object: 'event' });
    await expect(unwrap(toEndpoint!, own.current)).rejects.toBeInstanceOf(OpenAI.InvalidWebhookSignatureError);
    const { headers, body } = toEndpoint!;
    const tampered: Partial<Sent>[] = [
      { body: body.replace('completed', 'failed') },
      { headers: { ...headers, 'webhook-id': 'evt_x' } },
      { headers: { ...headers, 'webhook-timestamp': String(Number(headers['webhook-timestamp']) + 1) } },
      { headers: { ...headers, 'webhook-signature': `v1,${Buffer.alloc(32).toString('base64')}` } },
    ];
    for (const change of tampered)
      await expect(unwrap({ ...toEndpoint!, ...change }, secrets.current)).rejects.toBeInstanceOf(
        OpenAI.InvalidWebhookSignatureError,
      );
  });

  test('while a secret rotates both verify, for a day', async () => {
    const world = createWorld();
    const { id, secrets } = await endpointAt(world, 'a.example');
    const next = await rotateEndpointSecret(world.ports, 'acme', id, { keep_old_secret_active_for_24_hours: true });
    const send = async () => {
      await enqueueDeliveries(world.ports, world.event(), null);
      await world.settle(60_000);
      return world.sent.at(-1)!;
    };
    const during = await send();
    expect(during.headers['webhook-signature']!.split(' ')).toHaveLength(2);
    for (const secret of [secrets.current, next.secrets.current]) await unwrap(during, secret);
    world.clock.ms += 24 * 3_600_000;
    const after = await send();
    await unwrap(after, next.secrets.current);
    await expect(unwrap(after, secrets.current)).rejects.toThrow();
    const at = await rotateEndpointSecret(world.ports, 'acme', id, {});
    const last = await send();
    await unwrap(last, at.secrets.current);
    await expect(unwrap(last, next.secrets.current)).rejects.toThrow();
  });
});

describe('tries', () => {
  test('a failing receiver gets ten, from 5 s to a day apart, with the same id and body, then the delivery is dead', async () => {
    const world = createWorld();
    const { id } = await endpointAt(world, 'a.example');
    world.answer = () => status(500, 7);
    const event = world.event();
    await enqueueDeliveries(world.ports, event, null);
    await world.settle();
    expect(world.sent).toHaveLength(maxTries(webhookTiming));
    expect(new Set(world.sent.map(({ body, headers }) => body + headers['webhook-id'])).size).toBe(1);
    const gaps = world.sent.slice(1).map((sent, n) => sent.atMs - world.sent[n]!.atMs);
    for (const [n, gap] of gaps.entries()) {
      expect(gap).toBeGreaterThanOrEqual(webhookTiming.retryWaitsMs[n]!);
      expect(gap).toBeLessThanOrEqual(1.25 * webhookTiming.retryWaitsMs[n]! + webhookTiming.settleMs);
    }
    const [delivery] = world.deliveries();
    expect(delivery).toMatchObject({ state: 'dead', reason: 'tries_exhausted', tries: 10 });
    expect(delivery!.log.map(one => [one.atMs, one.status, one.error, one.ms])).toEqual(
      world.sent.map(sent => [sent.atMs, 500, null, 7]),
    );
    expect(world.notices).toMatchObject([
      {
        type: 'webhook.delivery_dead',
        data: { tenant: 'acme', endpoint: id, event: event.id, reason: 'tries_exhausted' },
      },
    ]);
    expect((await readEndpoint(world.ports, 'acme', id)).disabled).toBeNull();
  });

  test('2xx is delivered and nothing else is: not a redirect, not a 304, not a body', async () => {
    for (const [code, state] of [
      [200, 'delivered'],
      [204, 'delivered'],
      [299, 'delivered'],
      [301, 'pending'],
      [304, 'pending'],
      [404, 'pending'],
      [199, 'pending'],
    ] as const) {
      const world = createWorld();
      world.answer = () => status(code);
      await enqueueDeliveries(world.ports, world.event(), JOB_URL);
      await deliverDue(world.ports, 10);
      expect(world.deliveries()[0]?.state, String(code)).toBe(state);
    }
  });

  test('one that gets through at last is delivered, and is forgotten after two weeks', async () => {
    const world = createWorld();
    await endpointAt(world, 'a.example');
    world.answer = () => (world.sent.length < 4 ? { failure: 'connection_failed', ms: 2 } : status(204));
    await enqueueDeliveries(world.ports, world.event(), null);
    await world.settle();
    expect(world.deliveries()).toMatchObject([{ state: 'delivered', tries: 4 }]);
    expect(world.deliveries()[0]!.log.map(one => one.error ?? one.status)).toEqual([
      ...Array(3).fill('connection_failed'),
      204,
    ]);
    await world.memory.removeExpired(world.clock.ms + webhookLimits.logDays * 86_400_000 - 60_000, 99);
    expect(world.deliveries()).toHaveLength(1);
    await world.memory.removeExpired(world.clock.ms + webhookLimits.logDays * 86_400_000, 99);
    expect(world.deliveries()).toEqual([]);
  });

  test('three deaths in a row disable the endpoint: what still waits ends without a try', async () => {
    const world = createWorld();
    const { id } = await endpointAt(world, 'a.example');
    world.answer = () => status(500);
    for (let n = 0; n < 5; n++) {
      await enqueueDeliveries(world.ports, world.event(), null);
      await world.settle(3_600_000 * (n + 1));
    }
    await world.settle();
    expect((await readEndpoint(world.ports, 'acme', id)).disabled).toMatchObject({ reason: 'failing' });
    expect(
      world
        .deliveries()
        .map(({ reason }) => reason)
        .sort(),
    ).toEqual([...Array(2).fill('endpoint_disabled'), ...Array(3).fill('tries_exhausted')]);
    expect(world.notices.map(({ type }) => type)).toEqual([
      ...Array(3).fill('webhook.delivery_dead'),
      'webhook.endpoint_disabled',
    ]);
    const before = world.sent.length;
    await enqueueDeliveries(world.ports, world.event(), null);
    await world.settle();
    expect(world.sent).toHaveLength(before);
  });

  test('a delivery that gets through starts the count afresh', async () => {
    const world = createWorld();
    const { id } = await endpointAt(world, 'a.example');
    for (const works of [false, false, true, false, false]) {
      world.answer = () => status(works ? 200 : 500);
      await enqueueDeliveries(world.ports, world.event(), null);
      await world.settle();
    }
    expect(await readEndpoint(world.ports, 'acme', id)).toMatchObject({ disabled: null, deadInRow: 2 });
  });

  test('a receiver that gets more than it can be tried for keeps no pile: what was first tried long ago is given up', async () => {
    const world = createWorld();
    world.answer = () => {
      world.clock.ms += 90 * 60_000;
      return { failure: 'timed_out', ms: 10_000 };
    };
    for (let n = 0; n < 60; n++) await enqueueDeliveries(world.ports, world.event(), JOB_URL);
    await world.settle();
    const reasons = new Set(world.deliveries().map(({ reason }) => reason));
    expect(reasons).toContain('too_old');
    expect(world.deliveries().every(({ state }) => state === 'dead')).toBe(true);
    const first = Math.min(...world.deliveries().map(({ createdAtMs }) => createdAtMs));
    expect(world.clock.ms - first).toBeLessThan(12 * 86_400_000);
  });

  test('410 Gone disables at once', async () => {
    const world = createWorld();
    const { id } = await endpointAt(world, 'a.example');
    world.answer = () => status(410);
    await enqueueDeliveries(world.ports, world.event(), null);
    await world.settle();
    expect(world.sent).toHaveLength(1);
    expect(world.deliveries()).toMatchObject([{ state: 'dead', reason: 'gone' }]);
    expect((await readEndpoint(world.ports, 'acme', id)).disabled).toMatchObject({ reason: 'gone' });
    expect(world.notices.map(({ type }) => type)).toEqual(['webhook.delivery_dead', 'webhook.endpoint_disabled']);
  });

  test('four that hear 410 at once are told as four deaths and one end of the endpoint', async () => {
    const world = createWorld();
    await endpointAt(world, 'a.example');
    const all = Promise.withResolvers<void>();
    world.answer = async () => {
      if (world.sent.length === 4) all.resolve();
      await all.promise;
      return status(410);
    };
    for (let n = 0; n < 4; n++) await enqueueDeliveries(world.ports, world.event(), null);
    await world.settle();
    expect(world.sent).toHaveLength(4);
    expect(world.notices.map(({ type }) => type).sort()).toEqual([
      ...Array(4).fill('webhook.delivery_dead'),
      'webhook.endpoint_disabled',
    ]);
  });

  test('what its owner switched off stays switched off by its owner', async () => {
    const world = createWorld();
    const { id } = await endpointAt(world, 'a.example');
    world.answer = async () => {
      await updateEndpoint(world.ports, 'acme', id, { enabled: false });
      return status(410);
    };
    await enqueueDeliveries(world.ports, world.event(), null);
    await world.settle();
    expect((await readEndpoint(world.ports, 'acme', id)).disabled).toMatchObject({ reason: 'by_owner' });
    expect(world.notices.map(({ type }) => type)).toEqual(['webhook.delivery_dead']);
  });

  test('the first failure ends a turn among the well, and a sick lane has its whole turn among the sick', async () => {
    const world = createWorld();
    world.answer = () => status(500);
    for (let n = 0; n < 40; n++) await enqueueDeliveries(world.ports, world.event(), JOB_URL);
    expect(await deliverDue(world.ports, 10)).toBeLessThanOrEqual(webhookLimits.laneWidth);
    await deliverDue(world.ports, 10);
    expect(world.sent).toHaveLength(40);
  });

  test('a deleted endpoint gets nothing more', async () => {
    const world = createWorld();
    const { id } = await endpointAt(world, 'a.example');
    await enqueueDeliveries(world.ports, world.event(), null);
    await deleteEndpoint(world.ports, 'acme', id);
    await world.settle();
    expect(world.sent).toEqual([]);
    expect(world.deliveries()).toMatchObject([{ state: 'dead', reason: 'endpoint_deleted' }]);
  });
});

describe('log and replay', () => {
  test('deliveries are listed newest first in pages, and replayed with the same id', async () => {
    const world = createWorld();
    const { id } = await endpointAt(world, 'a.example');
    const events = [];
    for (let n = 0; n < 5; n++) {
      events.push(world.event());
      await enqueueDeliveries(world.ports, events.at(-1)!, JOB_URL);
      await world.settle(60_000);
      world.clock.ms += 1_000;
    }
    const first = await listDeliveries(world.ports, 'acme', id, { limit: 3 });
    const rest = await listDeliveries(world.ports, 'acme', id, { limit: 3, after: first.deliveries.at(-1)!.id });
    expect([first.hasMore, rest.hasMore]).toEqual([true, false]);
    const all = [...first.deliveries, ...rest.deliveries];
    expect(all.map(({ eventId }) => eventId)).toEqual(events.map(event => event.id).reverse());
    expect(all[0]!.id).toMatch(/^[A-Za-z0-9._-]+$/);
    expect((await listUrlDeliveries(world.ports, 'acme', 10)).map(({ eventId }) => eventId)).toEqual(
      all.map(({ eventId }) => eventId),
    );
    const before = world.sent.length;
    const replayed = await replayDelivery(world.ports, 'acme', all[4]!.id);
    expect(replayed).toMatchObject({ state: 'pending', tries: 0 });
    await world.settle(60_000);
    expect(world.sent.slice(before).map(({ headers }) => headers['webhook-id'])).toEqual([events[0]!.id]);
    const [again] = (await listDeliveries(world.ports, 'acme', id, { limit: 9 })).deliveries.slice(4);
    expect(again).toMatchObject({ state: 'delivered', tries: 1 });
    expect(again!.log).toHaveLength(2);
  });

  test('a dead one is replayed once its endpoint is enabled again', async () => {
    const world = createWorld();
    const { id } = await endpointAt(world, 'a.example');
    world.answer = () => status(410);
    await enqueueDeliveries(world.ports, world.event(), null);
    await world.settle();
    const [dead] = (await listDeliveries(world.ports, 'acme', id, { limit: 1 })).deliveries;
    await expect(replayDelivery(world.ports, 'acme', dead!.id)).rejects.toThrow('enable it first');
    await updateEndpoint(world.ports, 'acme', id, { enabled: true });
    world.answer = () => status(200);
    await replayDelivery(world.ports, 'acme', dead!.id);
    await world.settle();
    expect(world.deliveries()).toMatchObject([{ state: 'delivered', reason: null }]);
    await deleteEndpoint(world.ports, 'acme', id);
    await expect(replayDelivery(world.ports, 'acme', dead!.id)).rejects.toThrow('was deleted');
    for (const wrong of ['x', '../x', dead!.id.replace('whe_', 'whx_'), `${dead!.id}x`])
      await expect(replayDelivery(world.ports, 'acme', wrong)).rejects.toMatchObject({ code: 'not_found' });
    await expect(replayDelivery(world.ports, 'other', dead!.id)).rejects.toMatchObject({ code: 'not_found' });
  });
});

describe('fairness', () => {
  const QUICK = {
    ...webhookTiming,
    timeoutMs: 300,
    turnMs: 400,
    holdMs: 5_000,
    claimMs: 2_000,
    slowMs: 100,
    pollMs: 10,
  };

  /** Receivers that take their time on the world's clock, and who is being sent to. */
  function takingTime(world: World, answerOf: (url: string) => { ms: number; code: number }) {
    const flying = new Map<string, number>();
    const timers: { atMs: number; fire: () => void }[] = [];
    const most = { toOne: 0, receivers: 0 };
    world.answer = ({ url }) => {
      const { ms, code } = answerOf(url);
      flying.set(url, (flying.get(url) ?? 0) + 1);
      most.toOne = Math.max(most.toOne, flying.get(url)!);
      most.receivers = Math.max(most.receivers, [...flying.values()].filter(count => count > 0).length);
      const { promise, resolve } = Promise.withResolvers<SendResult>();
      const fire = () => {
        flying.set(url, flying.get(url)! - 1);
        resolve(status(code, ms));
      };
      timers.push({ atMs: world.clock.ms + ms, fire });
      return promise;
    };
    /** Ten milliseconds go by: answers that are due arrive, and what follows from them happens. */
    const tick = async () => {
      world.clock.ms += 10;
      for (const timer of timers.filter(({ atMs }) => atMs <= world.clock.ms)) {
        timers.splice(timers.indexOf(timer), 1);
        timer.fire();
      }
      await new Promise(done => setImmediate(done));
    };
    return { tick, most, flying };
  }

  async function run(tick: () => Promise<void>, dispatchers: readonly Dispatcher[], ticks: number): Promise<void> {
    for (let n = 0; n < ticks; n++) {
      for (const dispatcher of dispatchers) await dispatcher.round();
      await tick();
    }
  }

  test('150 silent receivers with long backlogs do not hold back a good one, and none gets more than four sends at a time', async () => {
    const world = createWorld({ timing: QUICK });
    const { tick, most } = takingTime(world, url =>
      url.includes('good') ? { ms: 10, code: 200 } : { ms: 300, code: 500 },
    );
    for (let n = 0; n < 150; n++)
      for (let m = 0; m < 20; m++)
        await enqueueDeliveries(world.ports, world.event('completed', `bad${n}`), `https://bad${n}.example/`);
    const dispatchers = [1, 2].map(() => createDispatcher(world.ports));
    await run(tick, dispatchers, 100); // each bad one is found out
    for (let told = 0; told < 40; told++) {
      await enqueueDeliveries(world.ports, world.event('completed', 'good'), 'https://good.example/');
      await run(tick, dispatchers, 5);
    }
    await run(tick, dispatchers, 20);
    const good = world.deliveries().filter(({ target }) => target.kind === 'url' && target.url.includes('good'));
    const latencies = good.map(({ endedAtMs, createdAtMs }) => (endedAtMs ?? Number.NaN) - createdAtMs);
    expect(latencies).toHaveLength(40);
    // The send takes 10 ms, and a tick or two go by until it is started and written down.
    for (const ms of latencies) expect(ms).toBeLessThanOrEqual(30);
    expect(most.toOne).toBeLessThanOrEqual(webhookLimits.laneWidth);
  });

  test('one tenant takes a part of the places, and all together take no more than there are', async () => {
    for (const [tenants, expected] of [
      [1, webhookLimits.tenantLanes],
      [8, webhookLimits.wellLanes],
    ] as const) {
      const world = createWorld({ timing: QUICK });
      const { tick, most } = takingTime(world, () => ({ ms: 40, code: 200 }));
      for (let tenant = 0; tenant < tenants; tenant++)
        for (let host = 0; host < 30; host++) {
          const url = `https://t${tenant}-${host}.example/`;
          await enqueueDeliveries(world.ports, world.event('completed', `tenant${tenant}`), url);
        }
      await run(tick, [createDispatcher(world.ports)], 100);
      expect(world.deliveries().every(({ state }) => state === 'delivered')).toBe(true);
      expect(most.receivers).toBe(expected);
    }
  });

  test('three dispatchers send nothing twice, and no more than four at a time between them', async () => {
    const world = createWorld({ timing: QUICK });
    await endpointAt(world, 'a.example');
    for (let n = 0; n < 60; n++) await enqueueDeliveries(world.ports, world.event(), JOB_URL);
    const { tick, most } = takingTime(world, () => ({ ms: 20, code: 200 }));
    const dispatchers = [1, 2, 3].map(() => createDispatcher(world.ports));
    await run(tick, dispatchers, 200);
    const sends = await Promise.all(dispatchers.map(dispatcher => dispatcher.idle()));
    expect(sends.reduce((a, b) => a + b)).toBe(120);
    expect(world.sent).toHaveLength(120);
    expect(most.toOne).toBe(webhookLimits.laneWidth);
  });
});
