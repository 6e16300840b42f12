import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { accountLimits } from '#core/accounts/account-limits.ts';
import { createTenant, updateTenant } from '#core/accounts/tenants.ts';
import { sweepDeadlines } from '#core/jobs/deadlines.ts';
import { endJob } from '#core/jobs/end.ts';
import { parseShares } from '#core/jobs/fair-order.ts';
import { notePace, readStandings } from '#core/jobs/standing.ts';
import { submit } from '#core/jobs/submit.ts';
import { type LocalBench, openLocalBench } from './local-bench.ts';

let bench: LocalBench;
beforeEach(async () => {
  bench = await openLocalBench({ shareOf: parseShares('double=2,capped=1:2') });
});
afterEach(() => bench.close());

async function submitMany(tenant: string, count: number, fields: Record<string, unknown> = {}) {
  const ids: string[] = [];
  for (let n = 0; n < count; n++) {
    bench.time.nowMs++;
    ids.push((await submit(bench.ports, tenant, { prompt: 'x', ...fields })).id);
  }
  return ids;
}

/** Leases and ends so many jobs one after the other; whose they were. */
async function tenantsServed(count: number): Promise<string[]> {
  const tenants: string[] = [];
  for (let n = 0; n < count; n++) {
    const job = await bench.lease();
    if (job === undefined) break;
    tenants.push(job.tenant);
    await endJob(bench.ports.store, job, { status: 'cancelled', nowMs: bench.time.nowMs });
  }
  return tenants;
}

const countOf = (tenants: readonly string[], tenant: string) => tenants.filter(name => name === tenant).length;

describe('the fair order', () => {
  test('gives a tenant that comes late its turn at once, however long the queue of another is', async () => {
    await submitMany('noisy', 40);
    expect(await tenantsServed(5)).toEqual(Array(5).fill('noisy'));
    await submitMany('quiet', 4);
    const next = await tenantsServed(8);
    expect(countOf(next, 'quiet')).toBe(4);
    expect(next.slice(0, 2)).toContain('quiet');
  });

  test('serves by weight while both wait', async () => {
    await submitMany('double', 40);
    await submitMany('single', 40);
    const served = await tenantsServed(30);
    expect(countOf(served, 'double')).toBeGreaterThanOrEqual(19);
    expect(countOf(served, 'double')).toBeLessThanOrEqual(21);
  });

  test('counts what a job costs, not how many there are', async () => {
    await submitMany('long', 30, { num_inference_steps: 48 });
    await submitMany('short', 60, { num_inference_steps: 12 });
    const served = await tenantsServed(40);
    expect(countOf(served, 'short') / countOf(served, 'long')).toBeGreaterThan(3.2);
    expect(countOf(served, 'short') / countOf(served, 'long')).toBeLessThan(4.8);
  });

  test('gives no credit for having been away', async () => {
    await submitMany('a', 30);
    await submitMany('b', 2);
    await tenantsServed(20);
    await submitMany('b', 20);
    expect(countOf(await tenantsServed(8), 'b')).toBeLessThanOrEqual(5);
  });

  test('holds a tenant to its cap, lets others pass, and goes on when one ends', async () => {
    await submitMany('capped', 4);
    const running = [await bench.lease(), await bench.lease()];
    expect(running.map(job => job?.tenant)).toEqual(['capped', 'capped']);
    expect(await bench.lease()).toBeUndefined();
    await submitMany('other', 1);
    expect((await bench.lease())?.tenant).toBe('other');
    await endJob(bench.ports.store, running[0]!, { status: 'cancelled', nowMs: bench.time.nowMs });
    expect((await bench.lease())?.tenant).toBe('capped');
  });

  test("holds a tenant to what its record allows at once, which the operator's shares do not lift", async () => {
    const limit = (id: string, most: number) => createTenant(bench.ports, id, { limits: { concurrent_jobs: most } });
    await limit('small', 1);
    await limit('capped', 3);
    await limit('none', 0);
    for (const tenant of ['small', 'capped', 'none']) await submitMany(tenant, 3);
    const started = [];
    for (let job = await bench.lease(); job !== undefined; job = await bench.lease()) started.push(job.tenant);
    expect(started.sort()).toEqual(['capped', 'capped', 'small']);
    await updateTenant(bench.ports, 'small', { limits: { concurrent_jobs: 2 } });
    bench.time.nowMs += accountLimits.keyStaleMs;
    expect((await bench.lease())?.tenant).toBe('small');
  });

  test('within a tenant: high before low, then the earlier deadline, then the older', async () => {
    const at = Math.floor(bench.time.nowMs / 1000);
    const [low] = await submitMany('t', 1, { priority: 'low' });
    const [old, young] = await submitMany('t', 2);
    const [late] = await submitMany('t', 1, { deadline: at + 7_200 });
    const [early] = await submitMany('t', 1, { deadline: at + 3_600 });
    const [high] = await submitMany('t', 1, { priority: 'high' });
    const order = [];
    for (let n = 0; n < 6; n++) order.push((await bench.lease())?.id);
    expect(order).toEqual([high, early, late, old, young, low]);
  });

  test('passes over a job that waits for its retry', async () => {
    const [first, second] = await submitMany('t', 2);
    const delayed = await bench.lease();
    expect(delayed?.id).toBe(first);
    const back = { status: 'queued', lease: null, notBeforeMs: bench.time.nowMs + 5_000 } as const;
    await bench.ports.store.transition(first!, { status: 'in_progress', attempt: 1 }, back);
    expect((await bench.lease())?.id).toBe(second);
    expect(await bench.lease()).toBeUndefined();
    bench.time.nowMs += 5_000;
    expect((await bench.lease())?.id).toBe(first);
  });

  test('refuses shares that are not of its form, naming the entry', () => {
    expect(() => parseShares('acme=3, nonsense')).toThrow('shares: "nonsense" is not of the form');
    expect(() => parseShares('acme=0')).toThrow('"acme=0"');
    expect(parseShares('acme=3,*=1:4')('other')).toEqual({ weight: 1, maxRunning: 4 });
  });
});

