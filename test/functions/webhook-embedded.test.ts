import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readEvents } from '#adapters/local/local-event-bus.ts';
import { parseAllowList } from '#core/webhooks/allow-list.ts';
import { type Receiver, startReceiver } from '#test/adapters/http/receivers.ts';
import { cli } from '#test/local/server-process.ts';
import { type ApiServer, startApi } from './api-server.ts';

let api: ApiServer;
let openai: OpenAI;
let hooks: Receiver;
let status = 200;

beforeAll(async () => {
  hooks = await startReceiver(response => response.writeHead(status).end());
  api = await startApi({ webhookAllow: parseAllowList(`127.0.0.1:${hooks.port}`) });
  openai = new OpenAI({ baseURL: `${api.url}/v1`, apiKey: 'not-needed-on-loopback' });
});
afterAll(async () => {
  await api.close();
  await hooks.close();
});

const at = (path: string) => `http://127.0.0.1:${hooks.port}${path}`;
const command = (args: string[]) =>
  cli(['webhooks', ...args], { REELAY_DATA: api.folder, REELAY_WEBHOOK_ALLOW: `127.0.0.1:${hooks.port}` });

async function arrived(path: string, count = 1) {
  for (let looks = 0; looks < 600; looks++) {
    const found = hooks.requests.filter(request => request.path === path);
    if (found.length >= count) return found;
    await new Promise(done => setTimeout(done, 50));
  }
  throw new Error(`nothing came to ${path}`);
}

describe('a video that is done', () => {
  test('is told to the endpoint and to the URL that its job brought along, signed for the unmodified client', async () => {
    const endpoint = await openai.webhooks.create({ name: 'all', url: at('/all'), event_types: ['video.completed'] });
    const { body: own } = await api.call('GET', '/v1/webhooks/default/secret');
    const video = await api.post({
      prompt: 'a quiet star',
      num_inference_steps: 1,
      webhook_url: at('/own?token=hush'),
    });
    const [toAll] = await arrived('/all');
    const [toOwn] = await arrived('/own?token=hush');
    for (const [request, secret] of [
      [toAll!, endpoint.signing_secret],
      [toOwn!, own.key],
    ] as const) {
      const event = await openai.webhooks.unwrap(request.body, request.headers, secret);
      expect(event).toMatchObject({ object: 'event', type: 'video.completed', data: { id: video.id } });
      expect(await openai.videos.retrieve((event.data as { id: string }).id)).toMatchObject({ status: 'completed' });
    }
    const { stdout } = await command(['list']);
    expect(stdout).toContain(`${endpoint.id}  enabled  all  ${at('/all')}`);
    const [delivery] = (await command(['log', endpoint.id, '--json'])).stdout.trim().split('\n');
    expect(JSON.parse(delivery!)).toMatchObject({ status: 'delivered', event_type: 'video.completed', tries: 1 });
    expect((await command(['log'])).stdout).toContain('delivered  1 tries, 200 after');
    const { id } = JSON.parse(delivery!);
    expect((await command(['replay', id])).stdout).toBe(`${id}  due now\n`);
    const again = await arrived('/all', 2);
    expect(again[1]!.headers['webhook-id']).toBe(again[0]!.headers['webhook-id']);
    expect(await command(['test', endpoint.id])).toMatchObject({ code: 0, stdout: `${endpoint.id} answered 200\n` });
    status = 500;
    expect(await command(['test', endpoint.id])).toMatchObject({ code: 1, stdout: `${endpoint.id} answered 500\n` });
    status = 200;
    expect(await command(['replay', 'nope'])).toMatchObject({ code: 1, stdout: '' });
    expect((await command(['log', '--limit', 'x'])).code).toBe(2);
    await openai.webhooks.delete(endpoint.id);
  }, 180_000);

  test('410 disables its endpoint, and the operator reads that among the events', async () => {
    const endpoint = await openai.webhooks.create({
      name: 'gone',
      url: at('/gone'),
      event_types: ['video.failed', 'video.completed'],
    });
    status = 410;
    await api.post({ prompt: 'a ring', num_inference_steps: 1 });
    await arrived('/gone');
    const types: string[] = [];
    for (let looks = 0; looks < 400 && types.length < 2; looks++) {
      types.length = 0;
      for await (const event of readEvents(join(api.folder, 'events.jsonl')))
        if (String(event.type).startsWith('webhook.')) types.push(event.type);
      await new Promise(done => setTimeout(done, 50));
    }
    status = 200;
    expect(types).toEqual(['webhook.delivery_dead', 'webhook.endpoint_disabled']);
    expect(await openai.webhooks.retrieve(endpoint.id)).toMatchObject({ enabled: false, disabled_reason: 'gone' });
    expect((await command(['list'])).stdout).toContain('disabled (gone');
    await openai.webhooks.delete(endpoint.id);
  });

  test('is not told to what only this machine reaches, unless the operator named it', async () => {
    for (const url of [at('/x').replace(String(hooks.port), '1'), 'https://localhost/x', 'https://169.254.169.254/']) {
      const { status: code, body } = await api.call('POST', '/v1/videos', {
        body: JSON.stringify({ prompt: 'x', webhook_url: url }),
        headers: { 'content-type': 'application/json' },
      });
      expect([code, body.error.param], url).toEqual([400, 'webhook_url']);
    }
  });

  test('leaves no secret, signature or URL in the log', async () => {
    const log = await readFile(join(api.folder, 'log.jsonl'), 'utf8');
    for (const word of ['whsec_', 'v1,', 'token=hush', `${hooks.port}/`]) expect(log).not.toContain(word);
  });
});
