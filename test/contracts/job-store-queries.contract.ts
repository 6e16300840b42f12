/** The part of the JobStore contract that is about finding records: lists for tenants, sweeps of what is owed or over. */
import { expect } from 'vitest';
import type { Job } from '#core/job.ts';
import type { JobQuery, JobStore } from '#core/ports.ts';
import type { Promised } from './job-store.contract.ts';
import { makeEventEntry, makeJob, makeMessageEntry, makeRunningJob, nextJobId, startMs } from './make-job.ts';

export function listPromises(promise: Promised): void {
  promise('a tenant with no jobs has an empty page', async store => {
    await store.create(makeJob({ tenant: 'other' }));
    expect(await store.list('acme', { limit: 10, order: 'asc' })).toEqual({ jobs: [], hasMore: false });
  });

  promise('a created job is listed by the next read', async store => {
    const job = makeJob();
    await store.create(job);
    expect(await store.list('acme', { limit: 1, order: 'desc' })).toEqual({ jobs: [job], hasMore: false });
  });

  promise('pages in both orders show every job once, and say whether there is more', async store => {
    const ids = await createMany(store, 7);
    for (const order of ['asc', 'desc'] as const) {
      const expected = order === 'asc' ? ids : ids.toReversed();
      const pages = await pageThrough(store, 'acme', { limit: 3, order });
      expect(pages.map(page => page.map(job => job.id))).toEqual([
        expected.slice(0, 3),
        expected.slice(3, 6),
        expected.slice(6),
      ]);
    }
  });

  promise('a page that holds exactly the rest has no more', async store => {
    const ids = await createMany(store, 4);
    expect(await store.list('acme', { limit: 4, order: 'asc' })).toMatchObject({ hasMore: false });
    expect(await store.list('acme', { limit: 2, order: 'asc', after: ids[1]! })).toMatchObject({ hasMore: false });
    expect(await store.list('acme', { limit: 3, order: 'asc' })).toMatchObject({ hasMore: true });
  });

  promise('a page of a hundred out of more', async store => {
    const ids = await createMany(store, 102);
    const page = await store.list('acme', { limit: 100, order: 'desc' });
    expect(page.jobs.map(job => job.id)).toEqual(ids.toReversed().slice(0, 100));
    expect(page.hasMore).toBe(true);
  });
}

export function tenantPromises(promise: Promised): void {
  promise('a cursor works when its job was deleted, removed, or never was', async store => {
    const ids = await createMany(store, 5);
    const cursor = ids[2]!;
    const seen = async (order: 'asc' | 'desc') => idsOf(await store.list('acme', { limit: 10, order, after: cursor }));
    await store.transition(cursor, { status: 'queued', attempt: 0 }, { status: 'cancelled', deletedAtMs: startMs });
    expect([await seen('asc'), await seen('desc')]).toEqual([ids.slice(3), [ids[1], ids[0]]]);
    await store.remove({ id: cursor, tenant: 'acme' }, startMs);
    expect([await seen('asc'), await seen('desc')]).toEqual([ids.slice(3), [ids[1], ids[0]]]);
    const never = nextJobId();
    expect(idsOf(await store.list('acme', { limit: 10, order: 'asc', after: never }))).toEqual([]);
    expect(idsOf(await store.list('acme', { limit: 2, order: 'desc', after: never }))).toEqual([ids[4], ids[3]]);
  });

  promise('records marked deleted are left out and do not count for the page', async store => {
    const ids = await createMany(store, 6);
    for (const id of [ids[0]!, ids[3]!, ids[5]!])
      await store.transition(id, { status: 'queued', attempt: 0 }, { status: 'cancelled', deletedAtMs: startMs });
    const page = await store.list('acme', { limit: 3, order: 'asc' });
    expect([idsOf(page), page.hasMore]).toEqual([[ids[1], ids[2], ids[4]], false]);
  });

  promise('a list shows one tenant only, also in its cursor', async store => {
    const mine = await createMany(store, 3, { tenant: 'acme' });
    const theirs = await createMany(store, 3, { tenant: 'acme2' });
    expect(idsOf(await store.list('acme', { limit: 10, order: 'asc' }))).toEqual(mine);
    expect(idsOf(await store.list('acme2', { limit: 10, order: 'asc' }))).toEqual(theirs);
    expect(idsOf(await store.list('acme', { limit: 10, order: 'desc', after: theirs[0]! }))).toEqual(mine.toReversed());
    expect(idsOf(await store.list('acm', { limit: 10, order: 'asc' }))).toEqual([]);
  });
}

