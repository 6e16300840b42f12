/**
 * Another process of a data folder, for tests: `local-child.ts <verb> <path> [count]`. It prints `ready` when it has begun, and one
 * line of JSON with its result when it ends. Started by `startChild`.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createFileBlobStore } from '#adapters/local/file-blob-store.ts';
import { createLocalEventBus } from '#adapters/local/local-event-bus.ts';
import { holdLock, isHeld } from '#adapters/local/process-lock.ts';
import { openDatabase } from '#adapters/local/sqlite.ts';
import { createSqliteJobQueue } from '#adapters/local/sqlite-job-queue.ts';
import { createSqliteJobStore } from '#adapters/local/sqlite-job-store.ts';
import { makeEvent, makeJob } from './make-job.ts';

const [verb = '', path = '', count = '0', owner = `owner-${process.pid}`] = process.argv.slice(2);

const verbs: Readonly<Record<string, () => Promise<unknown>>> = {
  /** Takes the lock and keeps it until killed. */
  async hold() {
    const held = holdLock(path) !== undefined;
    console.log(held ? 'ready' : 'refused');
    return held ? forever() : held;
  },

  async look() {
    return isHeld(path);
  },

  /** Opens twenty new data folders, each at a moment that all such processes know: `count` is the first, in wall-clock ms. */
  async open() {
    for (let n = 0; n < 20; n++) {
      for (const atMs = Number(count) + n * 40; Date.now() < atMs; );
      openDatabase(join(path, String(n))).close();
    }
    return 'opened';
  },

  /** Takes everything there is, acking it, and tells what it got. */
  async drain() {
    const queue = createSqliteJobQueue(openDatabase(path), { owner, now: Date.now });
    const got: string[] = [];
    for (;;) {
      const delivery = await queue.receive({ leaseSeconds: 30, waitMs: 200 });
      if (delivery === undefined) return got;
      got.push(delivery.message.jobId);
      await queue.ack(delivery);
    }
  },

  /** Holds its owner's lock, leases one message for an hour and waits to be killed. */
  async lease() {
    holdLock(join(path, 'owners', `${owner}.lock`));
    const queue = createSqliteJobQueue(openDatabase(path), { owner, now: Date.now });
    const delivery = await queue.receive({ leaseSeconds: 3600, waitMs: 5000 });
    console.log(delivery === undefined ? 'refused' : 'ready');
    return forever();
  },

  /** Writes job after job, its message and a blob, telling each id once all three are stored, until killed. */
  async write() {
    const db = openDatabase(path);
    const store = createSqliteJobStore(db);
    const queue = createSqliteJobQueue(db, { owner, now: Date.now });
    const blobs = createFileBlobStore(join(path, 'blobs'));
    for (;;) {
      const job = makeJob();
      await store.create(job);
      await queue.send({ v: 1, jobId: job.id });
      await blobs.put(`videos/acme/${job.id}/video.mp4`, Buffer.from(job.id), { contentType: 'video/mp4' });
      console.log(job.id);
    }
  },

  /** Leases one job for this process if it is the first. */
  async win() {
    const store = createSqliteJobStore(openDatabase(path));
    const lease = { owner, expiresAtMs: Date.now() };
    const change = { status: 'in_progress', attempt: 1, lease } as const;
    return (await store.transition(count, { status: 'queued', attempt: 0 }, change)) !== undefined;
  },

  async publish() {
    const events = createLocalEventBus(path);
    for (let n = 0; n < Number(count); n++) await events.publish({ ...makeEvent(), id: `${process.pid}-${n}` });
    return process.pid;
  },
};

async function forever(): Promise<never> {
  for (;;) await sleep(60_000);
}

console.log(JSON.stringify(await verbs[verb]?.()));
process.exit(0);
