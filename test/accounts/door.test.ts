import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { accountLimits } from '#core/accounts/account-limits.ts';
import { createAccounts } from '#core/accounts/accounts.ts';
import { committed } from '#core/accounts/budget.ts';
import { parsePriceList } from '#core/accounts/price-list.ts';
import { readSums, readUsage, usageGroups } from '#core/accounts/usage-report.ts';
import type { Job } from '#core/job.ts';
import { cancel } from '#core/jobs/cancel.ts';
import { redrive } from '#core/jobs/dead-letters.ts';
import { deleteJob } from '#core/jobs/delete.ts';
import { failJob } from '#core/jobs/lease.ts';
import { sweepOutbox } from '#core/jobs/relay.ts';
import { type SubmitPorts, submit } from '#core/jobs/submit.ts';
import type { KeyValueStore } from '#core/ports.ts';
import { type LocalBench, openLocalBench } from '#test/core/local-bench.ts';
import { dyingAt, holdsOf, Killed, sha256 } from './account-world.ts';
import { runDoor } from './door-run.ts';

const LIST = JSON.stringify({ version: '1', prices: { '*': { unit: 'output_second', rates: { '*': '0.5' } } } });
const prices = parsePriceList(LIST, 'REELAY_PRICES', sha256);
const PRICE = 1_000_000;

test('a hundred submits at once over HTTP never pass a budget for fifty', { timeout: 60_000 }, async () => {
  const run = await runDoor(100, 50, 'tenant');
  expect(run).toMatchObject({ statuses: { 200: 50, 402: 50 }, told: true, jobs: 50 });
  expect([run.held, run.committed]).toEqual([run.budget, run.budget]);
  expect(run.most).toBeLessThanOrEqual(run.budget);
});

describe('the money of a job', () => {
  let bench: LocalBench;
  let ports: SubmitPorts;
  beforeEach(async () => {
    bench = await openLocalBench();
    ports = portsOn(bench.ports.kv);
  });
  afterEach(() => bench.close());

  /** What one process of the folder has, its store of entries apart. */
  const portsOn = (kv: KeyValueStore): SubmitPorts => {
    const { events, enqueueDeliveries, now, random } = bench.ports;
    const accounts = createAccounts({
      ...{ kv, events, enqueueDeliveries, now, random, prices },
      sleep: () => new Promise(done => setImmediate(done)),
    });
    return { ...bench.ports, kv, accounts };
  };
  const sums = async () => (await readSums(bench.ports, 'acme', null, bench.time.nowMs)).month;
  const later = async (ms: number) => {
    bench.time.nowMs += ms;
    await sweepOutbox(ports);
    await ports.accounts.sweep(ports.store);
  };

  test('is back when its process was killed between the hold and the record, at whatever write', async () => {
    for (let write = 1, isOver = false; !isOver; write++)
      for (const moment of ['before', 'after'] as const) {
        const kv = dyingAt(bench.ports.kv, write, moment);
        const create = async (job: Job) => {
          if (kv.dead()) throw new Killed();
          return bench.ports.store.create(job);
        };
        const died = { ...portsOn(kv), store: { ...bench.ports.store, create } };
        const job = await submit(died, 'acme', { prompt: 'x' }, { idempotencyKey: `${write}${moment}` }).catch(
          () => undefined,
        );
        isOver = !kv.dead();
        if (job !== undefined) await cancel(ports, 'acme', job.id);
        await later(accountLimits.holdGraceMs + accountLimits.ledgerGraceMs);
        expect(await sums(), `write ${write} ${moment}`).toEqual({ spent: 0, held: 0 });
      }
    expect((await holdsOf(bench.ports.kv, 'acme')).filter(({ closed }) => closed === null)).toEqual([]);
  });

  test('is back when its record could not be written, and not before', async () => {
    const create = () => Promise.reject(new Killed());
    await submit({ ...ports, store: { ...ports.store, create } }, 'acme', { prompt: 'x' }).catch(() => undefined);
    expect(await sums()).toEqual({ spent: 0, held: PRICE });
    await later(accountLimits.holdGraceMs - 1);
    expect((await sums()).held).toBe(PRICE);
    await later(2);
    expect(await sums()).toEqual({ spent: 0, held: 0 });
  });

  test('comes back for what failed, was cancelled or deleted, and a redrive holds it anew', async () => {
    await submit(ports, 'acme', { prompt: 'a' });
    const failed = (await bench.lease())!;
    const cancelled = await submit(ports, 'acme', { prompt: 'b' });
    const deleted = await submit(ports, 'acme', { prompt: 'c', max_cost: '1' });
    expect(await sums()).toEqual({ spent: 0, held: 3 * PRICE });
    await failJob(ports, failed, { code: 'render_failed', message: 'no' });
    await cancel(ports, 'acme', cancelled.id);
    await deleteJob(ports, 'acme', deleted.id);
    expect(await sums()).toEqual({ spent: 0, held: 0 });
    const again = await redrive(ports, { limit: 9, pace: async () => undefined });
    expect([again.jobs.size, committed(await sums())]).toEqual([1, PRICE]);
    const day = new Date(bench.time.nowMs).toISOString().slice(0, 10);
    const { total } = await readUsage(bench.ports, 'acme', { first: day, last: day, by: usageGroups });
    expect(total).toMatchObject({ completed: 0, uncharged: 3, micros: 0 });
  });
});