export function filterPromises(promise: Promised): void {
  promise('the status filter shows that status, page by page', async store => {
    const queued = await createMany(store, 3);
    const done = await createMany(store, 4, { status: 'completed' });
    await createMany(store, 2, { status: 'failed' });
    expect(idsOf(await store.list('acme', { limit: 10, order: 'asc', status: 'queued' }))).toEqual(queued);
    const pages = await pageThrough(store, 'acme', { limit: 3, order: 'desc', status: 'completed' });
    expect(pages.map(page => page.map(job => job.id))).toEqual([[done[3], done[2], done[1]], [done[0]]]);
  });

  promise('a job changes its place among the filters with its status', async store => {
    const [id] = await createMany(store, 1);
    await store.transition(id!, { status: 'queued', attempt: 0 }, { status: 'failed' });
    expect(idsOf(await store.list('acme', { limit: 10, order: 'asc', status: 'queued' }))).toEqual([]);
    expect(idsOf(await store.list('acme', { limit: 10, order: 'asc', status: 'failed' }))).toEqual([id]);
  });

  promise('the metadata filter wants every entry, exactly', async store => {
    const make = (metadata: Record<string, string>) => makeJob({ request: { ...makeJob().request, metadata } });
    const jobs = [
      make({ project: 'a', user: '1' }),
      make({ project: 'a', user: '2' }),
      make({ project: 'ab' }),
      make({ 'dotted.key "q"': 'Žofie 🎬' }),
      make({}),
    ];
    for (const job of jobs) await store.create(job);
    const found = async (metadata: Record<string, string>) =>
      idsOf(await store.list('acme', { limit: 10, order: 'asc', metadata })).map(id =>
        jobs.findIndex(job => job.id === id),
      );
    expect(await found({ project: 'a' })).toEqual([0, 1]);
    expect(await found({ project: 'a', user: '2' })).toEqual([1]);
    expect(await found({ project: 'A' })).toEqual([]);
    expect(await found({ 'dotted.key "q"': 'Žofie 🎬' })).toEqual([3]);
    expect(await found({ toString: 'x' })).toEqual([]);
    expect(await found({})).toEqual([0, 1, 2, 3, 4]);
  });

  promise('a filter that few jobs pass still fills its page and tells the end', async store => {
    const wanted: string[] = [];
    for (let n = 0; n < 30; n++) {
      const request = { ...makeJob().request, metadata: { rare: String(n % 10 === 9) } };
      const [id] = await createMany(store, 1, { request, status: n < 10 ? 'completed' : 'queued' });
      if (n % 10 === 9) wanted.push(id!);
    }
    const metadata = { rare: 'true' };
    const first = await store.list('acme', { limit: 2, order: 'asc', metadata });
    expect([idsOf(first), first.hasMore]).toEqual([wanted.slice(0, 2), true]);
    const rest = await store.list('acme', { limit: 2, order: 'asc', metadata, after: wanted[1]! });
    expect([idsOf(rest), rest.hasMore]).toEqual([wanted.slice(2), false]);
    expect(idsOf(await store.list('acme', { limit: 5, order: 'asc', metadata, status: 'completed' }))).toEqual([
      wanted[0],
    ]);
  });
}

export function outboxPromises(promise: Promised): void {
  promise('outbox entries are part of the write that owes them', async store => {
    const job = makeRunningJob();
    await store.create(job);
    const entry = makeEventEntry(startMs);
    await store.transition(job.id, { status: 'in_progress', attempt: 1 }, { status: 'completed', outbox: [entry] });
    expect((await store.load(job.id))?.outbox).toEqual([entry]);
    expect((await store.listOutboxDue(startMs, 10)).map(due => due.id)).toEqual([job.id]);
  });

  promise('clearing takes the named entries off and changes nothing but the version', async store => {
    const [a, b, c] = [makeMessageEntry(startMs), makeEventEntry(startMs + 1), makeMessageEntry(startMs + 2)];
    const job = makeRunningJob({ outbox: [a, b, c] });
    await store.create(job);
    await store.clearOutbox(job.id, [a.id, c.id]);
    expect(await store.load(job.id)).toEqual({ ...job, outbox: [b], version: 1 });
    await store.clearOutbox(job.id, [a.id, 'never-was']);
    await store.clearOutbox(job.id, []);
    expect((await store.load(job.id))?.outbox).toEqual([b]);
    await store.clearOutbox(job.id, [b.id]);
    expect((await store.load(job.id))?.outbox).toEqual([]);
  });

  promise('records with a due entry are listed oldest first, up to the limit, until they are cleared', async store => {
    const due = (ms: number, later: number) =>
      makeJob({ outbox: [makeMessageEntry(startMs + later), makeMessageEntry(startMs + ms)] });
    const jobs = [due(30, 99), due(10, 99), due(20, 99), due(40, 41)];
    for (const job of [...jobs, makeJob()]) await store.create(job);
    const at = async (ms: number, limit = 10) =>
      (await store.listOutboxDue(startMs + ms, limit)).map(job => jobs.findIndex(({ id }) => id === job.id));
    expect(await at(9)).toEqual([]);
    expect(await at(10)).toEqual([1]);
    expect(await at(30)).toEqual([1, 2, 0]);
    expect(await at(1000)).toEqual([1, 2, 0, 3]);
    expect(await at(1000, 2)).toEqual([1, 2]);
    await store.clearOutbox(jobs[1]!.id, [jobs[1]!.outbox[1]!.id]);
    expect(await at(50)).toEqual([2, 0, 3]);
    expect(await at(99)).toEqual([2, 0, 3, 1]);
    await store.clearOutbox(
      jobs[2]!.id,
      jobs[2]!.outbox.map(entry => entry.id),
    );
    expect(await at(99)).toEqual([0, 3, 1]);
  });

  promise('a deleted record still owes its outbox', async store => {
    const job = makeJob({ status: 'cancelled', deletedAtMs: startMs, outbox: [makeEventEntry(startMs)] });
    await store.create(job);
    expect((await store.listOutboxDue(startMs, 10)).map(({ id }) => id)).toEqual([job.id]);
  });
}

