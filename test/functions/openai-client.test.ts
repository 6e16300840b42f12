import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import OpenAI from 'openai';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readEvents } from '#adapters/local/local-event-bus.ts';
import { limits } from '#core/limits.ts';
import { type ApiServer, startApi } from './api-server.ts';

let api: ApiServer;
let openai: OpenAI;

beforeAll(async () => {
  api = await startApi();
  openai = new OpenAI({ baseURL: `${api.url}/v1`, apiKey: 'not-needed-on-loopback' });
});
afterAll(() => api.close());

/** Fields the client's types do not know pass through it untouched. */
const create = (fields: Record<string, unknown>) => openai.videos.create(fields as never);

describe('the unmodified openai client', () => {
  test('creates a video, waits for it, and downloads video, thumbnail and spritesheet', async () => {
    const video = await create({
      prompt: 'a red circle bouncing over a dark blue background',
      seconds: '2',
      seed: 7,
      num_inference_steps: 2,
    });
    expect(video).toMatchObject({
      object: 'video',
      status: 'queued',
      progress: 0,
      seconds: '2',
      size: '256x256',
      error: null,
    });
    await api.ended(video.id);
    const done = await openai.videos.retrieve(video.id);
    expect(done).toMatchObject({
      status: 'completed',
      progress: 100,
      prompt: 'a red circle bouncing over a dark blue background',
      seed: 7,
    });
    expect(done.completed_at).toBeGreaterThanOrEqual(done.created_at);

    const mp4 = Buffer.from(await (await openai.videos.downloadContent(video.id)).arrayBuffer());
    expect(mp4.subarray(4, 8).toString()).toBe('ftyp');
    const thumbnail = Buffer.from(
      await (await openai.videos.downloadContent(video.id, { variant: 'thumbnail' })).arrayBuffer(),
    );
    expect(await sharp(thumbnail).metadata()).toMatchObject({ format: 'webp', width: 256 });
    const sheet = Buffer.from(
      await (await openai.videos.downloadContent(video.id, { variant: 'spritesheet' })).arrayBuffer(),
    );
    expect(await sharp(sheet).metadata()).toMatchObject({ format: 'jpeg' });
  });

  test('lists with paging, oldest first or newest first, also after the cursor was deleted', async () => {
    const ids: string[] = [];
    for (let i = 0; i < 5; i++)
      ids.push((await create({ prompt: 'a blue star', num_inference_steps: 1, metadata: { batch: 'paging' } })).id);
    const walk = async (order: 'asc' | 'desc') => {
      const found: string[] = [];
      for await (const video of openai.videos.list({ limit: 2, order }))
        if (ids.includes(video.id)) found.push(video.id);
      return found;
    };
    expect(await walk('asc')).toEqual(ids);
    expect(await walk('desc')).toEqual(ids.toReversed());
    const filtered = await api.call('GET', '/v1/videos?metadata[batch]=paging&limit=100');
    expect(filtered.body).toMatchObject({ object: 'list', has_more: false, first_id: ids[4], last_id: ids[0] });
    await openai.videos.delete(ids[2]!);
    const rest = await openai.videos.list({ after: ids[2]!, order: 'asc' });
    expect(rest.data.map(video => video.id)).toEqual(ids.slice(3));
  });

  test('deletes: the video reads as unknown at once', async () => {
    const video = await create({ prompt: 'a green ring', num_inference_steps: 1 });
    expect(await openai.videos.delete(video.id)).toEqual({ id: video.id, object: 'video.deleted', deleted: true });
    await expect(openai.videos.retrieve(video.id)).rejects.toBeInstanceOf(OpenAI.NotFoundError);
    await expect(openai.videos.delete(video.id)).rejects.toBeInstanceOf(OpenAI.NotFoundError);
  });

  test('cancels a queued and a running job, which then never completes', async () => {
    const running = await create({ prompt: 'a pink heart', num_inference_steps: 50 });
    const queued = await create({ prompt: 'a pink heart', num_inference_steps: 50 });
    const cancel = (id: string) => openai.post(`/videos/${id}/cancel`) as Promise<{ status: string; state: string }>;
    expect(await cancel(queued.id)).toMatchObject({
      status: 'failed',
      state: 'cancelled',
      error: { code: 'cancelled' },
    });
    for (let looks = 0; looks < 300 && (await openai.videos.retrieve(running.id)).progress < 5; looks++)
      await new Promise(r => setTimeout(r, 30));
    const asked = Date.now();
    await cancel(running.id);
    const ended = await api.ended(running.id);
    expect(ended).toMatchObject({ status: 'failed', state: 'cancelled' });
    expect(Date.now() - asked).toBeLessThan(4_000);
    expect(await cancel(running.id)).toMatchObject({ state: 'cancelled' });
    const native = await api.call('GET', `/v1/videos/${queued.id}`, { headers: { 'x-reelay-status': 'native' } });
    expect(native.body.status).toBe('cancelled');
  });

  test('gets its error classes, with the field in `param` and the request id', async () => {
    const error = await create({ prompt: 'x', size: '1x1' }).catch(e => e);
    expect(error).toBeInstanceOf(OpenAI.BadRequestError);
    expect(error).toMatchObject({ status: 400, param: 'size', code: 'invalid_request', type: 'invalid_request_error' });
    expect(error.requestID).toMatch(/.+/);
    const waiting = await create({ prompt: 'a white square', num_inference_steps: 50 });
    const early = await openai.videos.downloadContent(waiting.id).catch(e => e);
    expect(early).toMatchObject({ status: 404, code: 'video_not_ready' });
    await openai.videos.delete(waiting.id);
  });

  test('lists and retrieves models', async () => {
    const models = await openai.models.list();
    expect(models.data.map(model => model.id)).toEqual(['reelay-mini']);
    expect(await openai.models.retrieve('reelay-mini')).toMatchObject({ object: 'model', owned_by: 'reelay' });
    await expect(openai.models.retrieve('nope')).rejects.toBeInstanceOf(OpenAI.NotFoundError);
  });
});

