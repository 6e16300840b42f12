import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { accountLimits } from '#core/accounts/account-limits.ts';
import { noBudget } from '#core/accounts/budget.ts';
import { isRefusal } from '#core/accounts/quote.ts';
import { sweepLedger } from '#core/accounts/sweep-ledger.ts';
import { readSums } from '#core/accounts/usage-report.ts';
import { makeJob } from '#test/contracts/make-job.ts';
import {
  asking,
  broken,
  budgetsOf,
  completed,
  failed,
  holdsOf,
  ledgers,
  noon,
  openWorld,
  today,
  type World,
} from './account-world.ts';

let world: World;
beforeEach(() => {
  world = openWorld();
});
afterEach(() => world.close());

const tight = budgetsOf({ tenant: { day: 100, month: 1_000 } });
const sums = (budgetKey: string | null = null) => readSums(world, 'acme', budgetKey, noon);

describe('a hold', () => {
  test('is taken from key and tenant, day and month, and settled to what was spent', async () => {
    const { ledger } = world.process();
    await ledger.hold(asking('job1', 60, tight));
    expect(await sums()).toEqual({ day: { spent: 0, held: 60 }, month: { spent: 0, held: 60 } });
    await ledger.close('acme', 'job1', completed);
    const after = { day: { spent: 60, held: 0 }, month: { spent: 60, held: 0 } };
    expect([await sums(), await sums('key_a')]).toEqual([after, after]);
  });

  test('is given back when the job failed, was cancelled or never came to be', async () => {
    const { ledger } = world.process();
    for (const outcome of ['failed', 'cancelled', 'abandoned'] as const) {
      await ledger.hold(asking(outcome, 60, tight));
      expect((await ledger.close('acme', outcome, { outcome, gpuMs: 9 }))?.closed?.micros).toBe(0);
    }
    expect((await sums()).day).toEqual({ spent: 0, held: 0 });
  });

  test('that does not fit is refused with the sums, and leaves everything as it was', async () => {
    const { ledger } = world.process();
    await ledger.hold(asking('job1', 60, tight));
    const refused = await ledger.hold(asking('job2', 41, tight));
    expect(refused).toMatchObject({
      code: 'budget_exceeded',
      budget: {
        scope: 'tenant',
        kind: 'day',
        period: today,
        askedMicros: 41,
        limitMicros: 100,
        spentMicros: 0,
        heldMicros: 60,
      },
    });
    expect(refused).toHaveProperty('message', expect.stringContaining('0.00006'));
    expect((await holdsOf(world.kv, 'acme')).map(hold => hold.jobId)).toEqual(['job1']);
    expect(isRefusal((await ledger.hold(asking('job3', 40, tight)))!)).toBe(false);
  });

  test.each([
    ['key', 'day'],
    ['key', 'month'],
    ['tenant', 'day'],
    ['tenant', 'month'],
    ['installation', 'day'],
    ['installation', 'month'],
  ] as const)('has to fit into the budget of the %s for the %s too', async (scope, kind) => {
    const { ledger } = world.process();
    const budgets = budgetsOf({ [scope]: { ...noBudget, [kind]: 100 } });
    expect(isRefusal(await ledger.hold(asking('job1', 60, budgets)))).toBe(false);
    expect(await ledger.hold(asking('job2', 41, budgets))).toMatchObject({ budget: { scope, kind } });
    expect(isRefusal(await ledger.hold(asking('job3', 40, budgets)))).toBe(false);
  });

  test("says of the installation's budget only that it is used up: its sums are other tenants' too", async () => {
    const { ledger } = world.process();
    const budgets = budgetsOf({ installation: { day: 50, month: null } });
    await ledger.hold(asking('job1', 50, budgets, { tenant: 'other' }));
    const refused = await ledger.hold(asking('job2', 1, budgets));
    expect(refused).toMatchObject({
      code: 'budget_exceeded',
      budget: { scope: 'installation', limitMicros: null, spentMicros: null },
    });
    expect(JSON.stringify(refused)).not.toContain('0.00005');
  });

  test('of a job that costs nothing passes a budget of nothing', async () => {
    const { ledger } = world.process();
    const none = { day: 0, month: 0 };
    const budgets = budgetsOf({ key: none, tenant: none, installation: none });
    expect(isRefusal(await ledger.hold(asking('free', 0, budgets)))).toBe(false);
    expect(isRefusal(await ledger.hold(asking('dear', 1, budgets)))).toBe(true);
  });

  test('of a tenant without a budget stops at a billion dollars, before any sum could lose a digit', async () => {
    const { ledger } = world.process();
    const { maxJobMicros, maxBudgetMicros } = accountLimits;
    const jobs = Array.from({ length: maxBudgetMicros / maxJobMicros }, (_, n) =>
      asking(`j${n}`, maxJobMicros, budgetsOf()),
    );
    for (const held of await Promise.all(jobs.map(job => ledger.hold(job)))) expect(isRefusal(held)).toBe(false);
    expect((await sums()).day.held).toBe(maxBudgetMicros);
    expect(await ledger.hold(asking('more', 1, budgetsOf()))).toMatchObject({ code: 'budget_exceeded' });
  });

  test('asked for again, at once or later, by this process or another, is the one that is there', async () => {
    const [one, two] = [world.process().ledger, world.process().ledger];
    const request = asking('job1', 60, tight);
    const held = await Promise.all([one.hold(request), one.hold(request), two.hold(request), two.hold(request)]);
    expect(new Set(held.map(hold => JSON.stringify(hold))).size).toBe(1);
    expect((await sums()).day.held).toBe(60);
    const closes = [one, two, one, two].map(ledger => ledger.close('acme', 'job1', completed));
    for (const hold of await Promise.all(closes)) expect(hold?.closed?.micros).toBe(60);
    expect((await one.hold(request)) satisfies unknown).toMatchObject({ closed: { outcome: 'completed' } });
    expect((await sums()).day).toEqual({ spent: 60, held: 0 });
  });

  test('closed one way stays closed that way: a late failure takes no settlement back', async () => {
    const { ledger } = world.process();
    await ledger.hold(asking('job1', 60, tight));
    await ledger.close('acme', 'job1', completed);
    expect((await ledger.close('acme', 'job1', failed))?.closed?.outcome).toBe('completed');
    expect((await sums()).day.spent).toBe(60);
  });

  test('of a job that nothing is held for closes nothing', async () => {
    const { ledger } = world.process();
    expect(await ledger.close('acme', 'unknown', completed)).toBeUndefined();
    expect(await ledgers(world.kv)).toEqual(new Map());
  });

  test('that was given back for want of a job can be held again, once', async () => {
    const { ledger } = world.process();
    await ledger.hold(asking('job1', 60, tight));
    await ledger.close('acme', 'job1', { outcome: 'abandoned', gpuMs: 0 });
    for (let n = 0; n < 2; n++)
      expect(await ledger.hold(asking('job1', 60, tight))).toMatchObject({ generation: 2, closed: null });
    expect((await sums()).day).toEqual({ spent: 0, held: 60 });
    await ledger.close('acme', 'job1', completed);
    expect((await sums()).day).toEqual({ spent: 60, held: 0 });
  });

  test('belongs to the day on which the job was accepted, however late it ends', async () => {
    const { ledger } = world.process();
    await ledger.hold(asking('job1', 60, tight));
    world.time.nowMs += 5 * 86_400_000;
    await ledger.close('acme', 'job1', completed);
    expect((await sums()).day.spent).toBe(60);
    expect((await readSums(world, 'acme', null, world.time.nowMs)).day.spent).toBe(0);
  });

  test('is in the budget of all keys of a rotation together', async () => {
    const { ledger } = world.process();
    const budgets = budgetsOf({ key: { day: 100, month: null } });
    await ledger.hold(asking('job1', 60, budgets, { keyId: 'key_a', budgetKey: 'key_a' }));
    expect(await ledger.hold(asking('job2', 60, budgets, { keyId: 'key_b', budgetKey: 'key_a' }))).toMatchObject({
      code: 'budget_exceeded',
      budget: { scope: 'key' },
    });
  });
});