export function removablePromises(promise: Promised): void {
  promise('deleted and expired records are removable, oldest first, up to the limit', async store => {
    const jobs = [
      makeJob({ status: 'completed', expiresAtMs: startMs + 30 }),
      makeJob({ status: 'completed', deletedAtMs: startMs + 20, expiresAtMs: startMs + 900 }),
      makeJob({ status: 'completed', expiresAtMs: startMs + 10 }),
      makeJob({ status: 'completed', expiresAtMs: startMs + 500 }),
      makeJob({ status: 'completed' }),
    ];
    for (const job of jobs) await store.create(job);
    expect(found(await store.listRemovable(startMs + 30, 10), jobs)).toEqual([2, 1, 0]);
    expect(found(await store.listRemovable(startMs + 30, 2), jobs)).toEqual([2, 1]);
    expect(found(await store.listRemovable(startMs + 29, 10), jobs)).toEqual([2, 1]);
    expect(found(await store.listRemovable(startMs, 10), jobs)).toEqual([1]);
    await store.remove(jobs[1]!, startMs);
    expect(found(await store.listRemovable(startMs + 30, 10), jobs)).toEqual([2, 0]);
  });

  promise('an expired job whose expiry is taken away is not removable any more', async store => {
    const job = makeJob({ status: 'completed', expiresAtMs: startMs });
    await store.create(job);
    expect(await store.listRemovable(startMs, 10)).toHaveLength(1);
    await store.transition(job.id, { status: 'completed', attempt: 0 }, { expiresAtMs: null });
    expect(await store.listRemovable(startMs, 10)).toEqual([]);
  });

  promise('queued jobs of all tenants are counted, never beyond the bound', async store => {
    expect(await store.countQueued(10)).toBe(0);
    const ids = await createMany(store, 5);
    await createMany(store, 4, { tenant: 'other' });
    await createMany(store, 3, { status: 'completed' });
    expect(await store.countQueued(100)).toBe(9);
    expect(await store.countQueued(9)).toBe(9);
    expect(await store.countQueued(4)).toBe(4);
    expect(await store.countQueued(0)).toBe(0);
    await store.transition(ids[0]!, { status: 'queued', attempt: 0 }, { status: 'in_progress', attempt: 1 });
    await store.transition(ids[1]!, { status: 'queued', attempt: 0 }, { status: 'cancelled' });
    expect(await store.countQueued(100)).toBe(7);
    await store.transition(ids[0]!, { status: 'in_progress', attempt: 1 }, { status: 'queued' });
    expect(await store.countQueued(100)).toBe(8);
  });
}

/** The places in `all` of the records found, for short expectations. */
export function found(jobs: readonly Job[], all: readonly Job[]): readonly number[] {
  return jobs.map(job => all.findIndex(({ id }) => id === job.id));
}

/** Creates jobs that differ in their ids only; gives the ids in order. */
export async function createMany(
  store: JobStore,
  count: number,
  overrides: Partial<Job> = {},
): Promise<readonly string[]> {
  const jobs = Array.from({ length: count }, () => makeJob(overrides));
  await Promise.all(jobs.map(job => store.create(job)));
  return jobs.map(job => job.id);
}

async function pageThrough(store: JobStore, tenant: string, query: JobQuery): Promise<readonly (readonly Job[])[]> {
  const pages: (readonly Job[])[] = [];
  let after: string | undefined;
  for (;;) {
    const page = await store.list(tenant, after === undefined ? query : { ...query, after });
    pages.push(page.jobs);
    if (!page.hasMore) return pages;
    after = page.jobs.at(-1)!.id;
  }
}

function idsOf(page: { readonly jobs: readonly Job[] }): readonly string[] {
  return page.jobs.map(job => job.id);
}
