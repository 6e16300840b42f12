import { describe, expect, test } from 'vitest';
import { statuses, transitions } from '#core/job.ts';
import type { JobChange, JobStore } from '#core/ports.ts';
import {
  filterPromises,
  listPromises,
  outboxPromises,
  removablePromises,
  tenantPromises,
} from './job-store-queries.contract.ts';
import {
  briefPromises,
  deadlinePromises,
  headPromises,
  queuedPromises,
  runningPromises,
} from './job-store-scheduling.contract.ts';
import { tombstonePromises } from './job-store-tombstones.contract.ts';
import { makeEventEntry, makeJob, makeMessageEntry, makeRunningJob, startMs } from './make-job.ts';

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
    absencePromises(promise);
    tombstonePromises(promise);
    transitionPromises(promise);
    lawPromises(promise);
    racePromises(promise);
    listPromises(promise);
    tenantPromises(promise);
    filterPromises(promise);
    outboxPromises(promise);
    runningPromises(promise);
    headPromises(promise);
    queuedPromises(promise);
    briefPromises(promise);
    deadlinePromises(promise);
    removablePromises(promise);
  });
}

export type Promised = (title: string, keep: (store: JobStore) => Promise<void>) => void;

function recordPromises(promise: Promised): void {
  promise('a created job is read back in every field', async store => {
    const job = makeRunningJob({
      progress: { phase: 'denoising', step: 3, steps: 8 },
      error: { code: 'render_failed', message: 'a sentence' },
      artifacts: {
        video: { key: 'videos/a/b/video.mp4', contentType: 'video/mp4', bytes: 123_456_789, sha256: 'ef'.repeat(32) },
      },
      priority: 'high',
      deadlineAtMs: startMs + 9,
      webhookUrl: 'https://example.com/hook',
      notBeforeMs: startMs + 8,
      checkpoint: { key: 'a/b', step: 3, bytes: 12, sha256: 'ab'.repeat(32), atMs: startMs + 7 },
      redriveOf: 'video_before',
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
}

function absencePromises(promise: Promised): void {
  promise('unknown ids are undefined', async store => {
    await store.create(makeJob());
    expect(await store.load('video_unknown')).toBeUndefined();
    expect(await store.get('video_unknown', 'acme')).toBeUndefined();
    expect(await store.transition('video_unknown', { status: 'queued', attempt: 0 }, {})).toBeUndefined();
    await store.clearOutbox('video_unknown', ['x']);
    await store.remove({ id: 'video_unknown', tenant: 'acme' }, startMs);
    await store.removeTombstone('video_unknown');
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
    await store.remove(gone, startMs);
    await store.remove(gone, startMs);
    await store.remove(kept, startMs);
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
}

function lawPromises(promise: Promised): void {
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