test('a hold that its ledger knows nothing of, as after an old backup, cannot be closed and keeps no other from it', async () => {
  const { ledger } = world.process();
  await ledger.hold(asking('job1', 60, tight));
  await world.kv.remove('ledger/tenants', 'acme');
  const other = world.process().ledger;
  const [first, close, second] = await Promise.allSettled([
    other.hold(asking('job2', 10, tight)),
    other.close('acme', 'job1', completed),
    other.hold(asking('job3', 10, tight)),
  ]);
  expect([first.status, close.status, second.status]).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect((await sums()).day).toEqual({ spent: 0, held: 20 });
});

describe('the sweep', () => {
  const sweep = () => sweepLedger(world.sweepPorts(noBudget));

  test('gives back a hold whose job never came, after no submit can make it any more and not before', async () => {
    const { ledger } = world.process();
    await ledger.hold(asking('job1', 60, tight));
    world.time.nowMs += 599_999;
    await sweep();
    expect((await sums()).day.held).toBe(60);
    world.time.nowMs += 1;
    await sweep();
    expect((await sums()).day).toEqual({ spent: 0, held: 0 });
  });

  test('leaves the hold of a request that comes again in the moment in which it would be given back', async () => {
    const { ledger } = world.process();
    await ledger.hold(asking('job1', 60, tight));
    world.time.nowMs += 600_000;
    const ports = world.sweepPorts(noBudget);
    const load = async () => {
      expect(await ledger.hold(asking('job1', 60, tight))).toMatchObject({ generation: 2, closed: null });
      return undefined; // the job was not there yet when the sweep looked
    };
    await sweepLedger({ ...ports, store: { load } });
    expect((await sums()).day).toEqual({ spent: 0, held: 60 });
    await ledger.close('acme', 'job1', completed);
    expect((await sums()).day).toEqual({ spent: 60, held: 0 });
  });

  test('settles what a job owes whose worker died before it settled, and leaves a running one alone', async () => {
    const { ledger } = world.process();
    const place = {
      pool: 'local',
      site: 'onprem',
      region: 'local',
      attempt: 1,
      worker: 'w',
      startedAtMs: noon,
      fromStep: 0,
    } as const;
    const done = makeJob({ status: 'completed', attempt: 1, placements: [place], completedAtMs: noon + 1_000 });
    const running = makeJob({ status: 'in_progress', attempt: 1 });
    for (const job of [done, running]) {
      await world.store.create(job);
      await ledger.hold(asking(job.id, 30, tight));
    }
    world.time.nowMs += 700_000;
    await sweep();
    expect((await sums()).day).toEqual({ spent: 30, held: 30 });
    await sweep();
    expect((await sums()).day).toEqual({ spent: 30, held: 30 });
  });

  test('leaves nothing that waits: no marker, no usage on its way, nothing due', async () => {
    const { ledger } = world.process();
    for (let n = 0; n < 5; n++) {
      await ledger.hold(asking(`job${n}`, 10, tight));
      await ledger.close('acme', `job${n}`, completed);
    }
    world.time.nowMs += 100_000;
    await sweep();
    expect((await ledgers(world.kv)).get('acme')).toMatchObject({
      moving: {},
      owed: [],
      usage: { rows: [], flushing: null },
    });
    expect(await world.kv.listDue('ledger', Number.MAX_SAFE_INTEGER, 10)).toEqual([]);
    expect(await world.kv.listDue('holds', Number.MAX_SAFE_INTEGER, 10)).toEqual([]);
  });

  test('shrinks slices when the budget of the installation was lowered', async () => {
    const { ledger, ports } = world.process();
    const before = budgetsOf({ installation: { day: 1_000, month: null } });
    await ledger.hold(asking('job1', 10, before));
    await sweepLedger(world.sweepPorts({ day: 20, month: null }));
    const after = budgetsOf({ installation: { day: 20, month: null } });
    expect(await broken({ ...ports, dry: { has: () => false, note: () => {} } }, after)).toEqual([]);
    expect(isRefusal(await ledger.hold(asking('job2', 11, after)))).toBe(true);
    expect(isRefusal(await ledger.hold(asking('job3', 10, after)))).toBe(false);
  });

  test('forgets the sums of a day once it is over and nothing of it is open', async () => {
    const { ledger } = world.process();
    await ledger.hold(asking('job1', 10, tight));
    await ledger.hold(asking('job2', 10, tight));
    await ledger.close('acme', 'job1', completed);
    world.time.nowMs += 3 * 86_400_000;
    await ledger.hold(asking('job3', 10, tight));
    const days = async () => Object.keys((await ledgers(world.kv)).get('acme')?.sums ?? {}).sort();
    expect(await days()).toEqual(['2026-11', today, '2026-11-24']);
    await ledger.close('acme', 'job2', completed);
    await ledger.close('acme', 'job3', completed);
    expect(await days()).toEqual(['2026-11', '2026-11-24']);
  });
});

