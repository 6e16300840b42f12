/** The part of the JobStore contract that is about whose job runs next: what runs, what waits, and what has waited for too long. */
import { expect } from 'vitest';
import { type Job, queueRank } from '#core/job.ts';
import { costOf } from '#core/jobs/fair-order.ts';
import type { JobStore } from '#core/ports.ts';
import type { Promised } from './job-store.contract.ts';
import { createMany, found } from './job-store-queries.contract.ts';
import { makeJob, makeRunningJob, startMs } from './make-job.ts';

const queued = { status: 'queued', attempt: 0 } as const;
const running = { status: 'in_progress', attempt: 1 } as const;

export function runningPromises(promise: Promised): void {
  promise('running jobs are listed by the end of their lease, up to the limit, whatever the time is', async store => {
    const jobs = [
      makeRunningJob(lease(30)),
      makeRunningJob({ ...lease(10), tenant: 'other' }),
      makeRunningJob(lease(20)),
      makeRunningJob({ lease: null }),
      makeJob({ status: 'failed', ...lease(1) }),
      makeJob(),
    ];
    for (const job of jobs) await store.create(job);
    expect(found(await store.listRunning(10), jobs)).toEqual([3, 1, 2, 0]);
    expect(found(await store.listRunning(2), jobs)).toEqual([3, 1]);
    expect(await store.listRunning(0)).toEqual([]);
  });

  promise('a beat moves a running job back, and the end of its attempt takes it off the list', async store => {
    const jobs = [makeRunningJob(lease(10)), makeRunningJob(lease(20))];
    for (const job of jobs) await store.create(job);
    await store.transition(jobs[0]!.id, running, lease(50));
    expect(found(await store.listRunning(10), jobs)).toEqual([1, 0]);
    await store.transition(jobs[0]!.id, running, { status: 'queued' });
    await store.transition(jobs[1]!.id, running, { status: 'completed' });
    expect(await store.listRunning(10)).toEqual([]);
  });

  promise('running jobs are counted by tenant', async store => {
    expect(await store.countRunning()).toEqual(new Map());
    const [job] = [makeRunningJob({ tenant: 'other' })];
    for (const made of [job, makeRunningJob(), makeRunningJob(), makeJob({ tenant: 'third' })])
      await store.create(made);
    expect(await store.countRunning()).toEqual(new Map(Object.entries({ acme: 2, other: 1 })));
    await store.transition(job.id, running, { status: 'failed' });
    expect(await store.countRunning()).toEqual(new Map([['acme', 2]]));
  });
}

