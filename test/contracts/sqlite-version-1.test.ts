/** A data folder of Reelay 0.1 under this one. fixtures/schema-1.sql is what 0.1 wrote, dumped: it must not be changed to fit. */
import { readFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { databaseFile, openDatabase } from '#adapters/local/sqlite.ts';
import { createSqliteJobQueue, releaseDeadOwners } from '#adapters/local/sqlite-job-queue.ts';
import { createSqliteJobStore } from '#adapters/local/sqlite-job-store.ts';
import { queueRank } from '#core/job.ts';
import { temporaryFolder } from './local-folder.ts';
import { makeJob, startMs } from './make-job.ts';

const [queuedId, runningId, doneId] = [
  'video_01kdv5zm010000000000000001',
  'video_01kdv5zm020000000000000002',
  'video_01kdv5zm030000000000000003',
] as const;
const added = {
  priority: 'normal',
  deadlineAtMs: null,
  webhookUrl: null,
  notBeforeMs: 0,
  checkpoint: null,
  redriveOf: null,
};

let folder: ReturnType<typeof temporaryFolder>;
let db: DatabaseSync;
beforeEach(() => {
  folder = temporaryFolder();
  const old = new DatabaseSync(databaseFile(folder.path));
  old.exec(readFileSync(new URL('fixtures/schema-1.sql', import.meta.url), 'utf8'));
  old.close();
  db = openDatabase(folder.path);
});
afterEach(() => {
  db.close();
  folder.remove();
});

test('a record of version 1 reads with what its new fields would have been', async () => {
  const store = createSqliteJobStore(db);
  for (const id of [queuedId, runningId, doneId]) expect(await store.load(id)).toMatchObject({ id, ...added });
  const { jobs } = await store.list('acme', { limit: 10, order: 'asc' });
  expect(jobs.map(job => [job.id, job.priority])).toEqual([queuedId, runningId, doneId].map(id => [id, 'normal']));
});

test('a job queued by version 1 is found, counted and stands before a later one', async () => {
  const store = createSqliteJobStore(db);
  const later = makeJob({ id: 'video_01kdv5zm090000000000000009' });
  await store.create(later);
  expect((await store.listQueueHeads(startMs, 10)).map(job => job.id)).toEqual([queuedId]);
  expect(await store.countQueuedByTenant()).toEqual(new Map([['acme', 2]]));
  expect(await store.countQueued(10)).toBe(2);
  expect(await store.countQueuedBefore('acme', queueRank(later), 10)).toBe(1);
  expect(await store.listDeadlinesMissed(Number.MAX_SAFE_INTEGER, 10)).toEqual([]);
  expect((await store.listOutboxDue(startMs, 10)).map(job => job.id)).toEqual([queuedId]);
});

test('a job of version 1 goes on: leased, given back, leased again', async () => {
  const store = createSqliteJobStore(db);
  const lease = { owner: 'w', expiresAtMs: startMs };
  const leased = await store.transition(
    queuedId,
    { status: 'queued', attempt: 0 },
    { status: 'in_progress', attempt: 1, lease },
  );
  expect(leased).toMatchObject({ ...added, version: 1 });
  expect((await store.listRunning(10)).map(job => job.id)).toEqual([queuedId, runningId]);
  expect(await store.countRunning()).toEqual(new Map([['acme', 2]]));
  expect(await store.listQueueHeads(startMs, 10)).toEqual([]);
  await store.transition(runningId, { status: 'in_progress', attempt: 1 }, { status: 'queued', notBeforeMs: 7 });
  expect((await store.listQueueHeads(startMs, 10)).map(job => job.id)).toEqual([runningId]);
});

test('messages of version 1 are in the queue of jobs, the held one under its owner', async () => {
  const queue = createSqliteJobQueue(db, { owner: 'new', now: () => startMs });
  expect(await queue.peek(10)).toEqual([{ v: 1, jobId: runningId }]);
  expect(releaseDeadOwners(db, () => false)).toBe(1);
  expect(await queue.peek(10)).toEqual([queuedId, runningId].map(jobId => ({ v: 1, jobId })));
});

test('a job of version 1 that is deleted and removed leaves a tombstone', async () => {
  const store = createSqliteJobStore(db);
  const done = (await store.load(doneId))!;
  await store.transition(doneId, { status: 'completed', attempt: done.attempt }, { deletedAtMs: startMs });
  await store.remove(done, startMs);
  await expect(store.create(makeJob({ id: doneId }))).rejects.toMatchObject({ code: 'conflict' });
  expect(await store.listTombstones(startMs, 10)).toEqual([{ id: doneId, tenant: 'acme', removedAtMs: startMs }]);
});
