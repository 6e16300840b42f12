import { afterEach, beforeEach, expect, test } from 'vitest';
import { accountLimits } from '#core/accounts/account-limits.ts';
import { isRefusal } from '#core/accounts/quote.ts';
import { asking, budgetsOf, failed, openWorld, type World } from './account-world.ts';

let world: World;
beforeEach(() => {
  world = openWorld();
});
afterEach(() => world.close());

test('a job that what is left is too little for does not stand in the way of another tenant with a smaller one', async () => {
  const { ledger } = world.process();
  const budgets = budgetsOf({ installation: { day: 100, month: null } });
  const refused = async (jobId: string, micros: number, tenant: string) =>
    isRefusal(await ledger.hold(asking(jobId, micros, budgets, { tenant })));
  expect(await refused('used', 90, 'first')).toBe(false);
  for (let n = 0; n < 10; n++) {
    expect(await refused(`big${n}`, 50, 'greedy')).toBe(true);
    expect(await refused(`small${n}`, 1, 'modest'), `after ${n}`).toBe(false);
  }
  expect(await refused('more', 1, 'modest')).toBe(true);
});

test('what a tenant gave back is found among more tenants than one look goes through', async () => {
  const { ledger } = world.process();
  const most = accountLimits.reclaimBatch + 20;
  const budgets = budgetsOf({ installation: { day: most + 100, month: null } });
  for (let n = 0; n < most; n++) await ledger.hold(asking(`used${n}`, 1, budgets, { tenant: `tenant${n}` }));
  const held = async (tenant: string, micros: number) => {
    for (let tries = 0; isRefusal(await ledger.hold(asking(tenant, micros, budgets, { tenant }))); tries++) {
      expect(tries).toBeLessThan(20);
      world.time.nowMs += 2 * accountLimits.dryMs;
    }
  };
  await held('last', 100);
  await ledger.close('last', 'last', failed);
  await held('late', 50);
});
