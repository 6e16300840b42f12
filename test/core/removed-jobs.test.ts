/** What comes late for a job that is gone for good: requests that were held up on their way, and bytes of workers that were. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { redrive } from '#core/jobs/dead-letters.ts';
import { deleteJob } from '#core/jobs/delete.ts';
import { expire, sweepTombstones } from '#core/jobs/expire.ts';
import { failJob } from '#core/jobs/lease.ts';
import { type SubmitOptions, submit } from '#core/jobs/submit.ts';
import { attemptPrefix, jobPrefix, referenceFolder } from '#core/keys.ts';
import { limits } from '#core/limits.ts';
import { type LocalBench, openLocalBench } from './local-bench.ts';

let bench: LocalBench;
beforeEach(async () => {
  bench = await openLocalBench();
});
afterEach(() => bench.close());

const input = { prompt: 'a red ball' };
const send = (options: SubmitOptions, ports = bench.ports) => submit(ports, 'acme', input, options);
const jobIds = async () => (await bench.ports.store.list('acme', { limit: 9, order: 'asc' })).jobs.map(({ id }) => id);

/** Ports whose creates wait until `meanwhile` has happened. */
function heldUp(meanwhile: () => Promise<void>): LocalBench['ports'] {
  const { store } = bench.ports;
  return { ...bench.ports, store: { ...store, create: job => meanwhile().then(() => store.create(job)) } };
}

async function removeAll(): Promise<void> {
  for (const id of await jobIds()) await deleteJob(bench.ports, 'acme', id);
  await expire(bench.ports);
}

describe('a request that is held up while another with its claim makes the job, which is deleted and removed', () => {
  test.each([
    ['under a key', { idempotencyKey: 'k' }, { idempotencyKey: 'k' }, 'idempotency_key_reused'],
    ['as the first try of a client that counts', { retryCount: 0 }, { retryCount: 1 }, 'not_found'],
    ['as a later try of such a client', { retryCount: 1 }, { retryCount: 2 }, 'not_found'],
  ])('%s makes nothing, and says so', async (_, slow, quick, code) => {
    const late = heldUp(async () => {
      await send(quick);
      await removeAll();
    });
    const refusal = { code, retryable: false, message: expect.stringContaining('was deleted') };
    await expect(send(slow, late)).rejects.toMatchObject(refusal);
    expect(await jobIds()).toEqual([]);
    expect(await bench.ports.queue.depth()).toBe(1); // of the quick one
  });

  test('makes nothing either while the record is still there', async () => {
    const late = heldUp(async () => deleteJob(bench.ports, 'acme', (await send({ idempotencyKey: 'k' })).id));
    await expect(send({ idempotencyKey: 'k' }, late)).rejects.toMatchObject({ code: 'idempotency_key_reused' });
  });

  test('as a redrive makes nothing, and its letter goes with the reason', async () => {
    const dead = await send({});
    await failJob(bench.ports, (await bench.lease())!, { code: 'render_failed', message: 'It did not work.' });
    const options = { limit: 9, pace: async () => undefined };
    const late = heldUp(async () => {
      bench.time.nowMs += limits.letterLeaseSeconds * 1000;
      const [made] = (await redrive(bench.ports, options)).jobs.values();
      await deleteJob(bench.ports, 'acme', made!.id);
      await expire(bench.ports);
    });
    const ports = { ...late, deadLetters: { ...late.deadLetters, ack: async () => undefined } };
    const { jobs, dropped } = await redrive(ports, options);
    expect([jobs.size, dropped.get(dead.id)]).toEqual([0, 'the video that it was redriven into was deleted']);
    expect(await jobIds()).toEqual([dead.id]);
  });
});

describe('a request that is held up for longer than any client waits', () => {
  test.each([{ idempotencyKey: 'k' }, { retryCount: 0 }, {}])(
    'makes no job and may be sent again (%j)',
    async options => {
      const { kv, store } = bench.ports;
      const countQueued: typeof store.countQueued = atMost => {
        bench.time.nowMs += limits.submitSeconds * 1000 + 1;
        return store.countQueued(atMost);
      };
      const asleep = { ...bench.ports, kv, store: { ...store, countQueued } };
      await expect(send(options, asleep)).rejects.toMatchObject({ code: 'store_unavailable', retryable: true });
      expect(await jobIds()).toEqual([]);
      expect([(await send(options)).id]).toEqual(await jobIds());
    },
  );
});

describe('what is left of a removed job', () => {
  test('goes after its time, with the bytes that came when the record was gone, and its key stays used', async () => {
    const job = await send({ idempotencyKey: 'k' });
    const other = await send({});
    await deleteJob(bench.ports, 'acme', job.id);
    expect(await expire(bench.ports)).toBe(1);
    const { blobs } = bench.ports;
    const [zombie, alive] = [`${attemptPrefix(job, 1)}video.mp4`, `${jobPrefix(other)}attempt=1/video.mp4`];
    const reference = `${referenceFolder(job, 'draw')}input.png`;
    for (const key of [zombie, alive, reference]) await blobs.put(key, Uint8Array.of(1), { contentType: 'video/mp4' });

    bench.time.nowMs += limits.tombstoneHours * 3_600_000 - 1;
    expect(await sweepTombstones(bench.ports)).toBe(0);
    expect(await blobs.head(zombie)).toBeDefined();
    bench.time.nowMs += 1;
    expect(await sweepTombstones(bench.ports)).toBe(1);
    expect(await sweepTombstones(bench.ports)).toBe(0);
    expect([await blobs.head(zombie), await blobs.head(reference)]).toEqual([undefined, undefined]);
    expect((await blobs.head(alive))?.bytes).toBe(1);
    await expect(send({ idempotencyKey: 'k' })).rejects.toMatchObject({ code: 'idempotency_key_reused' });
  });

  test('stays while its bytes cannot be removed', async () => {
    const job = await send({});
    await deleteJob(bench.ports, 'acme', job.id);
    await expire(bench.ports);
    bench.time.nowMs += limits.tombstoneHours * 3_600_000;
    const deletePrefix = () => Promise.reject(new Error('the bucket is out'));
    const out = { ...bench.ports, blobs: { ...bench.ports.blobs, deletePrefix } };
    await expect(sweepTombstones(out)).rejects.toThrow('the bucket is out');
    await expect(bench.ports.store.create(job)).rejects.toMatchObject({ code: 'conflict' });
    expect(await sweepTombstones(bench.ports)).toBe(1);
  });
});
