import { describe, expect, test } from 'vitest';
import { createLedger } from '#core/accounts/ledger.ts';
import { sumsOf } from '#core/accounts/ledger-entry.ts';
import { dayOf } from '#core/accounts/periods.ts';
import { isRefusal } from '#core/accounts/quote.ts';
import { startAwsServers } from '#test/contracts/aws-servers.ts';
import { asking, budgetsOf, ledgers, openWorld, today } from './account-world.ts';
import { submitInProcesses } from './submit-processes.ts';

const each = { day: 500, month: 10_000 };
const everything = budgetsOf({ key: each, tenant: { day: 500, month: 500 }, installation: { day: 600, month: 500 } });

describe('a thousand submits at once', () => {
  test('in one process fill their budgets to the last job and not one further', async () => {
    const world = openWorld();
    const { ledger } = world.process();
    const results = await Promise.all(
      Array.from({ length: 1_000 }, (_, n) => ledger.hold(asking(`job${n}`, 1, everything))),
    );
    expect(results.filter(result => !isRefusal(result))).toHaveLength(500);
    const now = (await ledgers(world.kv)).get('acme')!;
    for (const account of ['t', 'k:key_a']) expect(sumsOf(now, today, account)).toEqual({ spent: 0, held: 500 });
    world.close();
  });

  test('in four processes of one data folder do the same', async () => {
    const { held, committed } = await submitInProcesses(4, 250, 1, everything);
    expect([held, committed]).toEqual([500, 500]);
  });
});

test('submits of many instances on DynamoDB, each alone in its own, pass no budget either', {
  timeout: 60_000,
}, async () => {
  const { kv, close } = await startAwsServers();
  const budgets = budgetsOf({ key: each, tenant: { day: 8, month: null }, installation: { day: 18, month: 18 } });
  const instance = () =>
    createLedger({
      kv,
      events: { publish: async () => undefined },
      now: Date.now,
      random: n => crypto.getRandomValues(new Uint8Array(n)),
      sleep: ms => new Promise(done => setTimeout(done, ms)),
    });
  const results = await Promise.all(
    Array.from({ length: 27 }, (_, n) => instance().hold(asking(`job${n}`, 1, budgets, { tenant: `t${n % 3}` }))),
  );
  const day = dayOf(Date.now());
  const sums = [...(await ledgers(kv)).values()].map(ledger => sumsOf(ledger, day, 't').held);
  const held = results.filter(result => !isRefusal(result)).length;
  await close();
  expect(Math.max(...sums)).toBeLessThanOrEqual(8);
  expect(sums.reduce((a, b) => a + b)).toBe(held);
  expect(held).toBeLessThanOrEqual(18);
  expect(held).toBeGreaterThan(11);
});
