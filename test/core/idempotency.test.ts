import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ReelayError } from '#core/errors.ts';
import { listDeadLetters, redrive } from '#core/jobs/dead-letters.ts';
import { deleteJob } from '#core/jobs/delete.ts';
import { expire } from '#core/jobs/expire.ts';
import { failJob } from '#core/jobs/lease.ts';
import { type SubmitOptions, submit } from '#core/jobs/submit.ts';
import { limits } from '#core/limits.ts';
import { type LocalBench, openLocalBench } from './local-bench.ts';

let bench: LocalBench;
beforeEach(async () => {
  bench = await openLocalBench();
});
afterEach(() => bench.close());

const send = (options: SubmitOptions, fields: Record<string, unknown> = {}, tenant = 'acme') =>
  submit(bench.ports, tenant, { prompt: 'a red ball', ...fields }, options);
const jobCount = async () => (await bench.ports.store.list('acme', { limit: 100, order: 'asc' })).jobs.length;

describe('an idempotency key', () => {
  test('makes one job of the same request sent twice, and of many at once', async () => {
    const first = await send({ idempotencyKey: 'k1' });
    const same = await Promise.all(Array.from({ length: 20 }, () => send({ idempotencyKey: 'k1' })));
    expect(new Set(same.map(job => job.id))).toEqual(new Set([first.id]));
    const raced = await Promise.all(Array.from({ length: 20 }, () => send({ idempotencyKey: 'k2' })));
    expect(new Set(raced.map(job => job.id)).size).toBe(1);
    expect(await jobCount()).toBe(2);
    expect(await bench.ports.queue.depth()).toBe(2);
  });

  test('does not care about the order of fields or how a number is written, and keeps the drawn seed', async () => {
    const first = await send({ idempotencyKey: 'k' }, { seconds: '2', size: '256x256' });
    const again = await submit(
      bench.ports,
      'acme',
      { size: '256x256', prompt: 'a red ball', seconds: 2 },
      { idempotencyKey: 'k' },
    );
    expect(again).toMatchObject({ id: first.id, request: { seed: first.request.seed } });
  });

  test('used with another request is refused in words; another tenant may use the same key', async () => {
    const first = await send({ idempotencyKey: 'k' });
    const other = send({ idempotencyKey: 'k' }, { prompt: 'something else' });
    await expect(other).rejects.toMatchObject({ code: 'idempotency_key_reused', retryable: false });
    await expect(send({ idempotencyKey: 'k' }, { seed: 4 })).rejects.toMatchObject({ code: 'idempotency_key_reused' });
    expect((await send({ idempotencyKey: 'k' }, {}, 'rival')).id).not.toBe(first.id);
  });

  test('stands for its job for two days', async () => {
    const first = await send({ idempotencyKey: 'k' });
    bench.time.nowMs += (limits.idempotencyHours - 1) * 3_600_000;
    expect((await send({ idempotencyKey: 'k' })).id).toBe(first.id);
    bench.time.nowMs += 2 * 3_600_000;
    expect((await send({ idempotencyKey: 'k' })).id).not.toBe(first.id);
  });

  test.each(['', 'a b', 'ключ', 'x'.repeat(256), 'a\nb'])(
    'that is no key (%j) is refused, naming the header',
    async key => {
      await expect(send({ idempotencyKey: key })).rejects.toMatchObject({
        code: 'invalid_request',
        problems: [{ path: 'Idempotency-Key' }],
      });
    },
  );

  test('after a crash between the note and the job makes the job under the noted id', async () => {
    const create = () => Promise.reject(new ReelayError('store_unavailable', 'gone'));
    const broken = { ...bench.ports, store: { ...bench.ports.store, create } };
    await expect(submit(broken, 'acme', { prompt: 'x' }, { idempotencyKey: 'k' })).rejects.toThrow('gone');
    expect(await jobCount()).toBe(0);
    const [a, b] = await Promise.all(
      [1, 2].map(() => submit(bench.ports, 'acme', { prompt: 'x' }, { idempotencyKey: 'k' })),
    );
    expect(a?.id).toBe(b?.id);
    expect(await jobCount()).toBe(1);
  });
});

