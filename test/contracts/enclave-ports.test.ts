import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { composeEnclaves, type EnclavePorts } from '#adapters/enclave-ports.ts';
import { createFileBlobStore } from '#adapters/local/file-blob-store.ts';
import { openDatabase } from '#adapters/local/sqlite.ts';
import { createSqliteJobQueue, deadLetterQueue } from '#adapters/local/sqlite-job-queue.ts';
import { createSqliteJobStore } from '#adapters/local/sqlite-job-store.ts';
import { newJobId } from '#core/job-id.ts';
import { jobPrefix } from '#core/keys.ts';
import { blobStoreContract } from './blob-store.contract.ts';
import { jobQueueContract } from './job-queue.contract.ts';
import { jobStoreContract } from './job-store.contract.ts';
import { temporaryFolder } from './local-folder.ts';
import { makeJob, startMs } from './make-job.ts';

/** Two classes, each with a data folder of its own, and the two as one. */
function openEnclaves() {
  const folder = temporaryFolder();
  const opened = ['sovereign', 'standard'].map(name => {
    const path = join(folder.path, name);
    const db = openDatabase(path);
    const ports: EnclavePorts = {
      store: createSqliteJobStore(db),
      queue: createSqliteJobQueue(db, { owner: 'test', now: Date.now }),
      deadLetters: createSqliteJobQueue(db, { owner: 'test', now: Date.now, queue: deadLetterQueue }),
      blobs: createFileBlobStore(join(path, 'blobs')),
    };
    return { name, db, ports };
  });
  const [sovereign, standard] = opened.map(({ ports }) => ports) as [EnclavePorts, EnclavePorts];
  return {
    sovereign,
    standard,
    ...composeEnclaves(new Map(opened.map(({ name, ports }) => [name, ports]))),
    close: async () => {
      for (const { db } of opened) db.close();
      folder.remove();
    },
  };
}

const idIn = (residency: string, atMs = startMs) => newJobId(atMs, randomBytes(10), residency);

jobStoreContract('Two enclaves', async () => openEnclaves());
jobQueueContract('Two enclaves', async () => openEnclaves());
blobStoreContract('Two enclaves', async () => openEnclaves());

describe('two enclaves behind one front door', () => {
  let enclaves: ReturnType<typeof openEnclaves>;
  beforeEach(() => {
    enclaves = openEnclaves();
  });
  afterEach(() => enclaves.close());

  test('keep records, messages and bytes of a class in its own, and nothing of it in the other', async () => {
    const { store, queue, blobs, sovereign, standard } = enclaves;
    const job = makeJob({ id: idIn('sovereign') });
    const key = `${jobPrefix(job)}attempt=1/video.mp4`;
    await store.create(job);
    await queue.send({ v: 1, jobId: job.id });
    await blobs.put(key, Buffer.from('x'), { contentType: 'video/mp4' });
    expect([await standard.store.load(job.id), await sovereign.store.load(job.id)]).toEqual([undefined, job]);
    expect([await standard.queue.depth(), await sovereign.queue.depth(), await queue.depth()]).toEqual([0, 1, 1]);
    expect([await standard.blobs.head(key), (await sovereign.blobs.head(key))?.bytes]).toEqual([undefined, 1]);
    const delivery = (await queue.receive({ leaseSeconds: 30, waitMs: 0 }))!;
    await queue.extend(delivery, 60);
    await queue.release(delivery, 0);
    await queue.ack((await queue.receive({ leaseSeconds: 30, waitMs: 0 }))!);
    expect(await sovereign.queue.receive({ leaseSeconds: 30, waitMs: 0 })).toBeUndefined();
  });

  test('refuse what is of a class that is not open, instead of keeping it in another', async () => {
    const { store, queue, blobs, sovereign, standard } = enclaves;
    const job = makeJob({ id: idIn('eu') });
    const unserved = { code: 'residency_unsatisfiable' };
    await expect(store.create(job)).rejects.toMatchObject(unserved);
    await expect(queue.send({ v: 1, jobId: job.id })).rejects.toMatchObject(unserved);
    const key = `${jobPrefix(job)}attempt=1/video.mp4`;
    await expect(blobs.put(key, Buffer.from('x'), { contentType: 'video/mp4' })).rejects.toMatchObject(unserved);
    expect([await store.load(job.id), await store.get(job.id, 'acme')]).toEqual([undefined, undefined]);
    for (const { store: own, queue: waiting } of [sovereign, standard])
      expect([await own.load(job.id), await waiting.depth()]).toEqual([undefined, 0]);
  });

  test('list by creation across both, page by page, with a cursor of either class', async () => {
    const { store } = enclaves;
    const ids = Array.from({ length: 11 }, (_, n) => idIn(n % 3 === 0 ? 'sovereign' : 'standard', startMs + n));
    for (const id of ids.toReversed()) await store.create(makeJob({ id }));
    for (const [order, expected] of [
      ['asc', ids],
      ['desc', ids.toReversed()],
    ] as const)
      for (const limit of [1, 2, 3, 11]) {
        const seen: string[] = [];
        for (let after: string | undefined; ; after = seen.at(-1)) {
          const page = await store.list('acme', { order, limit, ...(after === undefined ? {} : { after }) });
          expect(page.jobs.length).toBeLessThanOrEqual(limit);
          seen.push(...page.jobs.map(job => job.id));
          if (!page.hasMore) break;
        }
        expect(seen).toEqual(expected);
      }
  });

  test('add up what waits, and place a job among those of both classes', async () => {
    const { store } = enclaves;
    for (let n = 0; n < 6; n++) {
      const tenant = n < 4 ? 'acme' : 'lab';
      await store.create(makeJob({ id: idIn(n % 2 === 0 ? 'sovereign' : 'standard', startMs + n), tenant }));
    }
    expect(await store.countQueued(100)).toBe(6);
    expect(await store.countQueued(5)).toBe(5);
    expect([...(await store.countQueuedByTenant())].sort()).toEqual([
      ['acme', 4],
      ['lab', 2],
    ]);
    const heads = await store.listQueueHeads(startMs, 10);
    expect(heads.map(job => job.tenant)).toEqual(['acme', 'lab']);
    expect(await store.countQueuedBefore('acme', '1#999999999999999#video_zzz', 100)).toBe(4);
  });
});
