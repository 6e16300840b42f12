import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { deliverDue } from '#core/webhooks/deliver.ts';
import { enqueueDeliveries } from '#core/webhooks/fan-out.ts';
import { status } from '#test/core/webhooks/webhook-world.ts';
import { startWebhookServer, type WebhookServer } from './webhook-server.ts';

let server: WebhookServer;
let openai: OpenAI;

beforeAll(async () => {
  server = await startWebhookServer();
  openai = server.client();
});
afterAll(() => server.close());

const PARAMS = {
  name: 'newsroom',
  url: 'https://hooks.example.com/in',
  event_types: ['video.completed', 'video.failed'] as ('video.completed' | 'video.failed')[],
};

describe('the unmodified openai client', () => {
  test('makes, reads, changes, lists and deletes endpoints; the secret is shown once', async () => {
    const made = await openai.webhooks.create(PARAMS);
    expect(made).toMatchObject({ ...PARAMS, object: 'webhook_endpoint' });
    expect(made.signing_secret).toMatch(/^whsec_/);
    expect(made.signing_secret_hint).toContain(made.signing_secret.slice(-5, -1));
    const read = await openai.webhooks.retrieve(made.id);
    const { signing_secret, ...shown } = made;
    expect(read).toEqual(shown);
    expect(read.updated_at).toBe(read.created_at);
    expect(JSON.stringify(read)).not.toContain(signing_secret.slice(6));
    const more = [];
    for (let n = 0; n < 4; n++) more.push(await openai.webhooks.create({ ...PARAMS, name: `n${n}` }));
    const seen: string[] = [];
    for await (const endpoint of openai.webhooks.list({ limit: 2 })) seen.push(endpoint.id);
    expect(seen.slice().sort().reverse()).toEqual(seen);
    expect(new Set(seen)).toEqual(new Set([made.id, ...more.map(({ id }) => id)]));
    const changed = await openai.webhooks.update(made.id, { event_types: ['video.completed'], name: 'renamed' });
    expect(changed).toMatchObject({ id: made.id, name: 'renamed', url: PARAMS.url, event_types: ['video.completed'] });
    expect(await openai.webhooks.update(made.id)).toMatchObject({ name: 'renamed' });
    for (const { id } of more)
      expect(await openai.webhooks.delete(id)).toEqual({ id, object: 'webhook_endpoint.deleted', deleted: true });
    await expect(openai.webhooks.retrieve(more[0]!.id)).rejects.toBeInstanceOf(OpenAI.NotFoundError);
    await expect(server.client('other').webhooks.retrieve(made.id)).rejects.toBeInstanceOf(OpenAI.NotFoundError);
    expect((await server.client('other').webhooks.list()).data).toEqual([]);
    await openai.webhooks.delete(made.id);
  });

  test('verifies what an endpoint is sent, before, while and after its secret rotates', async () => {
    const made = await openai.webhooks.create(PARAMS);
    const send = async () => {
      await enqueueDeliveries(server.world.ports, server.world.event(), null);
      await deliverDue(server.world.ports, 10);
      return server.world.sent.at(-1)!;
    };
    const unwrap = ({ body, headers }: { body: string; headers: Readonly<Record<string, string>> }, secret: string) =>
      openai.webhooks.unwrap(body, headers, secret);
    const event = await unwrap(await send(), made.signing_secret);
    expect(event).toMatchObject({
      object: 'event',
      type: 'video.completed',
      data: { id: expect.stringMatching(/^video_/) },
    });
    const rotated = await openai.webhooks.rotateSecret(made.id, { keep_old_secret_active_for_24_hours: true });
    expect(rotated.signing_secret).not.toBe(made.signing_secret);
    const during = await send();
    for (const secret of [made.signing_secret, rotated.signing_secret]) await unwrap(during, secret);
    const last = await openai.webhooks.rotateSecret(made.id);
    const after = await send();
    await unwrap(after, last.signing_secret);
    await expect(unwrap(after, rotated.signing_secret)).rejects.toBeInstanceOf(OpenAI.InvalidWebhookSignatureError);
    await expect(unwrap({ ...after, body: `${after.body} ` }, last.signing_secret)).rejects.toThrow();
    await openai.webhooks.delete(made.id);
  });

  test('tests an endpoint and gets its status, or an error that says why there is none', async () => {
    const { id } = await openai.webhooks.create(PARAMS);
    server.world.answer = () => status(418);
    expect(await openai.webhooks.test(id, { event_type: 'video.failed' })).toEqual({
      object: 'webhook_endpoint.test',
      webhook_endpoint_id: id,
      event_type: 'video.failed',
      status_code: 418,
      success: true,
    });
    server.world.answer = () => ({ failure: 'certificate_refused', ms: 3 });
    const error = await openai.webhooks.test(id, { event_type: 'video.failed' }).catch(e => e);
    expect(error).toBeInstanceOf(OpenAI.BadRequestError);
    expect(error).toMatchObject({ param: 'url', message: expect.stringContaining('certificate_refused') });
    server.world.answer = () => status(200);
    await openai.webhooks.delete(id);
  });

  test('lists the event types, and gets its error classes with the field in `param`', async () => {
    expect((await openai.webhooks.eventTypes.list()).data).toEqual([
      'video.completed',
      'video.failed',
      'video.cancelled',
      'budget.reached',
    ]);
    const error = await openai.webhooks.create({ ...PARAMS, url: 'https://169.254.169.254/' }).catch(e => e);
    expect(error).toBeInstanceOf(OpenAI.BadRequestError);
    expect(error).toMatchObject({ param: 'url', code: 'invalid_request' });
    expect(error.message).toContain('no public address');
    await expect(openai.webhooks.retrieve('whe_nope')).rejects.toBeInstanceOf(OpenAI.NotFoundError);
    const stranger = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: '-', maxRetries: 0 });
    await expect(stranger.webhooks.list()).rejects.toBeInstanceOf(OpenAI.AuthenticationError);
  });
});

