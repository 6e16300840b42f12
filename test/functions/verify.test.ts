/** POST /v1/verify over HTTP: what it answers, to whom it names a job, and what it refuses. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { localPrincipal } from '#core/accounts/authenticate.ts';
import { defaultTenant } from '#core/accounts/tenant.ts';
import { limits } from '#core/limits.ts';
import { makeImage } from '#test/media/make-media.ts';
import { JOB, openWorld, type World } from '#test/provenance/verify/world.ts';
import { type ApiServer, startApi } from './api-server.ts';
import { type CardServer, startCardServer } from './card-server.ts';
import { keyIsTenant } from './key-is-tenant.ts';

let world: World;
let ours: Uint8Array;
let server: ApiServer;
beforeAll(async () => {
  world = await openWorld();
  ours = await world.make({ frames: 4 });
  server = await startApi({ dataFolder: world.folder, work: false });
});
afterAll(async () => {
  await server.close();
  await world.close();
});

function formOf(file: Uint8Array | string, fields: Record<string, string> = {}): FormData {
  const form = new FormData();
  if (typeof file === 'string') form.set('file', file);
  else form.set('file', new Blob([new Uint8Array(file)]), 'clip.mp4');
  for (const [name, value] of Object.entries(fields)) form.set(name, value);
  return form;
}
const ask = (file: Uint8Array | string, fields?: Record<string, string>) =>
  server.call('POST', '/v1/verify', { body: formOf(file, fields) });

describe('POST /v1/verify on a data folder', () => {
  test('says of a file that the installation made that it is unaltered, with model, odds and job, and no tenant', async () => {
    const { status, body } = await ask(ours);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      object: 'verdict',
      kind: 'ours_unaltered',
      c2pa: { state: 'valid' },
      watermark: { state: 'found', agreeing_bits: 128, of_bits: 128 },
      registry: { state: 'match', job: JOB.id, same_bytes: true },
    });
    expect(JSON.stringify(body)).not.toContain(JOB.tenant);
  });

  test('searches parts of the frame where it is asked to, and only then', async () => {
    const picture = await makeImage('png', 96, 64);
    expect((await ask(picture)).body).toMatchObject({ kind: 'unknown', watermark: { searched: false } });
    expect((await ask(picture, { search: 'true' })).body).toMatchObject({
      kind: 'unknown',
      watermark: { searched: true },
    });
  });

  test('a file of any kind gets an answer, and a body that brings none is told what is missing', async () => {
    const text = await ask(Buffer.from('hello'));
    expect([text.status, text.body.kind]).toEqual([200, 'unchecked']);
    expect((await ask(new Uint8Array())).body).toMatchObject({ kind: 'unchecked' });
    const cases: [string, RequestInit, number, string | null][] = [
      ['a text', { body: formOf('not a file') }, 400, 'file'],
      ['a wrong word', { body: formOf(ours, { search: 'perhaps' }) }, 400, 'search'],
      ['an unknown field', { body: formOf(ours, { key: 'x' }) }, 400, 'key'],
      ['JSON without a file', { body: '{}', headers: { 'content-type': 'application/json' } }, 400, 'file'],
      ['bytes alone', { body: Buffer.from(ours), headers: { 'content-type': 'video/mp4' } }, 415, null],
      ['too much', { body: formOf(new Uint8Array(limits.maxMultipartBytes + 1)) }, 413, null],
    ];
    for (const [name, init, status, param] of cases) {
      const answer = await server.call('POST', '/v1/verify', init);
      expect([name, answer.status, answer.body.error.param]).toEqual([name, status, param]);
    }
  });
});

describe('POST /v1/verify where nothing can be decoded', () => {
  let cards: CardServer;
  beforeAll(async () => {
    cards = await startCardServer([], () => ({
      ...keyIsTenant,
      authenticate: async authorization => {
        const id = (authorization ?? '').replace('Bearer ', '');
        const principal = localPrincipal({ ...defaultTenant, id });
        if (id === 'operator') return principal;
        return { ...principal, scopes: id === 'reader' ? ['videos:read'] : ['verify'] };
      },
    }));
    for (const space of ['marks/payloads', 'marks/jobs'])
      for (const entry of await world.kv.list(space, { limit: 9 })) await cards.deps.kv.put(entry);
  });
  afterAll(() => cards.close());
  const askAs = (tenant: string, file: Uint8Array) =>
    cards.call('POST', '/v1/verify', { body: formOf(file), headers: { authorization: `Bearer ${tenant}` } });

  test('the very bytes are known by the registry; the job is named to its own tenant and the operator only', async () => {
    for (const tenant of [JOB.tenant, 'operator', 'stranger']) {
      const { status, body } = await askAs(tenant, ours);
      expect([status, body.kind, body.registry.same_bytes]).toEqual([200, 'ours_unaltered', true]);
      expect([tenant, body.registry.job]).toEqual([tenant, tenant === 'stranger' ? null : JOB.id]);
    }
  });

  test('what it cannot look at it calls unchecked, and says what can', async () => {
    const other = ours.slice();
    other[other.length - 1]! ^= 1;
    const { body } = await askAs('stranger', other);
    expect(body).toMatchObject({ kind: 'unchecked', c2pa: { state: 'unchecked' }, watermark: { state: 'unchecked' } });
    expect(body.sentences.join(' ')).toMatch(/npx reelay verify.*nothing here says whether it was made by AI/);
  });

  test('a key without the scope is told which it lacks, and a tenant has a rate of its own', async () => {
    const refused = await askAs('reader', ours);
    expect([refused.status, refused.body.error.message]).toEqual([403, expect.stringContaining('"verify"')]);
    const statuses: number[] = [];
    for (let i = 0; i <= limits.verifyPerMinute; i++) statuses.push((await askAs('eager', Buffer.from('x'))).status);
    expect(statuses.slice(0, limits.verifyPerMinute).every(status => status === 200)).toBe(true);
    expect(statuses.at(-1)).toBe(429);
    expect((await askAs('patient', Buffer.from('x'))).status).toBe(200);
  });
});
