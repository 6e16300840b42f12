import { describe, expect, test } from 'vitest';
import { type Job, statuses, transitions } from '#core/job.ts';
import type { JobChange, JobQuery, JobStore } from '#core/ports.ts';
import { makeEventEntry, makeJob, makeMessageEntry, makeRunningJob, nextJobId, startMs } from './make-job.ts';

export interface OpenStore {
  readonly store: JobStore;
  close(): Promise<void>;
}

/** What every JobStore keeps. `open` gives an empty store. */
export function jobStoreContract(name: string, open: () => Promise<OpenStore>): void {
  const promise = (title: string, keep: (store: JobStore) => Promise<void>) =>
    test(title, { timeout: 15_000 }, async () => {
      const { store, close } = await open();
      try {
        await keep(store);
      } finally {
        await close();
      }
    });

  describe(`${name} as a JobStore`, () => {
    recordPromises(promise);
    transitionPromises(promise);
    racePromises(promise);
    listPromises(promise);
    filterPromises(promise);
    outboxPromises(promise);
    sweepPromises(promise);
  });
}

type Promised = (title: string, keep: (store: JobStore) => Promise<void>) => void;

function recordPromises(promise: Promised): void {
  promise('a created job is read back in every field', async store => {
    const job = makeRunningJob({
      progress: { phase: 'denoising', step: 3, steps: 8 },
      error: { code: 'render_failed', message: 'a sentence' },
      artifacts: {
        video: { key: 'videos/a/b/video.mp4', contentType: 'video/mp4', bytes: 123_456_789, sha256: 'ef'.repeat(32) },
      },
      expiresAtMs: startMs + 5,
      cancelRequestedAtMs: startMs + 6,
      outbox: [makeMessageEntry(startMs), makeEventEntry(startMs + 1)],
    });
    await store.create(job);
    expect(await store.load(job.id)).toEqual(job);
    expect(await store.get(job.id, job.tenant)).toEqual(job);
  });

  promise('texts beyond ASCII, empty ones and awkward keys come back as they were', async store => {
    const request = {
      ...makeJob().request,
      prompt: 'Žluťoučký kůň 🐎 \u0000 \u2028 "\' \\ \uD800 ﷽',
      negative_prompt: '',
      metadata: { 'klíč.s "tečkou"': '値 🎬', '': 'empty key', __proto__x: '', 'a.b[0]': "it's", '#name': ':value' },
    };
    const job = makeJob({ request });
    await store.create(job);
    expect(await store.load(job.id)).toEqual(job);
  });

  promise('an id that exists is a conflict, and the first record stays', async store => {
    const job = makeJob();
    await store.create(job);
    await expect(store.create({ ...job, tenant: 'other' })).rejects.toMatchObject({ code: 'conflict' });
    expect(await store.load(job.id)).toEqual(job);
  });

  promise('of twenty creates of one id, one succeeds', async store => {
    const job = makeJob();
    const done = await Promise.allSettled(Array.from({ length: 20 }, () => store.create(job)));
    expect(done.filter(result => result.status === 'fulfilled')).toHaveLength(1);
  });

  promise('unknown ids are undefined', async store => {
    await store.create(makeJob());
    expect(await store.load('video_unknown')).toBeUndefined();
    expect(await store.get('video_unknown', 'acme')).toBeUndefined();
    expect(await store.transition('video_unknown', { status: 'queued', attempt: 0 }, {})).toBeUndefined();
    await store.clearOutbox('video_unknown', ['x']);
    await store.remove('video_unknown');
    expect(await store.load('video_unknown')).toBeUndefined();
  });

  promise("another tenant's job reads as unknown", async store => {
    const job = makeJob({ tenant: 'acme' });
    await store.create(job);
    expect(await store.get(job.id, 'other')).toBeUndefined();
    expect(await store.get(job.id, 'acme')).toEqual(job);
  });

  promise('a record marked deleted is still read', async store => {
    const job = makeJob({ status: 'cancelled', deletedAtMs: startMs });
    await store.create(job);
    expect(await store.get(job.id, job.tenant)).toEqual(job);
    expect(await store.load(job.id)).toEqual(job);
  });

  promise('remove takes a record marked deleted and leaves others alone', async store => {
    const [gone, kept] = [makeJob({ deletedAtMs: startMs }), makeJob()];
    await store.create(gone);
    await store.create(kept);
    await store.remove(gone.id);
    await store.remove(gone.id);
    await store.remove(kept.id);
    expect(await store.load(gone.id)).toBeUndefined();
    expect(await store.load(kept.id)).toEqual(kept);
  });
}

