import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { committed } from '#core/accounts/budget.ts';
import type { Ledger } from '#core/accounts/ledger.ts';
import { sumsOf } from '#core/accounts/ledger-entry.ts';
import { rememberDry } from '#core/accounts/ledger-store.ts';
import type { Closing } from '#core/accounts/quote.ts';
import { sweepLedger } from '#core/accounts/sweep-ledger.ts';
import { readUsage } from '#core/accounts/usage-report.ts';
import type { KeyValueStore } from '#core/ports.ts';
import { makeJob } from '#test/contracts/make-job.ts';
import {
  asking,
  broken,
  budgetsOf,
  completed,
  dyingAt,
  failed,
  holdsOf,
  ledgers,
  openWorld,
  today,
} from './account-world.ts';

const world = openWorld();
beforeEach(() => world.clear());
afterAll(() => world.close());

const installation = { day: 100, month: 1_000 };
const budgets = budgetsOf({ key: { day: 60, month: 600 }, tenant: { day: 70, month: 700 }, installation });
const whole = { first: today, last: today, by: [] };

/** Two tenants; the second needs what the first does not use of its slice. Between them, every kind of write that there is. */
async function day(kv: KeyValueStore): Promise<void> {
  const { ledger } = world.process(kv);
  const end = (id: string, closing: Closing) => ledger.close('acme', id, closing);
  await ledger.hold(asking('done', 20, budgets));
  await end('done', completed);
  await ledger.hold(asking('failed', 30, budgets));
  await end('failed', failed);
  await ledger.hold(asking('open', 5, budgets));
  await Promise.all([hold(ledger, 'big', 60), hold(ledger, 'too-much', 60)]);
  await ledger.close('late', 'big', completed);
  world.time.nowMs += 61_000;
  await sweepLedger(world.sweepPorts(installation, kv));
}

function hold(ledger: Ledger, id: string, micros: number) {
  return ledger.hold(asking(id, micros, budgets, { tenant: 'late', keyId: 'key_l', budgetKey: 'key_l' }));
}

/** What is right at the end, whatever happened: nothing held, each sum the sum of the closed holds, usage the same. */
async function settled(): Promise<void> {
  for (const [tenant, ledger] of await ledgers(world.kv)) {
    const holds = await holdsOf(world.kv, tenant);
    const spent = holds.reduce((sum, { closed }) => sum + (closed?.micros ?? 0), 0);
    for (const period of [today, today.slice(0, 7)])
      for (const account of ['t', `k:key_${tenant[0]}`])
        expect(sumsOf(ledger, period, account)).toEqual({ spent, held: 0 });
    expect((await readUsage(world, tenant, whole)).total.micros).toBe(spent);
    expect(holds.every(({ closed }) => closed !== null)).toBe(true);
  }
}

async function sweepAll(): Promise<void> {
  for (let n = 0; n < 3; n++) {
    world.time.nowMs += 700_000;
    await sweepLedger(world.sweepPorts(installation));
  }
}

describe.each(['before', 'after'] as const)('a process killed %s any of its writes', moment => {
  test.each(['asks again', 'never comes back'] as const)(
    'charges nothing twice and leaks no hold when it %s',
    async then => {
      let writes = 1;
      for (let isDone = false; !isDone; writes++) {
        world.clear();
        const dying = dyingAt(world.kv, writes, moment);
        await day(dying).catch(() => undefined);
        isDone = !dying.dead();
        const ports = { ...world.process().ports, dry: rememberDry() };
        expect(await broken(ports, budgets), `write ${writes}`).toEqual([]);
        if (then === 'asks again') {
          await day(world.kv);
          const spent = [...(await ledgers(world.kv))].map(([tenant, ledger]) => [tenant, sumsOf(ledger, today, 't')]);
          expect(spent, `write ${writes}`).toEqual([
            ['acme', { spent: 20, held: 5 }],
            ['late', { spent: 60, held: 0 }],
          ]);
        }
        await sweepAll();
        expect(await broken(ports, budgets), `write ${writes}`).toEqual([]);
        await settled();
      }
      expect(writes).toBeGreaterThan(25);
    },
  );
});

describe('a write whose answer is lost', () => {
  test('to a process that goes on counts once', async () => {
    for (let lost = 1; lost < 30; lost++) {
      world.clear();
      let writes = 0;
      const forgetful: KeyValueStore = {
        ...world.kv,
        create: async entry => lose(await world.kv.create(entry)),
        replace: async entry => lose(await world.kv.replace(entry)),
      };
      const lose = <T>(answer: T): T => {
        writes++;
        if (writes === lost) throw new Error('no answer');
        return answer;
      };
      const { ledger } = world.process(forgetful);
      const patient = async <T>(call: () => Promise<T>): Promise<T> => call().catch(call);
      for (let n = 0; n < 3; n++) {
        await patient(() => ledger.hold(asking(`job${n}`, 10, budgets)));
        await patient(() => ledger.close('acme', `job${n}`, n === 1 ? failed : completed));
      }
      const ledgerNow = (await ledgers(world.kv)).get('acme')!;
      expect(sumsOf(ledgerNow, today, 't'), `write ${lost}`).toEqual({ spent: 20, held: 0 });
      await sweepAll();
      await settled();
    }
  });
});

describe('a worker that dies after its job was completed', () => {
  test('leaves a hold that the sweep settles from the record', async () => {
    for (let write = 1; write < 8; write++) {
      world.clear();
      const job = makeJob({ status: 'completed', completedAtMs: 1 });
      await world.store.create(job);
      await world.process().ledger.hold(asking(job.id, 20, budgets));
      await world
        .process(dyingAt(world.kv, write, 'after'))
        .ledger.close('acme', job.id, completed)
        .catch(() => undefined);
      await sweepAll();
      await settled();
      expect(committed(sumsOf((await ledgers(world.kv)).get('acme')!, today, 't'))).toBe(20);
    }
  });
});