describe('a deadline', () => {
  test('that passes in the queue ends the job as failed, by the sweep and by whoever would have leased it', async () => {
    const deadline = Math.floor(bench.time.nowMs / 1000) + 60;
    const [swept, leased] = await submitMany('t', 2, { deadline });
    bench.time.nowMs += 61_000;
    expect(await bench.lease()).toBeUndefined();
    expect(await sweepDeadlines(bench.ports)).toBe(0);
    for (const id of [swept!, leased!])
      expect(await bench.job(id)).toMatchObject({ status: 'failed', error: { code: 'deadline_exceeded' }, attempt: 0 });
    expect(await bench.ports.deadLetters.depth()).toBe(0);
  });

  test('does not end a job that was started in time and given back', async () => {
    const [id] = await submitMany('t', 1, { deadline: Math.floor(bench.time.nowMs / 1000) + 60 });
    expect((await bench.lease())?.id).toBe(id);
    await bench.ports.store.transition(id!, { status: 'in_progress', attempt: 1 }, { status: 'queued', lease: null });
    bench.time.nowMs += 61_000;
    expect(await sweepDeadlines(bench.ports)).toBe(0);
    expect((await bench.lease())?.attempt).toBe(2);
  });

  test('that cannot be met is refused when the job is sent', async () => {
    const [id] = await submitMany('t', 20, { deadline: Math.floor(bench.time.nowMs / 1000) + 200 });
    await notePace(bench.ports.kv, await bench.job(id!), 60_000);
    const deadline = Math.floor(bench.time.nowMs / 1000) + 300;
    await expect(submit(bench.ports, 't', { prompt: 'x', deadline })).rejects.toMatchObject({
      code: 'deadline_unattainable',
      message: expect.stringMatching(/^deadline: the queue is too long for it; .* \d+ s later\.$/),
    });
    await submit(bench.ports, 't', { prompt: 'x', deadline: deadline + 7_200 });
  });
});

describe('a standing', () => {
  test('says how many go before, over all tenants, and when it may be done', async () => {
    const mine = await submitMany('a', 3);
    await submitMany('b', 10);
    const jobs = await Promise.all(mine.map(bench.job));
    await notePace(bench.ports.kv, jobs[0]!, 10_000);
    const standings = await readStandings(bench.ports, jobs);
    const positions = mine.map(id => standings.get(id)?.queuePosition);
    expect(positions).toEqual([1, 3, 5]);
    const eta = standings.get(mine[2]!)!.eta!;
    expect(eta.earliestMs).toBeGreaterThanOrEqual(bench.time.nowMs + 30_000);
    expect(eta.latestMs).toBeLessThan(bench.time.nowMs + 200_000);
  });

  test('promises no time for a model that never ran here', async () => {
    const [id] = await submitMany('a', 1);
    expect((await readStandings(bench.ports, [await bench.job(id!)])).get(id!)).toEqual({
      queuePosition: 1,
      eta: null,
    });
  });
});
