import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openDatabase } from '#adapters/local/sqlite.ts';
import { type SubmitPorts, submit } from '#core/jobs/submit.ts';
import { createLocalPorts } from '#local/local-ports.ts';
import { CARD } from './model-card.ts';

let folder: string;
let ports: SubmitPorts;
let db: ReturnType<typeof openDatabase>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelay-submit-'));
  db = openDatabase(folder);
  // What these tests show does not depend on their jobs' reaching the disk.
  db.exec('PRAGMA synchronous=OFF');
  const now = () => Date.now();
  ports = { ...createLocalPorts({ db, folder, owner: 'test', models: [CARD], now }), maxQueuedJobs: 50 };
});
afterAll(async () => {
  db.close();
  await rm(folder, { recursive: true, force: true });
});

describe('submit', () => {
  test('draws a seed and keeps it, so that the job can be made again', async () => {
    const [a, b] = [await submit(ports, 'local', { prompt: 'x' }), await submit(ports, 'local', { prompt: 'x' })];
    expect(a.request.seed).not.toBe(b.request.seed);
    expect((await ports.store.load(a.id))?.request.seed).toBe(a.request.seed);
    expect(a.modelDigest).toBe(CARD.digest);
  });

  test('leaves no debt when the message was sent', async () => {
    const job = await submit(ports, 'local', { prompt: 'x' });
    expect((await ports.store.load(job.id))?.outbox).toEqual([]);
  });

  test('takes no more jobs than may wait, and refuses the next one as worth another try', async () => {
    for (let waiting = await ports.store.countQueued(50); waiting < 50; waiting++)
      await submit(ports, 'local', { prompt: 'x' });
    const depth = await ports.queue.depth();
    await expect(submit(ports, 'local', { prompt: 'x' })).rejects.toMatchObject({
      code: 'queue_full',
      retryable: true,
    });
    expect(await ports.queue.depth()).toBe(depth);
  });
});