describe('slices of the installation', () => {
  test('are taken back from tenants that do not use them, so that all of the budget can be used', async () => {
    const { ledger, ports } = world.process();
    const budgets = budgetsOf({ installation: { day: 100, month: 100 } });
    for (let n = 0; n < 4; n++) await ledger.hold(asking(`a${n}`, 1, budgets, { tenant: `t${n}` }));
    expect(isRefusal(await ledger.hold(asking('big', 96, budgets, { tenant: 'late' })))).toBe(false);
    expect(await broken({ ...ports, dry: { has: () => false, note: () => {} } }, budgets)).toEqual([]);
    expect(isRefusal(await ledger.hold(asking('more', 1, budgets, { tenant: 't1' })))).toBe(true);
  });

  test('count what was committed before there was a budget', async () => {
    const { ledger } = world.process();
    await ledger.hold(asking('job1', 60, budgetsOf()));
    const budgets = budgetsOf({ installation: { day: 100, month: null } });
    expect(isRefusal(await ledger.hold(asking('job2', 41, budgets, { tenant: 'other' })))).toBe(true);
    expect(isRefusal(await ledger.hold(asking('job3', 40, budgets, { tenant: 'other' })))).toBe(false);
  });
});

describe('a budget', () => {
  test('that comes to 80 % and to 100 % is told once each, of key, tenant and installation', async () => {
    const budget = { day: 100, month: null };
    const budgets = budgetsOf({ key: budget, tenant: budget, installation: budget });
    const processes = [world.process(), world.process()];
    for (let n = 0; n < 12; n++) await processes[n % 2]!.ledger.hold(asking(`job${n}`, 10, budgets));
    for (let n = 0; n < 3; n++) {
      world.time.nowMs += 61_000;
      await sweepLedger(world.sweepPorts(budget));
    }
    const ids = (await world.events()).map(event => event.id).sort();
    const scopes = ['installation_all', 'key_key_a', 'tenant_acme'];
    expect(ids).toEqual(
      scopes.flatMap(scope => [100, 80].map(percent => `evt_budget_${scope}_${today}_${percent}`)).sort(),
    );
  });

  test('that no job fits into any more counts as used up; one absurd request does not', async () => {
    const budgets = budgetsOf({ tenant: { day: 100, month: null } });
    const { ledger } = world.process();
    const told = async () => (await world.events()).map(event => (event.data as { percent: number }).percent);
    await ledger.hold(asking('absurd', 5_000, budgets));
    expect(await told()).toEqual([]);
    await ledger.hold(asking('job1', 85, budgets));
    await expect.poll(told).toEqual([80]);
    await ledger.hold(asking('job2', 20, budgets));
    await expect.poll(told).toEqual([80, 100]);
  });
});
