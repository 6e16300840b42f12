import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openDatabase } from '#adapters/local/sqlite.ts';
import { createSqliteJobQueue, deadLetterQueue } from '#adapters/local/sqlite-job-queue.ts';
import type { JobQueue } from '#core/ports.ts';
import { createIdleWatch } from '#gpu-container/worker/idle-watch.ts';

const look = { leaseSeconds: 60, waitMs: 1 };
let folder: string;
let db: ReturnType<typeof openDatabase>;
let [a, b]: JobQueue[] = [];
let told = 0;
let watched: readonly [JobQueue, JobQueue];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'reelay-idle-'));
  db = openDatabase(folder);
  const now = () => Date.now();
  a = createSqliteJobQueue(db, { owner: 'w', now });
  b = createSqliteJobQueue(db, { owner: 'w', now, queue: deadLetterQueue });
  told = 0;
  const idle = createIdleWatch(() => told++);
  watched = [idle.watch(a), idle.watch(b)];
});
afterEach(() => {
  db.close();
  rmSync(folder, { recursive: true, force: true });
});

test('a worker is idle when a look at each of its queues found nothing', async () => {
  await watched[0].receive(look);
  await watched[0].receive(look);
  expect(told).toBe(0);
  await watched[1].receive(look);
  expect(told).toBe(1);
});

test('what was taken keeps it from being idle until it is worked off', async () => {
  await a!.send({ v: 1, jobId: 'video_1' });
  const delivery = await watched[0].receive(look);
  expect(delivery?.message.jobId).toBe('video_1');
  await watched[1].receive(look);
  await watched[1].receive(look);
  expect(told).toBe(0);
  await watched[0].ack(delivery!);
  await watched[0].receive(look);
  expect(told).toBe(1);
});

test('a look that was cut short says nothing, and an idle worker takes nothing any more', async () => {
  await watched[0].receive(look);
  await watched[1].receive({ ...look, signal: AbortSignal.abort() });
  expect(told).toBe(0);
  await watched[1].receive(look);
  expect(told).toBe(1);
  await a!.send({ v: 1, jobId: 'video_2' });
  expect(await watched[0].receive(look)).toBeUndefined();
  expect(await a!.depth()).toBe(1);
});

test('a look that does not wait proves nothing, and one does not keep a GPU for longer than a second', async () => {
  for (const queue of [...watched, ...watched]) await queue.receive({ ...look, waitMs: 0 });
  expect(told).toBe(0);
  const startMs = performance.now();
  for (const queue of watched) await queue.receive({ ...look, waitMs: 30_000 });
  expect(told).toBe(1);
  expect(performance.now() - startMs).toBeLessThan(8_000);
});