export function headPromises(promise: Promised): void {
  promise(
    'a job that waits for a person is no head, is not counted and told to nobody, until it is approved',
    async store => {
      const review = { id: 'rev_1', state: 'waiting', policyHash: 'h', dueAtMs: startMs } as const;
      const job = makeJob({ priority: 'high', review });
      const other = makeJob();
      for (const made of [job, other]) await store.create(made);
      expect(found(await store.listQueueHeads(startMs, 10), [job, other])).toEqual([1]);
      expect(await store.countQueued(10)).toBe(1);
      expect(await store.countQueuedByTenant()).toEqual(new Map([['acme', 1]]));
      expect(await store.countQueuedBefore('acme', queueRank(other), 10)).toBe(0);
      expect((await store.listBriefs('queued', 10)).map(({ id }) => id)).toEqual([other.id]);
      await store.transition(job.id, queued, { review: { ...review, state: 'approved' } });
      expect(found(await store.listQueueHeads(startMs, 10), [job, other])).toEqual([0]);
      expect(await store.countQueued(10)).toBe(2);
      await store.transition(job.id, queued, { review });
      expect(found(await store.listQueueHeads(startMs, 10), [job, other])).toEqual([1]);
    },
  );

  promise('the head of a tenant is its job of the lowest rank: priority, then deadline, then age', async store => {
    const jobs = [
      makeJob({ priority: 'low', deadlineAtMs: startMs }),
      makeJob(),
      makeJob(),
      makeJob({ deadlineAtMs: startMs + 9_000 }),
      makeJob({ deadlineAtMs: startMs + 10_000 }),
      makeJob({ priority: 'high' }),
      makeJob({ priority: 'high', deadlineAtMs: startMs + 500_000 }),
    ];
    for (const job of jobs) await store.create(job);
    const order: number[] = [];
    for (;;) {
      const heads = await store.listQueueHeads(startMs, 10);
      if (heads.length === 0) break;
      expect(heads).toHaveLength(1);
      order.push(...found(heads, jobs));
      await store.transition(heads[0]!.id, queued, { status: 'in_progress', attempt: 1 });
    }
    expect(order).toEqual([6, 5, 3, 4, 1, 2, 0]);
  });

  promise('each tenant with a queued job has one head, and no more tenants than the limit have theirs', async store => {
    const tenants = ['a', 'a#b', 'a-b', 'ab', 'b.c', 'Ž', 'z'];
    const heads: Job[] = [];
    for (const tenant of tenants) {
      heads.push(makeJob({ tenant }));
      for (const job of [heads.at(-1)!, ...Array.from({ length: 6 }, () => makeJob({ tenant }))])
        await store.create(job);
    }
    await store.create(makeRunningJob({ tenant: 'busy' }));
    await store.create(makeJob({ tenant: 'done', status: 'completed' }));
    expect(byTenant(await store.listQueueHeads(startMs, 100))).toEqual(byTenant(heads));
    expect(byTenant(await store.listQueueHeads(startMs, 7))).toEqual(byTenant(heads));
    const some = await store.listQueueHeads(startMs, 3);
    expect(new Set(some.map(job => job.tenant)).size).toBe(3);
    expect(some.every(job => heads.some(({ id }) => id === job.id))).toBe(true);
    expect(await store.listQueueHeads(startMs, 0)).toEqual([]);
  });

  promise('a job that waits for its retry is passed over until its time, and hides nothing behind it', async store => {
    const late = Array.from({ length: 60 }, () => makeJob({ priority: 'high', notBeforeMs: startMs + 100 }));
    const ready = makeJob();
    const alone = makeJob({ tenant: 'other', notBeforeMs: startMs + 50 });
    await Promise.all([...late, ready, alone].map(job => store.create(job)));
    const at = async (ms: number) => byTenant(await store.listQueueHeads(startMs + ms, 10));
    expect(await at(49)).toEqual(byTenant([ready]));
    expect(await at(50)).toEqual(byTenant([ready, alone]));
    expect(await at(100)).toEqual(byTenant([late[0]!, alone]));
    expect(byTenant(await store.listQueueHeads(startMs, 1))).toEqual(byTenant([ready]));
  });

  promise('a job given back is a head again, under the rank and from the time it has then', async store => {
    const job = makeJob();
    await store.create(job);
    await store.transition(job.id, queued, { status: 'in_progress', attempt: 1, ...lease(9) });
    expect(await store.listQueueHeads(startMs, 10)).toEqual([]);
    await store.transition(job.id, running, { status: 'queued', notBeforeMs: startMs + 5 });
    expect(await store.listQueueHeads(startMs + 4, 10)).toEqual([]);
    expect(found(await store.listQueueHeads(startMs + 5, 10), [job])).toEqual([0]);
    await store.transition(job.id, { status: 'queued', attempt: 1 }, { status: 'cancelled' });
    expect(await store.listQueueHeads(startMs + 5, 10)).toEqual([]);
  });
}

export function queuedPromises(promise: Promised): void {
  promise('queued jobs are counted by tenant, delayed ones too', async store => {
    expect(await store.countQueuedByTenant()).toEqual(new Map());
    const [id] = await createMany(store, 3);
    await createMany(store, 2, { tenant: 'other', notBeforeMs: startMs * 2 });
    await createMany(store, 2, { tenant: 'done', status: 'completed' });
    expect(await store.countQueuedByTenant()).toEqual(new Map(Object.entries({ acme: 3, other: 2 })));
    await store.transition(id!, queued, { status: 'in_progress', attempt: 1 });
    expect(await store.countQueuedByTenant()).toEqual(new Map(Object.entries({ acme: 2, other: 2 })));
  });

  promise('the jobs before a rank are counted within the tenant, never beyond the bound', async store => {
    const jobs = [makeJob(), makeJob(), makeJob({ priority: 'low' }), makeJob({ priority: 'high' })];
    for (const job of [...jobs, makeJob({ tenant: 'other', priority: 'high' }), makeRunningJob({ priority: 'high' })])
      await store.create(job);
    const before = (n: number, atMost = 100) => store.countQueuedBefore('acme', queueRank(jobs[n]!), atMost);
    expect([await before(3), await before(0), await before(1), await before(2)]).toEqual([0, 1, 2, 3]);
    expect([await before(2, 3), await before(2, 2), await before(2, 0)]).toEqual([3, 2, 0]);
    expect(await store.countQueuedBefore('nobody', queueRank(jobs[2]!), 100)).toBe(0);
  });
}