function transitionPromises(promise: Promised): void {
  promise(
    'a transition changes what it names, counts the version and returns the record that is stored',
    async store => {
      const job = makeJob();
      await store.create(job);
      const change: JobChange = { status: 'in_progress', attempt: 1, lease: { owner: 'w', expiresAtMs: startMs + 1 } };
      const changed = await store.transition(job.id, { status: 'queued', attempt: 0 }, change);
      expect(changed).toEqual({ ...job, ...change, version: 1 });
      expect(await store.load(job.id)).toEqual(changed);
    },
  );

  promise('a transition whose expectation does not hold writes nothing', async store => {
    const job = makeRunningJob({ attempt: 2, version: 7, cancelRequestedAtMs: startMs });
    await store.create(job);
    const wrong = [
      { status: 'queued', attempt: 2 },
      { status: 'in_progress', attempt: 1 },
      { status: 'in_progress', attempt: 3 },
      { status: 'in_progress', attempt: 2, version: 6 },
      { status: 'in_progress', attempt: 2, version: 8 },
      { status: 'in_progress', attempt: 2, notCancelled: true },
      { status: 'in_progress', attempt: 2, version: 7, notCancelled: true },
    ] as const;
    for (const expected of wrong)
      expect(await store.transition(job.id, expected, { failures: 3 }), JSON.stringify(expected)).toBeUndefined();
    expect(await store.load(job.id)).toEqual(job);
  });

  promise('a transition whose expectation holds is written', async store => {
    const job = makeRunningJob({ attempt: 2, version: 7 });
    await store.create(job);
    const right = [
      { status: 'in_progress', attempt: 2 },
      { status: 'in_progress', attempt: 2, version: 8 },
      { status: 'in_progress', attempt: 2, notCancelled: true },
      { status: 'in_progress', attempt: 2, notCancelled: false, version: 10 },
    ] as const;
    for (const expected of right)
      expect(await store.transition(job.id, expected, { failures: 1 }), JSON.stringify(expected)).toBeDefined();
    expect((await store.load(job.id))?.version).toBe(11);
  });

  promise('id, tenant, request and creation time never change', async store => {
    const job = makeJob();
    await store.create(job);
    const smuggled = {
      id: 'x',
      tenant: 'x',
      createdAtMs: 1,
      request: { ...job.request, prompt: 'x' },
      version: 40,
      failures: 1,
    };
    const changed = await store.transition(job.id, { status: 'queued', attempt: 0 }, smuggled as JobChange);
    expect(changed).toEqual({ ...job, failures: 1, version: 1 });
    expect(await store.load(job.id)).toEqual(changed);
  });

  promise('a change of status that the table does not have is a bug, not a lost race', async store => {
    for (const from of statuses)
      for (const to of statuses) {
        const job = makeJob({ status: from });
        await store.create(job);
        const changing = store.transition(job.id, { status: from, attempt: 0 }, { status: to });
        if (transitions[from].includes(to)) expect((await changing)?.status).toBe(to);
        else {
          await expect(changing, `${from} to ${to}`).rejects.toMatchObject({ code: 'internal', retryable: false });
          expect(await store.load(job.id)).toEqual(job);
        }
      }
  });

  promise('a finished job can be marked deleted', async store => {
    const job = makeJob({ status: 'completed' });
    await store.create(job);
    const expected = { status: 'completed', attempt: 0 } as const;
    expect((await store.transition(job.id, expected, { deletedAtMs: startMs }))?.deletedAtMs).toBe(startMs);
  });
}

