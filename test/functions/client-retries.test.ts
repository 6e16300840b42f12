import { createServer, request as httpRequest, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ApiServer, startApi } from './api-server.ts';

let api: ApiServer;
/** Passes requests on; loses as many answers to POSTs as it is told, after the server has done its work. */
let proxy: Server;
let lose = 0;
let posts = 0;
let openai: OpenAI;

beforeAll(async () => {
  api = await startApi({ work: false });
  const target = new URL(api.url);
  proxy = createServer((request, response) => {
    const { method, headers, url: path } = request;
    const forward = httpRequest({ host: target.hostname, port: target.port, method, headers, path }, answer => {
      if (method === 'POST') posts++;
      if (method === 'POST' && lose-- > 0) {
        answer.resume();
        answer.on('end', () => request.socket.destroy());
        return;
      }
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    });
    request.pipe(forward);
  });
  await new Promise<void>(done => proxy.listen(0, '127.0.0.1', done));
  const baseURL = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}/v1`;
  openai = new OpenAI({ baseURL, apiKey: 'unused', maxRetries: 2 });
});
afterAll(async () => {
  proxy.closeAllConnections();
  proxy.close();
  await api.close();
});

const jobIds = async () => (await api.call('GET', '/v1/videos?limit=100')).body.data.map((video: any) => video.id);

describe('the unmodified openai client whose answers get lost', () => {
  test.each([1, 2])('%i times retries by itself and is given the one job it has', async lost => {
    const before = await jobIds();
    lose = lost;
    posts = 0;
    const video = await openai.videos.create({ prompt: `a red circle, lost ${lost}` } as never);
    expect(posts).toBe(lost + 1);
    const after = await jobIds();
    expect(after.filter((id: string) => !before.includes(id))).toEqual([video.id]);
  });

  test('makes two jobs of two equal calls', async () => {
    lose = 0;
    const fields = { prompt: 'the same twice', seed: 5 } as never;
    const [a, b] = [await openai.videos.create(fields), await openai.videos.create(fields)];
    expect(a.id).not.toBe(b.id);
  });

  test('with an Idempotency-Key makes one job of parallel equal calls, and a reused key is 422 without a retry', async () => {
    const headers = { 'Idempotency-Key': 'order-17' };
    const both = await Promise.all([1, 2].map(() => openai.videos.create({ prompt: 'keyed' } as never, { headers })));
    expect(both[0]!.id).toBe(both[1]!.id);
    posts = 0;
    const other = openai.videos.create({ prompt: 'not the same' } as never, { headers });
    await expect(other).rejects.toMatchObject({
      status: 422,
      code: 'idempotency_key_reused',
      param: 'Idempotency-Key',
    });
    expect(posts).toBe(1);
  });
});

describe('what a sender asks of the queue', () => {
  test('comes back on the video: priority, deadline, position', async () => {
    const deadline = Math.floor(Date.now() / 1000) + 3_600;
    const video = await api.post({ prompt: 'soon', priority: 'high', deadline });
    expect(video).toMatchObject({ priority: 'high', deadline, queue_position: 1, eta: null, checkpoint_step: null });
    expect((await api.call('GET', `/v1/videos/${video.id}`)).body.queue_position).toBe(1);
    const late = await api.post({ prompt: 'later', priority: 'low' });
    expect(late.queue_position).toBe((await jobIds()).length);
  });

  test.each([
    [{ priority: 'urgent' }, 'priority: got "urgent"; high, normal, low are allowed.'],
    [{ deadline: 5 }, /^deadline: got 5; Unix seconds after now/],
    [{ deadline: Date.now() }, /at most 366 days ahead/],
    [{ deadline: 'soon' }, 'deadline: expected a number, got "soon".'],
    [{ priority: 3 }, 'priority: expected a text, got 3.'],
  ])('is refused in words when it is wrong: %j', async (fields, message) => {
    const { error } = await api.post({ prompt: 'x', ...fields });
    expect(error).toMatchObject({ code: 'invalid_request', param: Object.keys(fields)[0] });
    expect(error.message).toEqual(typeof message === 'string' ? message : expect.stringMatching(message));
  });
});
