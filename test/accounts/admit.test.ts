import { afterEach, beforeEach, expect, test } from 'vitest';
import { type AdmitPorts, admit, offer, settleJob } from '#core/accounts/admit.ts';
import { localPrincipal, type Principal } from '#core/accounts/authenticate.ts';
import { parsePriceList } from '#core/accounts/price-list.ts';
import { isRefusal } from '#core/accounts/quote.ts';
import { defaultTenant, noLimits } from '#core/accounts/tenant.ts';
import { readSums } from '#core/accounts/usage-report.ts';
import { makeJob } from '#test/contracts/make-job.ts';
import { holdsOf, noon, openWorld, sha256, type World } from './account-world.ts';

let world: World;
let ports: AdmitPorts;
beforeEach(() => {
  world = openWorld();
  const list = {
    version: '1',
    prices: {
      'reelay-tiny': { unit: 'output_second', rates: { '*': '0.24' } },
      gpu: { unit: 'gpu_second', rate: '0.001' },
    },
  };
  ports = {
    kv: world.kv,
    store: world.store,
    ledger: world.process().ledger,
    prices: parsePriceList(JSON.stringify(list), 'REELAY_PRICES', sha256),
    installationBudget: async () => ({ day: 5_000_000, month: null }),
    estimateGpuMs: async () => 2_000,
    now: () => world.time.nowMs,
  };
});
afterEach(() => world.close());

const who = (some: Partial<Principal['account']> = {}): Principal =>
  localPrincipal({ ...defaultTenant, id: 'acme', ...some });
const PRICE = 970_000; // 97 frames at 24 a second, 0.24 dollars a second
const day = async () => (await readSums(world, 'acme', null, noon)).day;

test('a job is held before it is made, and settled by its record', async () => {
  const job = makeJob();
  expect(await admit(ports, who(), job)).toMatchObject({
    jobId: job.id,
    terms: { held: PRICE, priceVersion: '1' },
    outputMs: 4_042,
  });
  expect(await settleJob(ports.ledger, job)).toBeUndefined();
  expect(await day()).toEqual({ spent: 0, held: PRICE });
  await settleJob(ports.ledger, { ...job, status: 'completed', completedAtMs: noon });
  expect(await day()).toEqual({ spent: PRICE, held: 0 });
});

test('a quote says what stands against a request, all of it, and holds nothing', async () => {
  const account = who({ limits: { ...noLimits, maxSeconds: 1 }, budget: { day: 900_000, month: null } });
  const said = await offer(ports, account, makeJob().request, 500_000);
  expect(said.quote).toMatchObject({ held: PRICE });
  expect(said.reasons.map(({ code }) => code)).toEqual(['tenant_limit', 'max_cost_exceeded', 'budget_exceeded']);
  expect(await offer(ports, who(), makeJob().request)).toMatchObject({ reasons: [] });
  expect(await holdsOf(world.kv, 'acme')).toEqual([]);
});

test('a refused job leaves nothing behind', async () => {
  await world.store.create(makeJob());
  const refused = [
    await admit(ports, who({ suspended: true }), makeJob()),
    await admit(ports, who({ limits: { ...noLimits, queuedJobs: 1 } }), makeJob()),
    await admit(ports, who(), makeJob(), PRICE - 1),
    await admit(ports, who(), { ...makeJob(), request: { ...makeJob().request, model: 'none' } }),
    await admit(ports, who({ budget: { day: null, month: PRICE - 1 } }), makeJob()),
    await admit({ ...ports, installationBudget: async () => ({ day: 1, month: null }) }, who(), makeJob()),
  ];
  expect(refused.map(one => isRefusal(one) && one.code)).toEqual([
    'forbidden',
    'rate_limited',
    'max_cost_exceeded',
    'unsupported_operation',
    'budget_exceeded',
    'budget_exceeded',
  ]);
  expect(await day()).toEqual({ spent: 0, held: 0 });
});

test('GPU time is held by its estimate and is refused where nobody knows one', async () => {
  const job = { id: makeJob().id, request: { ...makeJob().request, model: 'gpu' } };
  expect(await admit(ports, who(), job)).toMatchObject({ terms: { estimated: 2_000, held: 3_000 } });
  const unknown = { ...ports, estimateGpuMs: async () => undefined };
  expect(await offer(unknown, who(), job.request)).toMatchObject({
    quote: undefined,
    reasons: [{ code: 'unsupported_operation' }],
  });
});