describe('beyond the client', () => {
  test('the default secret verifies deliveries to the URL that a job brought along', async () => {
    const { body } = await server.call('GET', '/v1/webhooks/default/secret');
    expect(body).toEqual({ key: expect.stringMatching(/^whsec_/) });
    expect((await server.call('GET', '/v1/webhooks/default/secret')).body).toEqual(body);
    await enqueueDeliveries(server.world.ports, server.world.event(), 'https://job.example/');
    await deliverDue(server.world.ports, 10);
    const sent = server.world.sent.at(-1)!;
    await openai.webhooks.unwrap(sent.body, sent.headers, body.key);
    const next = await server.call('POST', '/v1/webhooks/default/secret/rotate');
    expect(next.body.key).not.toBe(body.key);
  });

  test('deliveries are listed, replayed by their id, and an endpoint can be switched off and on', async () => {
    const { id } = await openai.webhooks.create(PARAMS);
    server.world.answer = () => status(500, 12);
    const event = server.world.event('failed');
    await enqueueDeliveries(server.world.ports, event, null);
    await deliverDue(server.world.ports, 10);
    const path = `/v1/webhook_endpoints/${id}/deliveries`;
    const { body } = await server.call('GET', path);
    expect(body).toMatchObject({ object: 'list', has_more: false, first_id: body.data[0].id });
    expect(body.data).toMatchObject([
      {
        object: 'webhook_delivery',
        webhook_endpoint_id: id,
        webhook_url: null,
        event_id: event.id,
        event_type: 'video.failed',
        status: 'pending',
        tries: 1,
        log: [{ status_code: 500, error: null, duration_ms: 12 }],
      },
    ]);
    expect(body.data[0].next_try_at).toBeGreaterThan(body.data[0].created_at);
    const replayed = await server.call('POST', `/v1/webhook_deliveries/${body.data[0].id}/replay`);
    expect([replayed.status, replayed.body.tries]).toEqual([200, 0]);
    const off = await server.call('POST', `/v1/webhook_endpoints/${id}`, { enabled: false });
    expect(off.body).toMatchObject({ enabled: false, disabled_reason: 'by_owner' });
    const refused = await server.call('POST', `/v1/webhook_deliveries/${body.data[0].id}/replay`);
    expect([refused.status, refused.body.error.message]).toEqual([400, expect.stringContaining('enable it first')]);
    const on = await server.call('POST', `/v1/webhook_endpoints/${id}`, { enabled: true });
    expect(on.body).toMatchObject({ enabled: true, disabled_reason: null });
    for (const query of ['limit=0', 'limit=101', 'order=asc', 'after=x'])
      expect((await server.call('GET', `${path}?${query}`)).status, query).toBe(400);
    expect((await server.call('POST', '/v1/webhook_deliveries/nope/replay')).status).toBe(404);
    server.world.answer = () => status(200);
    await openai.webhooks.delete(id);
    expect((await server.call('GET', path)).status).toBe(404);
  });
});
