import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { localPrincipal, unauthorized } from '#core/accounts/authenticate.ts';
import { dayOf } from '#core/accounts/periods.ts';
import { parsePriceList } from '#core/accounts/price-list.ts';
import { createTenant } from '#core/accounts/tenants.ts';
import { relay } from '#core/jobs/relay.ts';
import { sha256 } from '#test/accounts/account-world.ts';
import { CARD } from '#test/core/model-card.ts';
import { type CardServer, startCardServer } from './card-server.ts';
import { keyIsTenant } from './key-is-tenant.ts';

const PRICES = JSON.stringify({
  version: '2026-11',
  prices: { '*': { unit: 'output_second', rates: { '*': '0.12' } } },
});
const SECONDS = CARD.defaults.frames / CARD.defaults.fps;
const PRICE = (SECONDS * 0.12).toFixed(2);

let server: CardServer;
beforeAll(async () => {
  const prices = parsePriceList(PRICES, 'REELAY_PRICES', sha256);
  server = await startCardServer(
    [CARD],
    ports => ({
      ...keyIsTenant,
      authenticate: async header => {
        const tenant = /^Bearer (\w+)$/.exec(header ?? '')?.[1];
        if (tenant === undefined) return unauthorized();
        const principal = localPrincipal(await ports.accounts.tenant(tenant));
        return tenant === 'operator'
          ? principal
          : { ...principal, scopes: ['videos:write', 'videos:read', 'usage:read'] };
      },
    }),
    { prices },
  );
  const budget = { month: (2.5 * Number(PRICE)).toFixed(6) };
  for (const id of ['acme', 'poor']) await createTenant(server.deps, id, { budget });
});
afterAll(() => server.close());

const as = (tenant: string, method: string, path: string, fields?: unknown, accept?: string) =>
  server.call(method, path, {
    headers: {
      authorization: `Bearer ${tenant}`,
      ...(fields === undefined ? {} : { 'content-type': 'application/json' }),
      ...(accept === undefined ? {} : { accept }),
    },
    ...(fields === undefined ? {} : { body: JSON.stringify(fields) }),
  });

describe('money over HTTP', () => {
  test('a video says what it may cost, and what it came to once it is over; a cancelled one costs nothing', async () => {
    const { body: made } = await as('acme', 'POST', '/v1/videos', { prompt: 'x', max_cost: PRICE });
    expect(made.usage).toEqual({ currency: 'USD', estimated: PRICE, held: PRICE, final: null, gpu_seconds: null });
    const { body: other } = await as('acme', 'POST', '/v1/videos', { prompt: 'y' });
    await as('acme', 'POST', `/v1/videos/${other.id}/cancel`);
    expect((await as('acme', 'GET', `/v1/videos/${other.id}`)).body.usage).toMatchObject({
      held: '0.00',
      final: '0.00',
    });
    await server.finish();
    await relay(server.deps, (await server.deps.store.load(made.id))!);
    expect((await as('acme', 'GET', `/v1/videos/${made.id}`)).body.usage).toMatchObject({ held: '0.00', final: PRICE });
  });

  test('what does not fit is 402 with the sums, and leaves neither a job nor a hold; a quote says so before', async () => {
    for (const prompt of ['a', 'b']) expect((await as('poor', 'POST', '/v1/videos', { prompt })).status).toBe(200);
    const refused = await as('poor', 'POST', '/v1/videos', { prompt: 'c' });
    expect([refused.status, refused.headers.get('x-should-retry')]).toEqual([402, 'false']);
    expect(refused.body.error).toMatchObject({
      code: 'budget_exceeded',
      budget: { scope: 'tenant', kind: 'month', asked_usd: PRICE, held_usd: (2 * Number(PRICE)).toFixed(2) },
    });
    const { body: quote } = await as('poor', 'POST', '/v1/videos/quote', { prompt: 'c', max_cost: '0.01' });
    expect(quote).toMatchObject({ object: 'video.quote', admitted: false, usage: { estimated: PRICE, final: null } });
    expect(quote.reasons.map(({ code }: { code: string }) => code)).toEqual(['max_cost_exceeded', 'budget_exceeded']);
    expect((await as('poor', 'GET', '/v1/videos')).body.data).toHaveLength(2);
    const { budget } = (await as('poor', 'GET', '/v1/usage')).body;
    expect(budget.month).toEqual({ spent: '0.00', held: (2 * Number(PRICE)).toFixed(2) });
  });

  test('a dry run is a quote: no job, nothing held; what is wrong with a request is wrong with its quote', async () => {
    const { body: quote } = await as('dry', 'POST', '/v1/videos', { prompt: 'x', dry_run: true });
    expect(quote).toMatchObject({ object: 'video.quote', admitted: true, reasons: [], needs_review: false });
    expect(quote.price).toEqual({ unit: 'output_second', rate: '0.12', version: '2026-11' });
    const dear = await as('dry', 'POST', '/v1/videos', { prompt: 'x', max_cost: 0.01 });
    expect([dear.status, dear.body.error.code, dear.body.error.param]).toEqual([402, 'max_cost_exceeded', 'max_cost']);
    const wrong = await as('dry', 'POST', '/v1/videos/quote', { prompt: 'x', size: '3x3' });
    expect([wrong.status, wrong.body.error.param]).toEqual([400, 'size']);
    expect((await as('dry', 'GET', '/v1/videos')).body.data).toEqual([]);
  });

  test('usage is one’s own, by day, key and model, and a spreadsheet’s; another tenant’s is the operator’s', async () => {
    const { body } = await as('acme', 'GET', '/v1/usage?group_by=model');
    const row = { model: CARD.id, completed: 1, uncharged: 1, cost: PRICE };
    expect(body.data).toMatchObject([{ ...row, day: null, key: null }]);
    expect(body).toMatchObject({ object: 'usage', tenant: 'acme', total: { completed: 1, cost: PRICE } });
    expect((await as('operator', 'GET', '/v1/usage?tenant=acme&group_by=model')).body.data).toEqual(body.data);
    const csv = await as('acme', 'GET', '/v1/usage', undefined, 'text/csv');
    expect(csv.headers.get('content-disposition')).toContain('attachment; filename="usage-acme-');
    expect(csv.body.split('\r\n')[1]).toMatch(new RegExp(`^${dayOf(Date.now())},,${CARD.id},1,1,${SECONDS},`));
    const other = await as('acme', 'GET', '/v1/usage?tenant=poor');
    expect([other.status, other.body.error.message]).toEqual([403, expect.stringContaining('tenants:admin')]);
    const wrong = await as('acme', 'GET', '/v1/usage?from=yesterday');
    expect([wrong.status, wrong.body.error.param]).toEqual([400, 'from']);
    expect((await as('acme', 'GET', '/v1/usage?since=1')).body.error.param).toBe('since');
  });
});
