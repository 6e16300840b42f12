import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseKeyFields } from '#core/accounts/key-input.ts';
import { createKey } from '#core/accounts/keys.ts';
import type { CardServer } from './card-server.ts';
import { callAs, doAs, OPERATOR, startKeyedServer, strangeId, tenantScopes } from './two-tenants.ts';

let server: CardServer;
beforeAll(async () => {
  server = await startKeyedServer();
  for (const id of ['acme', 'bolt']) await doAs(server, OPERATOR, 'POST', '/v1/tenants', { id });
});
afterAll(() => server.close());

const make = (key: string, fields: object) => doAs(server, key, 'POST', '/v1/keys', fields);
const refusedAs = async (key: string, method: string, path: string, fields?: unknown) => {
  const { status, text } = await callAs(server, key, method, path, fields);
  return [status, JSON.parse(text).error.message];
};

describe('a key', () => {
  test('is shown once, is listed without its text, and opens what its scopes say', async () => {
    const made = await make(OPERATOR, { tenant: 'acme', name: 'render farm', scopes: ['videos:read'] });
    expect(made).toMatchObject({ object: 'api_key', tenant: 'acme', status: 'live' });
    expect(made.key).toMatch(/^rly_test_/);
    const { text } = await callAs(server, OPERATOR, 'GET', '/v1/keys?tenant=acme');
    expect(text).toContain(made.id);
    expect(text).not.toContain(made.key.slice(30));
    expect((await callAs(server, made.key, 'GET', '/v1/videos')).status).toBe(200);
    expect(await refusedAs(made.key, 'POST', '/v1/videos', { prompt: 'x' })).toEqual([
      403,
      'Authorization: this key lacks the scope "videos:write".',
    ]);
  });

  test('that is revoked, expired, malformed, unknown or missing gets the same answer, which does not say which', async () => {
    const revoked = await make(OPERATOR, { tenant: 'acme', name: 'revoked' });
    const gone = await doAs(server, OPERATOR, 'DELETE', `/v1/keys/${revoked.id}?tenant=acme`);
    expect(gone).toMatchObject({ status: 'revoked', id: revoked.id });
    const { deps } = server;
    const past = { ...deps, environment: 'test', now: () => deps.now() - 60_000 };
    const fields = parseKeyFields({ name: 'expired', expires_at: Math.floor(deps.now() / 1000) - 1 }, past.now());
    const expired = await createKey(past, 'acme', fields);
    const answers = new Set<string>();
    for (const key of [revoked.key, expired.text, 'rly_live_x', strangeId(revoked.key), 'other', '']) {
      const { status, text, headers } = await callAs(server, key, 'GET', '/v1/videos');
      answers.add(JSON.stringify([status, text, headers.get('www-authenticate'), headers.get('x-should-retry')]));
    }
    expect([...answers]).toEqual([expect.stringMatching(/^\[401,.*a valid API key is required.*"Bearer","false"\]$/)]);
  });

  test('gives away no scope that it lacks, neither in a new key nor in one that it rotates', async () => {
    const admin = await make(OPERATOR, { tenant: 'acme', name: 'admin', scopes: tenantScopes });
    const grand = await make(OPERATOR, { tenant: 'acme', name: 'grand', scopes: ['tenants:admin'] });
    expect((await refusedAs(admin.key, 'POST', '/v1/keys', { name: 'x', scopes: ['tenants:admin'] }))[0]).toBe(400);
    expect(await refusedAs(admin.key, 'POST', `/v1/keys/${grand.id}/rotate`)).toEqual([
      403,
      'id: this key has the scope "tenants:admin", which the one that asks lacks.',
    ]);
    expect((await refusedAs(admin.key, 'POST', '/v1/keys', { name: 'x', tenant: 'bolt' }))[0]).toBe(403);
    const own = await make(admin.key, { name: 'mine', budget: { day: '10' } });
    expect(own).toMatchObject({ tenant: 'acme', budget: { day: '10.00', month: null } });
    const next = await doAs(server, admin.key, 'POST', `/v1/keys/${own.id}/rotate`, { keep_old_hours: 1 });
    expect(next).toMatchObject({ rotated_from: own.id, scopes: own.scopes, budget: own.budget });
    for (const { key } of [own, next]) expect((await callAs(server, key, 'GET', '/v1/videos')).status).toBe(200);
  });

  test('says every thing that is wrong with what it is to be', async () => {
    const bad = { name: '', scopes: ['x'], budget: { week: 1 }, expires_at: 5, colour: 'red' };
    const [status, message] = await refusedAs(OPERATOR, 'POST', '/v1/keys', bad);
    expect(status).toBe(400);
    for (const path of ['name:', 'scopes:', 'budget.week:', 'expires_at:', 'colour:']) expect(message).toContain(path);
    for (const body of [[], 'x', null, 7]) expect((await refusedAs(OPERATOR, 'POST', '/v1/keys', body))[0]).toBe(400);
    expect((await refusedAs(OPERATOR, 'GET', '/v1/keys?limit=1'))[1]).toContain('limit: unknown');
  });
});