describe('a request whose video was deleted', () => {
  test('is refused under its key, before and after the record has gone, and never makes the old id again', async () => {
    const first = await send({ idempotencyKey: 'k' });
    const blind = await send({ retryCount: 0 }, { prompt: 'another' });
    for (const { id } of [first, blind]) await deleteJob(bench.ports, 'acme', id);
    const refusal = { code: 'idempotency_key_reused', message: expect.stringContaining('was deleted') };
    await expect(send({ idempotencyKey: 'k' })).rejects.toMatchObject(refusal);
    expect(await expire(bench.ports)).toBe(2);
    await expect(send({ idempotencyKey: 'k' })).rejects.toMatchObject(refusal);
    expect((await send({ retryCount: 1 }, { prompt: 'another' })).id).not.toBe(blind.id);
    expect((await send({ idempotencyKey: 'k2' })).id).not.toBe(first.id);
    expect(await jobCount()).toBe(2);
  });

  test('sent again under its key after its deadline is still answered with its job', async () => {
    const fields = { deadline: Math.floor(bench.time.nowMs / 1000) + 60 };
    const first = await send({ idempotencyKey: 'k' }, fields);
    bench.time.nowMs += 61_000;
    expect((await send({ idempotencyKey: 'k' }, fields)).id).toBe(first.id);
    await expect(send({ idempotencyKey: 'other' }, fields)).rejects.toMatchObject({ problems: [{ path: 'deadline' }] });
  });
});

describe('the blind retries of a client that counts them', () => {
  test('are the same job, and two deliberate equal calls are two', async () => {
    const first = await send({ retryCount: 0 });
    expect((await send({ retryCount: 1 })).id).toBe(first.id);
    expect((await send({ retryCount: 2 })).id).toBe(first.id);
    const second = await send({ retryCount: 0 });
    expect(second.id).not.toBe(first.id);
    expect((await send({ retryCount: 1 })).id).toBe(second.id);
    expect(await jobCount()).toBe(2);
  });

  test('of a request that never arrived make one job', async () => {
    const jobs = await Promise.all([send({ retryCount: 1 }), send({ retryCount: 2 })]);
    expect(jobs[0].id).toBe(jobs[1].id);
  });

  test('are new jobs after two minutes, for another tenant, and for another request', async () => {
    const first = await send({ retryCount: 0 });
    expect((await send({ retryCount: 1 }, { priority: 'high' })).id).not.toBe(first.id);
    expect((await send({ retryCount: 1 }, {}, 'rival')).id).not.toBe(first.id);
    bench.time.nowMs += limits.collapseSeconds * 1000 + 1;
    expect((await send({ retryCount: 1 })).id).not.toBe(first.id);
  });
});

describe('a dead letter', () => {
  async function deadJob(fields: Record<string, unknown> = {}) {
    const { id } = await send({}, fields);
    const leased = (await bench.lease())!;
    expect(leased.id).toBe(id);
    await failJob(bench.ports, leased, { code: 'render_failed', message: 'It did not work.' });
    return id;
  }

  test('says which job and why, and is redriven into one new job that names the old', async () => {
    const id = await deadJob({ seed: 7, priority: 'high' });
    const [letter] = await listDeadLetters(bench.ports, 10);
    expect(letter).toMatchObject({ message: { jobId: id, reason: 'render_failed' }, job: { status: 'failed' } });
    const { jobs } = await redrive(bench.ports, { limit: 10, pace: async () => undefined });
    const made = jobs.get(id)!;
    expect(made).toMatchObject({ status: 'queued', redriveOf: id, priority: 'high', request: { seed: 7 } });
    expect(made.id).not.toBe(id);
    expect(await bench.job(id)).toMatchObject({ status: 'failed', error: { code: 'render_failed' } });
    expect(await listDeadLetters(bench.ports, 10)).toEqual([]);
  });

  test('redriven again after a crash before its ack makes no second job', async () => {
    const id = await deadJob();
    const ack = () => Promise.reject(new ReelayError('store_unavailable', 'gone'));
    const broken = { ...bench.ports, deadLetters: { ...bench.ports.deadLetters, ack } };
    const options = { limit: 10, pace: async () => undefined };
    await expect(redrive(broken, options)).rejects.toThrow('gone');
    bench.time.nowMs += limits.letterLeaseSeconds * 1000;
    await redrive(bench.ports, options);
    expect(await jobCount()).toBe(2);
    expect((await bench.ports.store.list('acme', { limit: 9, order: 'asc', status: 'queued' })).jobs).toMatchObject([
      { redriveOf: id },
    ]);
  });

  test('of another reason stays, and one whose job is gone is dropped with the reason', async () => {
    const id = await deadJob();
    const other = await redrive(bench.ports, { reason: 'renderer_lost', limit: 10, pace: async () => undefined });
    expect([other.jobs.size, await bench.ports.deadLetters.depth()]).toEqual([0, 1]);
    await bench.ports.store.transition(id, { status: 'failed', attempt: 1 }, { deletedAtMs: bench.time.nowMs });
    const { dropped } = await redrive(bench.ports, { limit: 10, pace: async () => undefined });
    expect(dropped.get(id)).toBe('its job was deleted');
  });
});
