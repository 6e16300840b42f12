import { createHash } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { sealLimits } from '#core/audit/seal-limits.ts';
import { noteSubjectJob } from '#core/audit/subject-jobs.ts';
import { CARD } from '#test/core/model-card.ts';
import { type CardServer, startCardServer } from './card-server.ts';

let api: CardServer;
beforeEach(async () => {
  api = await startCardServer([CARD]);
});
afterEach(() => api.close());

const NAME = 'Ann Ex/ample@b.org';
const route = `/v1/subjects/${encodeURIComponent(NAME)}`;

test('a person is exported with what is kept, and erased for good', async () => {
  const made = await api.post('/v1/videos', { prompt: 'ann dances', user: NAME });
  await api.post('/v1/videos', { prompt: 'bob dances', user: 'bob' });
  const others = await api.post('/v1/videos', { prompt: 'nobody dances' });
  await api.finish();
  const { body: told } = await api.call('GET', `${route}/export`);
  expect(told).toMatchObject({
    object: 'subject.export',
    has_more: false,
    data: [{ id: made.body.id, prompt: 'ann dances' }],
  });
  expect(told.data[0].files.map(({ variant }: { variant: string }) => variant)).toContain('video');
  expect(told.sha256).toBe(createHash('sha256').update(JSON.stringify(told.data)).digest('hex'));

  const { status, body: gone } = await api.call('DELETE', route);
  expect([status, gone]).toEqual([
    200,
    { object: 'subject.deleted', deleted: true, erased_at: expect.any(Number), removed: 1 },
  ]);
  expect((await api.call('GET', `/v1/videos/${made.body.id}`)).status).toBe(404);
  expect((await api.call('GET', `${route}/export`)).body.data).toEqual([]);
  const again = await api.post('/v1/videos', { prompt: 'ann again', user: NAME });
  expect([again.status, again.body.error.code]).toEqual([403, 'forbidden']);
  const left = await api.call('GET', '/v1/videos');
  expect(left.body.data.map(({ prompt }: { prompt: string }) => prompt)).toEqual(['nobody dances', 'bob dances']);
  expect((await api.call('GET', `/v1/videos/${others.body.id}`)).body.erased).toBe(false);
  expect((await api.call('DELETE', route)).status).toBe(200);
});

test('an export goes on where its page ended', async () => {
  const { body: made } = await api.post('/v1/videos', { prompt: 'x', user: 'ann' });
  const { subject } = (await api.deps.store.load(made.id))!;
  // Notes of jobs that were never made, which sort before it.
  for (let n = 0; n < sealLimits.exportPage; n++)
    await noteSubjectJob(api.deps.kv, { id: `video_${String(n).padStart(26, '0')}`, tenant: 'local', subject });
  const { body: first } = await api.call('GET', '/v1/subjects/ann/export');
  expect([first.data, first.has_more]).toEqual([[], true]);
  const { body: second } = await api.call('GET', `/v1/subjects/ann/export?after=${first.last_id}`);
  expect([second.data.map(({ id }: { id: string }) => id), second.has_more, second.last_id]).toEqual([
    [made.id],
    false,
    null,
  ]);
});

test('a video whose prompts are gone says so, and opens no receipt', async () => {
  const { body } = await api.post('/v1/videos', { prompt: 'x' });
  await api.finish();
  const job = (await api.deps.store.load(body.id))!;
  await api.deps.store.transition(
    job.id,
    { status: 'completed', attempt: job.attempt },
    { sealed: null, erased: true },
  );
  const now = await api.call('GET', `/v1/videos/${body.id}`);
  expect(now.body).toMatchObject({ prompt: null, negative_prompt: null, erased: true, status: 'completed' });
  const opening = await api.call('GET', `/v1/videos/${body.id}/receipt?part=opening`);
  expect(opening.body.error.code).toBe('expired');
  const remixed = await api.post(`/v1/videos/${body.id}/remix`, { prompt: 'y' });
  expect(remixed.body.error.code).toBe('expired');
});
