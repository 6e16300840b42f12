/** The part of the JobStore contract that is about removed records: nothing shows them, and nothing takes their ids. */
import { expect } from 'vitest';
import type { JobStore } from '#core/ports.ts';
import type { Promised } from './job-store.contract.ts';
import { makeEventEntry, makeJob, startMs } from './make-job.ts';

const conflict = { code: 'conflict' };

export function tombstonePromises(promise: Promised): void {
  promise('a removed id is not made again until its tombstone is removed', async store => {
    const job = await removed(store);
    for (const again of [job, makeJob({ id: job.id }), makeJob({ id: job.id, tenant: 'other' })])
      await expect(store.create(again)).rejects.toMatchObject(conflict);
    expect(await store.load(job.id)).toBeUndefined();
    await store.removeTombstone(job.id);
    const again = makeJob({ id: job.id });
    await store.create(again);
    expect(await store.load(job.id)).toEqual(again);
  });

  promise('of a removal and many creates of its id at once, no create comes through', async store => {
    for (let round = 0; round < 5; round++) {
      const job = makeJob({ status: 'cancelled', deletedAtMs: startMs });
      await store.create(job);
      const creates = () => Array.from({ length: 5 }, () => store.create(makeJob({ id: job.id })));
      const [done] = [await Promise.allSettled([...creates(), store.remove(job, startMs), ...creates()])];
      expect(done.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      expect(await store.load(job.id)).toBeUndefined();
    }
  });

  promise('no read, list, count or write finds what is left of a record', async store => {
    const { id, tenant } = await removed(store);
    const [far, none] = [Number.MAX_SAFE_INTEGER, []];
    expect([await store.load(id), await store.get(id, tenant)]).toEqual([undefined, undefined]);
    for (const order of ['asc', 'desc'] as const)
      expect(await store.list(tenant, { limit: 10, order })).toEqual({ jobs: none, hasMore: false });
    for (const list of [store.listOutboxDue, store.listDeadlinesMissed, store.listRemovable, store.listQueueHeads])
      expect(await list(far, 10)).toEqual(none);
    expect(await store.listRunning(10)).toEqual(none);
    expect([await store.countRunning(), await store.countQueuedByTenant()]).toEqual([new Map(), new Map()]);
    expect([await store.countQueued(10), await store.countQueuedBefore(tenant, '~', 10)]).toEqual([0, 0]);
    for (const status of ['queued', 'cancelled'] as const)
      expect(await store.transition(id, { status, attempt: 0 }, { failures: 1 })).toBeUndefined();
    await store.clearOutbox(id, ['x']);
    await store.remove({ id, tenant }, startMs + 9);
    expect(await store.listTombstones(far, 10)).toEqual([{ id, tenant, removedAtMs: startMs }]);
  });

  promise(
    'tombstones are listed from their time on, oldest first, up to the limit, until they are removed',
    async store => {
      const jobs = [await removed(store, 30), await removed(store, 10, 'other'), await removed(store, 20)];
      await store.create(makeJob());
      const at = async (ms: number, limit = 10) =>
        (await store.listTombstones(startMs + ms, limit)).map(({ id }) => jobs.findIndex(job => job.id === id));
      expect([await at(9), await at(10), await at(29), await at(30)]).toEqual([[], [1], [1, 2], [1, 2, 0]]);
      expect(await at(99, 2)).toEqual([1, 2]);
      expect(await store.listTombstones(startMs + 10, 1)).toEqual([
        { id: jobs[1]!.id, tenant: 'other', removedAtMs: startMs + 10 },
      ]);
      await store.removeTombstone(jobs[1]!.id);
      await store.removeTombstone(jobs[1]!.id);
      expect(await at(99)).toEqual([2, 0]);
    },
  );

  promise(
    'removing a tombstone leaves a record alone, and a removal leaves none of what it does not remove',
    async store => {
      const [kept, gone] = [makeJob(), makeJob({ status: 'cancelled', deletedAtMs: startMs })];
      for (const job of [kept, gone]) await store.create(job);
      await store.removeTombstone(gone.id);
      await store.remove(kept, startMs);
      await store.remove({ id: gone.id, tenant: 'other' }, startMs);
      await store.remove({ id: 'video_unknown', tenant: 'acme' }, startMs);
      expect([await store.load(kept.id), await store.load(gone.id)]).toEqual([kept, gone]);
      expect(await store.listTombstones(Number.MAX_SAFE_INTEGER, 10)).toEqual([]);
    },
  );
}

/** A job that was there, ended, and was removed so many milliseconds after the start. */
async function removed(store: JobStore, afterMs = 0, tenant = 'acme') {
  const job = makeJob({ tenant, outbox: [makeEventEntry(startMs)] });
  await store.create(job);
  const ended = { status: 'cancelled', deletedAtMs: startMs, outbox: [] } as const;
  await store.transition(job.id, { status: 'queued', attempt: 0 }, ended);
  await store.remove(job, startMs + afterMs);
  return job;
}
