import { expect, test } from 'vitest';
import { CARD } from '#test/core/model-card.ts';
import { openDropWorld, until } from '#test/drop/drop-world.ts';
import { startCardServer } from '#test/functions/card-server.ts';
import { DENIED, UNASKED } from './policy-world.ts';

test('a likeness that nobody agreed to is refused at the API, by the drop folder and in a batch, before anything is held', async () => {
  const server = await startCardServer([CARD]);
  const drops = openDropWorld();
  try {
    const unasked = await server.post('/v1/videos', { prompt: UNASKED });
    expect(unasked).toMatchObject({
      status: 403,
      body: { error: { code: 'likeness_consent_required', type: 'permission_error' } },
    });
    expect(await server.post('/v1/videos', { prompt: DENIED })).toMatchObject({
      status: 403,
      body: { error: { code: 'policy_denied', param: 'prompt' } },
    });
    await drops.start();
    drops.moveIn('one.txt', UNASKED);
    drops.moveIn('many.jsonl', `${JSON.stringify({ prompt: 'a red ball' })}\n${JSON.stringify({ prompt: UNASKED })}\n`);
    const papers = await until(
      () => drops.names('rejected').filter(name => name.endsWith('.error.json')),
      names => names.length === 2,
    );
    const codes = papers.map(name => drops.json('rejected', name).error);
    expect(codes.map(error => error.code)).toEqual(['likeness_consent_required', 'likeness_consent_required']);
    expect(codes.find(error => /line 2/i.test(error.message))).toBeDefined();
    for (const { ports } of [{ ports: server.deps }, drops]) {
      expect((await ports.store.list('local', { limit: 9, order: 'asc' })).jobs).toEqual([]);
      expect(await ports.queue.depth()).toBe(0);
    }
  } finally {
    await drops.close();
    await server.close();
  }
});

test('the doors of the policy keep people apart by scope and by who they are', async () => {
  const server = await startCardServer([CARD]);
  try {
    const made = await server.post('/v1/videos', { prompt: 'photo of Martha Ellingworth by a lake' });
    expect(made.body).toMatchObject({ status: 'queued', stage: 'review' });
    const { body: queue } = await server.call('GET', '/v1/policy/reviews');
    const [item] = queue.data;
    expect(item).toMatchObject({ object: 'policy.review', video_id: made.body.id, state: 'waiting' });
    // Without keys whoever is at the machine is one person, who asked for it.
    for (const path of ['', '/approve', '/deny'])
      expect(await server.call(path === '' ? 'GET' : 'POST', `/v1/policy/reviews/${item.id}${path}`)).toMatchObject({
        status: 403,
        body: { error: { code: 'forbidden' } },
      });
    const acme = { headers: { authorization: 'Bearer acme' } };
    const path = `/v1/policy/reviews/${item.id}?tenant=local`;
    const seen = await server.call('GET', path, acme);
    expect(seen.body).toMatchObject({
      prompt: 'photo of Martha Ellingworth by a lake',
      blurred: true,
      reference: null,
    });
    const approve = await server.call('POST', path.replace('?', '/approve?'), acme);
    expect(approve).toMatchObject({ status: 200, body: { state: 'approved', decided_by: 'acme/local' } });
    expect((await server.call('GET', `/v1/videos/${made.body.id}`)).body.stage).toBe(null);
    const consent = {
      subject: 'Martha Ellingworth',
      names: ['Martha Ellingworth'],
      evidence_sha256: 'e'.repeat(64),
      valid_to: Math.floor(Date.now() / 1000) + 1_000,
    };
    const { body } = await server.post('/v1/policy/consents', consent);
    expect(body).toMatchObject({ object: 'policy.consent', names: 1, attested_by: 'local/local' });
    expect((await server.call('GET', '/v1/policy/consents')).body.data).toHaveLength(1);
    const gone = await server.call('DELETE', `/v1/policy/consents/${body.id}`);
    expect(gone.body).toMatchObject({ revoked_at: expect.any(Number), outputs: { data: [] } });
    expect((await server.call('GET', '/v1/policy/reviews/rev_x')).status).toBe(404);
    const wrong = await server.post('/v1/policy/appeals', { refusal: 'rev_x', reason: 'x' });
    expect(wrong.status).toBe(404);
  } finally {
    await server.close();
  }
});
