import { afterEach, beforeEach, expect, test } from 'vitest';
import { type AdmitPorts, admit, offer, settleJob } from '#core/accounts/admit.ts';
import { localPrincipal, type Principal } from '#core/accounts/authenticate.ts';
import { freePrices, parsePriceList } from '#core/accounts/price-list.ts';
import { isRefusal, type Quote } from '#core/accounts/quote.ts';
import { defaultTenant, noLimits } from '#core/accounts/tenant.ts';
import { readSums, readUsage, usageGroups } from '#core/accounts/usage-report.ts';
import { makeJob } from '#test/contracts/make-job.ts';
import { holdsOf, noon, openWorld, sha256, today, type World } from './account-world.ts';

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
  const terms = (await admit(ports, who(), job)) as Quote;
  expect(terms).toMatchObject({ held: PRICE, priceVersion: '1' });
  expect(await holdsOf(world.kv, 'acme')).toMatchObject([{ jobId: job.id, outputMs: 4_042, terms }]);
  const made = { ...job, terms };
  expect(await settleJob(ports.ledger, made)).toBeUndefined();
  expect(await day()).toEqual({ spent: 0, held: PRICE });
  await settleJob(ports.ledger, { ...made, status: 'completed', completedAtMs: noon });
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
  expect(await admit(ports, who(), job)).toMatchObject({ estimated: 2_000, held: 3_000 });
  const unknown = { ...ports, estimateGpuMs: async () => undefined };
  expect(await offer(unknown, who(), job.request)).toMatchObject({
    quote: undefined,
    reasons: [{ code: 'unsupported_operation' }],
  });
});

test('a free job holds nothing and is counted once when it is over, however often it is settled', async () => {
  const free = { ...ports, prices: freePrices };
  const job = makeJob({ keyId: 'key_a', createdAtMs: noon });
  const terms = (await admit(free, who({ budget: { day: 0, month: 0 } }), job)) as Quote;
  expect(terms).toMatchObject({ held: 0, priceVersion: 'free' });
  expect(await holdsOf(world.kv, 'acme')).toEqual([]);
  const over = { ...job, terms, status: 'completed' as const, completedAtMs: noon };
  const others = world.process().ledger;
  await Promise.all([settleJob(ports.ledger, over), settleJob(ports.ledger, over), settleJob(others, over)]);
  const { rows } = await readUsage(world, 'acme', { first: today, last: today, by: usageGroups });
  expect(rows).toEqual([
    {
      day: today,
      key: 'key_a',
      model: 'reelay-tiny',
      completed: 1,
      uncharged: 0,
      outputMs: 4_042,
      gpuMs: 0,
      micros: 0,
    },
  ]);
});

test('a job that is free by its record costs nothing, whatever a process with another list has held for it', async () => {
  const job = makeJob();
  await admit(ports, who(), job);
  expect(await day()).toEqual({ spent: 0, held: PRICE });
  const terms = (await admit({ ...ports, prices: freePrices }, who(), job)) as Quote;
  await settleJob(ports.ledger, { ...job, terms, status: 'completed', completedAtMs: noon });
  expect(await day()).toEqual({ spent: 0, held: 0 });
});