function racePromises(promise: Promised): void {
  promise('of fifty workers that lease one attempt, exactly one wins', async store => {
    const job = makeJob();
    await store.create(job);
    const lease = (n: number) =>
      store.transition(
        job.id,
        { status: 'queued', attempt: 0 },
        { status: 'in_progress', attempt: 1, lease: { owner: `worker-${n}`, expiresAtMs: startMs } },
      );
    const won = (await Promise.all(Array.from({ length: 50 }, (_, n) => lease(n)))).filter(
      result => result !== undefined,
    );
    expect(won).toHaveLength(1);
    expect(await store.load(job.id)).toEqual(won[0]);
    expect(won[0]?.version).toBe(1);
  });

  promise('of fifty changes that expect the same version, exactly one is written', async store => {
    const job = makeRunningJob();
    await store.create(job);
    const expected = { status: 'in_progress', attempt: 1, version: 0 } as const;
    const change = (n: number) => store.transition(job.id, expected, { failures: n });
    const won = (await Promise.all(Array.from({ length: 50 }, (_, n) => change(n)))).filter(
      result => result !== undefined,
    );
    expect(won).toHaveLength(1);
    expect(await store.load(job.id)).toEqual(won[0]);
  });

  promise('twenty changes that may all happen all do, and none is lost', async store => {
    const job = makeRunningJob({ outbox: Array.from({ length: 10 }, () => makeMessageEntry(startMs)) });
    await store.create(job);
    const expected = { status: 'in_progress', attempt: 1 } as const;
    const writes = job.outbox.flatMap((entry, n) => [
      store.transition(job.id, expected, { progress: { phase: 'denoising', step: n, steps: 10 } }),
      store.clearOutbox(job.id, [entry.id]),
    ]);
    await Promise.all(writes);
    expect(await store.load(job.id)).toMatchObject({ version: 20, outbox: [] });
  });

  promise('a cancel and a completion at once: one of them happened', async store => {
    for (let round = 0; round < 10; round++) {
      const job = makeRunningJob();
      await store.create(job);
      const running = { status: 'in_progress', attempt: 1 } as const;
      const [cancelled, completed] = await Promise.all([
        store.transition(job.id, running, { cancelRequestedAtMs: startMs }),
        store.transition(job.id, { ...running, notCancelled: true }, { status: 'completed' }),
      ]);
      expect([cancelled, completed].filter(result => result !== undefined)).toHaveLength(1);
    }
  });
}

function listPromises(promise: Promised): void {
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

  promise('a cursor works when its job was deleted, removed, or never was', async store => {
    const ids = await createMany(store, 5);
    const cursor = ids[2]!;
    const seen = async (order: 'asc' | 'desc') => idsOf(await store.list('acme', { limit: 10, order, after: cursor }));
    await store.transition(cursor, { status: 'queued', attempt: 0 }, { status: 'cancelled', deletedAtMs: startMs });
    expect([await seen('asc'), await seen('desc')]).toEqual([ids.slice(3), [ids[1], ids[0]]]);
    await store.remove(cursor);
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

function filterPromises(promise: Promised): void {
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

function outboxPromises(promise: Promised): void {
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

function sweepPromises(promise: Promised): void {
  const found = (jobs: readonly Job[], all: readonly Job[]) =>
    jobs.map(job => all.findIndex(({ id }) => id === job.id));
  const lease = (ms: number) => ({ lease: { owner: 'w', expiresAtMs: startMs + ms } });

  promise('running jobs with a dead lease are listed oldest first, up to the limit', async store => {
    const jobs = [
      makeRunningJob(lease(30)),
      makeRunningJob(lease(10)),
      makeRunningJob(lease(20)),
      makeJob({ status: 'failed', ...lease(1) }),
      makeJob(),
    ];
    for (const job of jobs) await store.create(job);
    expect(found(await store.listLeasesExpired(startMs + 9, 10), jobs)).toEqual([]);
    expect(found(await store.listLeasesExpired(startMs + 20, 10), jobs)).toEqual([1, 2]);
    expect(found(await store.listLeasesExpired(startMs + 99, 10), jobs)).toEqual([1, 2, 0]);
    expect(found(await store.listLeasesExpired(startMs + 99, 2), jobs)).toEqual([1, 2]);
  });

  promise('a beat moves the end of the lease, and the end of the job takes it off the list', async store => {
    const job = makeRunningJob(lease(10));
    await store.create(job);
    const running = { status: 'in_progress', attempt: 1 } as const;
    await store.transition(job.id, running, lease(50));
    expect(await store.listLeasesExpired(startMs + 49, 10)).toEqual([]);
    expect(await store.listLeasesExpired(startMs + 50, 10)).toHaveLength(1);
    await store.transition(job.id, running, { status: 'queued' });
    expect(await store.listLeasesExpired(startMs + 99, 10)).toEqual([]);
  });

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
    await store.remove(jobs[1]!.id);
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

async function createMany(store: JobStore, count: number, overrides: Partial<Job> = {}): Promise<readonly string[]> {
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
