/** The orders of reads and writes that the ledger's promises rest on, each with the other process in the worst moment. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readHold, writeHold } from '#core/accounts/hold-record.ts';
import { rememberDry } from '#core/accounts/ledger-store.ts';
import { readSums } from '#core/accounts/usage-report.ts';
import type { KeyValueStore } from '#core/ports.ts';
import { asking, broken, budgetsOf, completed, noon, openWorld, type World } from './account-world.ts';

let world: World;
beforeEach(() => {
  world = openWorld();
});
afterEach(() => world.close());

/** Runs `between` once, after the first call of that name which `is` so. */
function after(
  call: 'get' | 'replace',
  is: (space: string, name: string) => boolean,
  between: () => Promise<unknown>,
): KeyValueStore {
  let isDone = false;
  const then = async <T>(space: string, name: string, answer: T): Promise<T> => {
    if (isDone || !is(space, name)) return answer;
    isDone = true;
    await between();
    return answer;
  };
  const { kv } = world;
  return call === 'get'
    ? { ...kv, get: async (space, name) => then(space, name, await kv.get(space, name)) }
    : { ...kv, replace: async entry => then(entry.space, entry.name, await kv.replace(entry)) };
}

test('a hold that another process makes, and forgets the marker of, between the reads of a replay counts once', async () => {
  const budgets = budgetsOf();
  const other = world.process().ledger;
  const replay = world.process(
    after(
      'get',
      () => true,
      async () => {
        await other.hold(asking('job1', 10, budgets));
        await other.hold(asking('job2', 1, budgets)); // drops the marker of the first
      },
    ),
  ).ledger;
  await replay.hold(asking('job1', 10, budgets));
  expect((await readSums(world, 'acme', null, noon)).day.held).toBe(11);
});

test('a settlement that another process makes between the reads of a replay counts once', async () => {
  const budgets = budgetsOf();
  const other = world.process().ledger;
  await other.hold(asking('job1', 10, budgets));
  await other.hold(asking('job2', 10, budgets));
  const replay = world.process(
    after(
      'get',
      () => true,
      async () => {
        await other.close('acme', 'job1', completed);
        await other.close('acme', 'job2', completed);
        await other.hold(asking('job3', 1, budgets));
      },
    ),
  ).ledger;
  await replay.close('acme', 'job1', completed);
  expect((await readSums(world, 'acme', null, noon)).day).toEqual({ spent: 20, held: 1 });
});

test('a slice that its tenant takes up again while it is being taken back is not given to anybody else', async () => {
  const budgets = budgetsOf({ installation: { day: 100, month: null } });
  const late = { tenant: 'late' };
  await world.process().ledger.hold(asking('job1', 1, budgets)); // and a slice of an eighth
  const first = world.process().ledger;
  const shrinking = after(
    'replace',
    (space, name) => space === 'ledger/tenants' && name === 'acme',
    () => first.hold(asking('job2', 10, budgets)),
  );
  const { ledger, ports } = world.process(shrinking);
  await ledger.hold(asking('job3', 99, budgets, late));
  await world.process().ledger.hold(asking('job4', 95, budgets, late));
  expect(await broken({ ...ports, dry: rememberDry() }, budgets)).toEqual([]);
});

test('a hold that is written late does not open a closed one again', async () => {
  const { ledger } = world.process();
  const hold = await ledger.hold(asking('job1', 10, budgetsOf()));
  await ledger.close('acme', 'job1', completed);
  if (!('jobId' in hold)) throw new Error(hold.message);
  await writeHold(world.kv, hold);
  expect((await readHold(world.kv, 'acme', 'job1'))?.hold.closed?.outcome).toBe('completed');
});