describe('a tenant', () => {
  test('is made, listed, read and set; its suspension is told to its keys, and to nobody else', async () => {
    await doAs(server, OPERATOR, 'POST', '/v1/tenants', { id: 'crow', limits: { queued_jobs: 2 } });
    const { key } = await make(OPERATOR, { tenant: 'crow', name: 'k' });
    const set = { suspended: true, limits: { models: ['a'] }, budget: { month: '500' } };
    expect(await doAs(server, OPERATOR, 'POST', '/v1/tenants/crow', set)).toMatchObject({
      ...{ id: 'crow', object: 'tenant', suspended: true, budget: { day: null, month: '500.00' } },
      limits: { queued_jobs: 2, models: ['a'], requests_per_minute: null },
    });
    expect(await refusedAs(key, 'GET', '/v1/videos')).toEqual([
      403,
      'This account is suspended; ask whoever runs this server.',
    ]);
    const page = await doAs(server, OPERATOR, 'GET', '/v1/tenants?limit=2');
    expect([page.data.map((one: { id: string }) => one.id), page.has_more]).toEqual([['acme', 'bolt'], true]);
    expect((await doAs(server, OPERATOR, 'GET', '/v1/tenants?after=bolt')).data).toHaveLength(1);
    expect(await doAs(server, OPERATOR, 'GET', '/v1/tenants/local')).toMatchObject({ id: 'local', suspended: false });
    expect((await refusedAs(OPERATOR, 'GET', '/v1/tenants/nobody'))[0]).toBe(404);
    expect((await refusedAs(OPERATOR, 'POST', '/v1/tenants', { id: 'crow' }))[1]).toContain('there is a tenant');
    expect((await refusedAs(OPERATOR, 'POST', '/v1/tenants', { id: '../x' }))[0]).toBe(400);
  });

  test('has so many requests a minute, and is told when the next one goes through', async () => {
    await doAs(server, OPERATOR, 'POST', '/v1/tenants', { id: 'dove', limits: { requests_per_minute: 3 } });
    const { key } = await make(OPERATOR, { tenant: 'dove', name: 'k' });
    for (let n = 0; n < 3; n++) expect((await callAs(server, key, 'GET', '/v1/videos')).status).toBe(200);
    const { status, headers } = await callAs(server, key, 'GET', '/v1/videos');
    expect([status, headers.get('x-should-retry')]).toEqual([429, 'true']);
    expect(Number(headers.get('retry-after-ms'))).toBeGreaterThan(15_000);
    expect((await callAs(server, OPERATOR, 'GET', '/v1/videos')).status).toBe(200);
  });

  test("has its installation's budget above it, which its operator sets", async () => {
    const none = { object: 'installation', budget: { day: null, month: null } };
    expect(await doAs(server, OPERATOR, 'GET', '/v1/installation')).toEqual(none);
    const set = await doAs(server, OPERATOR, 'POST', '/v1/installation', { budget: { day: '100' } });
    expect(set).toEqual({ object: 'installation', budget: { day: '100.00', month: null } });
    expect(await doAs(server, OPERATOR, 'GET', '/v1/installation')).toEqual(set);
    expect((await refusedAs(OPERATOR, 'POST', '/v1/installation', { budget: 5, x: 1 }))[0]).toBe(400);
    await doAs(server, OPERATOR, 'POST', '/v1/installation', { budget: {} });
  });
});

describe('on a server that only its machine reaches', () => {
  test('no key of ours is needed, and one that is shown counts: right or wrong', async () => {
    const open = await startKeyedServer(true);
    try {
      await doAs(open, '', 'POST', '/v1/tenants', { id: 'acme' });
      const { key } = await doAs(open, '', 'POST', '/v1/keys', { tenant: 'acme', name: 'k' });
      await doAs(open, 'unused', 'POST', '/v1/videos', { prompt: 'of local' });
      expect((await doAs(open, '', 'GET', '/v1/videos')).data).toHaveLength(1);
      expect((await doAs(open, key, 'GET', '/v1/videos')).data).toEqual([]);
      for (const wrong of [strangeId(key), 'rly_wrong'])
        expect((await callAs(open, wrong, 'GET', '/v1/videos')).status).toBe(401);
    } finally {
      await open.close();
    }
  });
});