export function briefPromises(promise: Promised): void {
  promise('queued jobs of all tenants are told in the order of their ranks, without tenant or content', async store => {
    const jobs = [
      makeJob({ priority: 'low' }),
      makeJob({ tenant: 'other', notBeforeMs: startMs + 9 }),
      makeJob({ priority: 'high', tenant: 'a#b' }),
      makeJob({ deadlineAtMs: startMs + 10, tenant: 'z' }),
      makeRunningJob(),
      makeJob({ status: 'failed' }),
    ];
    for (const job of jobs) await store.create(job);
    const briefs = await store.listBriefs('queued', 10);
    expect(briefs.map(({ id }) => jobs.findIndex(job => job.id === id))).toEqual([2, 3, 1, 0]);
    expect(briefs[3]).toEqual({
      id: jobs[0]!.id,
      status: 'queued',
      model: 'reelay-tiny',
      residency: 'standard',
      priority: 'low',
      createdAtMs: startMs,
      startedAtMs: null,
      cost: costOf(jobs[0]!.request),
      percent: 0,
      owner: null,
    });
    expect(JSON.stringify(briefs)).not.toMatch(/red ball|acme|other/);
    expect(await store.listBriefs('queued', 2)).toHaveLength(2);
    expect(await store.listBriefs('queued', 0)).toEqual([]);
  });

  promise('running jobs are told with who leases them and how far they are, by the end of their lease', async store => {
    const progress = { phase: 'denoising', step: 4, steps: 8 } as const;
    const jobs = [
      makeRunningJob({ lease: { owner: 'w2', expiresAtMs: startMs + 20 }, progress }),
      makeRunningJob({ lease: { owner: 'w1', expiresAtMs: startMs + 10 } }),
      makeJob(),
    ];
    for (const job of jobs) await store.create(job);
    const briefs = await store.listBriefs('in_progress', 10);
    expect(briefs.map(({ id, owner, percent }) => [id, owner, percent])).toEqual([
      [jobs[1]!.id, 'w1', 0],
      [jobs[0]!.id, 'w2', 47],
    ]);
    await store.transition(jobs[0]!.id, running, { status: 'completed' });
    await store.transition(jobs[1]!.id, running, { status: 'queued', lease: null });
    expect(await store.listBriefs('in_progress', 10)).toEqual([]);
    const [given] = (await store.listBriefs('queued', 10)).filter(({ id }) => id === jobs[1]!.id);
    expect(given).toMatchObject({ status: 'queued', owner: null, startedAtMs: startMs });
  });
}

export function deadlinePromises(promise: Promised): void {
  promise(
    'queued jobs past their deadline are listed, oldest deadline first, until they were started or have ended',
    async store => {
      const jobs = [
        makeJob({ deadlineAtMs: startMs + 30 }),
        makeJob({ deadlineAtMs: startMs + 10, notBeforeMs: startMs + 99, tenant: 'other' }),
        makeJob({ deadlineAtMs: startMs + 20, priority: 'low' }),
        makeJob(),
        makeRunningJob({ deadlineAtMs: startMs }),
        makeJob({ status: 'failed', deadlineAtMs: startMs }),
      ];
      for (const job of jobs) await store.create(job);
      const missed = async (store: JobStore, ms: number, limit = 10) =>
        found(await store.listDeadlinesMissed(startMs + ms, limit), jobs);
      expect(await missed(store, 9)).toEqual([]);
      expect(await missed(store, 20)).toEqual([1, 2]);
      expect(await missed(store, 99)).toEqual([1, 2, 0]);
      expect(await missed(store, 99, 2)).toEqual([1, 2]);
      await store.transition(jobs[1]!.id, queued, { status: 'failed' });
      await store.transition(jobs[2]!.id, queued, { status: 'in_progress', attempt: 1, startedAtMs: startMs });
      expect(await missed(store, 99)).toEqual([0]);
      // Started in time and given back: it has met its deadline.
      await store.transition(jobs[4]!.id, running, { status: 'queued' });
      expect(await missed(store, 99)).toEqual([0]);
    },
  );
}

/** A lease that ends so many ms after the start. */
function lease(ms: number) {
  return { lease: { owner: 'w', expiresAtMs: startMs + ms } };
}

function byTenant(jobs: readonly Job[]): Readonly<Record<string, string>> {
  expect(new Set(jobs.map(job => job.tenant)).size).toBe(jobs.length);
  return Object.fromEntries(jobs.map(job => [job.tenant, job.id]));
}
