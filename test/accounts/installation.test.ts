import { afterEach, beforeEach, expect, test } from 'vitest';
import { isRefusal } from '#core/accounts/quote.ts';
import { asking, budgetsOf, openWorld, type World } from './account-world.ts';

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