describe('beyond the client', () => {
  test('JSON and multipart come out alike', async () => {
    const form = new FormData();
    for (const [k, v] of Object.entries({ prompt: 'a ring', seed: '5', num_inference_steps: '1', 'metadata[a]': 'b' }))
      form.append(k, v);
    const multipart = (await api.call('POST', '/v1/videos', { body: form })).body;
    const json = await api.post({ prompt: 'a ring', seed: 5, num_inference_steps: 1, metadata: { a: 'b' } });
    for (const field of ['prompt', 'seed', 'num_inference_steps', 'metadata', 'seconds', 'size', 'model'])
      expect(json[field]).toEqual(multipart[field]);
  });

  test('content answers ranges and ETags', async () => {
    const { id } = await api.post({ prompt: 'a blue disc', num_inference_steps: 1 });
    await api.ended(id);
    const get = (headers: Record<string, string>, method = 'GET') =>
      fetch(`${api.url}/v1/videos/${id}/content`, { headers, method });
    const whole = await get({});
    const bytes = Buffer.from(await whole.arrayBuffer());
    const etag = whole.headers.get('etag')!;
    expect(whole.headers.get('content-type')).toBe('video/mp4');
    const part = await get({ range: 'bytes=10-19' });
    expect([part.status, part.headers.get('content-range')]).toEqual([206, `bytes 10-19/${bytes.length}`]);
    expect(Buffer.from(await part.arrayBuffer())).toEqual(bytes.subarray(10, 20));
    const tail = await get({ range: 'bytes=-5' });
    expect(Buffer.from(await tail.arrayBuffer())).toEqual(bytes.subarray(-5));
    const beyond = await get({ range: `bytes=${bytes.length}-` });
    expect([beyond.status, beyond.headers.get('content-range')]).toEqual([416, `bytes */${bytes.length}`]);
    expect((await get({ range: 'bytes=5-2' })).status).toBe(200);
    expect((await get({ 'if-none-match': etag })).status).toBe(304);
    expect((await get({ 'if-none-match': `"x", W/${etag}` })).status).toBe(304);
    const head = await get({}, 'HEAD');
    expect([head.status, head.headers.get('content-length')]).toEqual([200, String(bytes.length)]);
    expect((await api.call('GET', `/v1/videos/${id}/content?variant=poster`)).status).toBe(400);
  });

  test('event streams end with their clients', async () => {
    const { id } = await api.post({ prompt: 'a pink square', num_inference_steps: 50 });
    for (let i = 0; i < limits.sseMaxStreams + 10; i++) {
      const leave = new AbortController();
      const stream = await fetch(`${api.url}/v1/videos/${id}/events`, { signal: leave.signal });
      expect(stream.status).toBe(200);
      leave.abort();
      await stream.text().catch(() => undefined);
    }
    await api.call('DELETE', `/v1/videos/${id}`);
  });

  test('content that the store lost is a 404, not a 5xx', async () => {
    const { id } = await api.post({ prompt: 'a ring', num_inference_steps: 1 });
    await api.ended(id);
    await api.embedded.deps.blobs.deletePrefix(`videos/local/${id}/`);
    const lost = await api.call('GET', `/v1/videos/${id}/content`);
    expect([lost.status, lost.body.error.code]).toEqual([404, 'expired']);
  });

  test('server-sent events tell the progress and the end', async () => {
    const { id } = await api.post({ prompt: 'an orange triangle', num_inference_steps: 6 });
    const text = await (await fetch(`${api.url}/v1/videos/${id}/events`)).text();
    const events = [...text.matchAll(/^event: (\w+)\ndata: (.*)$/gm)].map(([, name, data]) => ({
      name,
      data: JSON.parse(data!),
    }));
    expect(events.at(-1)).toMatchObject({ name: 'done', data: { status: 'completed', progress: 100 } });
    const progress = events.map(event => event.data.progress);
    expect(progress.toSorted((a, b) => a - b)).toEqual(progress);
    const again = await (await fetch(`${api.url}/v1/videos/${id}/events`)).text();
    expect(again).toContain('event: done');
  });

  test('every job that ended left exactly one event, without its prompt', async () => {
    const { id } = await api.post({ prompt: 'a secret purple star', num_inference_steps: 1 });
    await api.ended(id);
    const events = [];
    for await (const event of readEvents(join(api.folder, 'events.jsonl'))) events.push(event);
    const ended = (await api.embedded.deps.store.list('local', { limit: 100, order: 'asc' })).jobs.filter(
      job => job.completedAtMs !== null,
    );
    for (const job of ended) expect(events.filter(event => event.subject === job.id)).toHaveLength(1);
    expect(events.find(event => event.subject === id)).toMatchObject({
      specversion: '1.0',
      type: 'video.completed',
      data: { status: 'completed' },
    });
    expect(JSON.stringify(events)).not.toContain('secret');
  });

  test('the log names requests and jobs and never a prompt', async () => {
    const log = await readFile(join(api.folder, 'log.jsonl'), 'utf8');
    expect(log).toContain('"route":"create"');
    for (const word of ['secret', 'circle', 'pink heart', 'not-needed-on-loopback']) expect(log).not.toContain(word);
  });
});
