import { cp, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { readEvents } from '#adapters/local/local-event-bus.ts';
import { subjectKeyPlace } from '#core/audit/subject-key.ts';
import { ReelayError } from '#core/errors.ts';
import type { OutboxEntry } from '#core/events.ts';
import { cancel } from '#core/jobs/cancel.ts';
import { deleteJob } from '#core/jobs/delete.ts';
import { eraseUser, sweepUsers } from '#core/jobs/erase-user.ts';
import { expire } from '#core/jobs/expire.ts';
import { beat, sweepLeases } from '#core/jobs/lease.ts';
import { createLeaseWatch } from '#core/jobs/lease-watch.ts';
import { sweepDeadLetters, sweepLostMessages, sweepOutbox } from '#core/jobs/relay.ts';
import { submit } from '#core/jobs/submit.ts';
import { takeNext } from '#core/jobs/take.ts';
import { limits } from '#core/limits.ts';
import { processJob, type WorkerPorts } from '#gpu-container/worker/process-job.ts';
import { MODELS_FOLDER } from '#local/bundles.ts';
import { makeJob } from '#test/contracts/make-job.ts';
import { writeFastBundle } from '#test/runtime/fast-bundle.ts';
import { openWorkerBench, type WorkerBench } from './worker-bench.ts';

let bench: WorkerBench;
const never = new AbortController().signal;

let modelsFolder: string;

/** Fifty steps of it take about a second, so that whatever comes in mid-job does. */
const BLOCKS = 600;

beforeAll(async () => {
  modelsFolder = await mkdtemp(join(tmpdir(), 'reelay-worker-models-'));
  await writeFastBundle(join(modelsFolder, 'reelay-fast'), { blocks: BLOCKS });
});
afterAll(() => rm(modelsFolder, { recursive: true, force: true }));
beforeEach(async () => {
  bench = await openWorkerBench({ modelsFolder });
});
afterEach(() => bench.close());

async function eventsOf(id: string): Promise<string[]> {
  const types: string[] = [];
  for await (const event of readEvents(join(bench.folder, 'events.jsonl')))
    if (event.subject === id) types.push(event.type);
  return types;
}

const filesOf = (id: string) =>
  readdir(join(bench.folder, 'blobs', 'videos', 'local', id), { recursive: true }).catch(() => []);

describe('one delivery', () => {
  test('ends in bytes, record, event and ack, and leaves no scratch', async () => {
    const { id } = await bench.submit({ num_inference_steps: 2 });
    await processJob(bench.ports, await bench.receive(), never);
    const job = await bench.job(id);
    expect(job).toMatchObject({ status: 'completed', attempt: 1, failures: 0, lease: null, outbox: [] });
    for (const artifact of Object.values(job.artifacts))
      expect((await bench.ports.blobs.head(artifact.key))?.bytes).toBe(artifact.bytes);
    expect(await eventsOf(id)).toEqual(['video.completed']);
    expect(await bench.ports.queue.depth()).toBe(0);
    expect(await readdir(join(bench.folder, 'scratch')).catch(() => [])).toEqual([]);
  });

  test('delivered again after the end does nothing', async () => {
    const { id } = await bench.submit({ num_inference_steps: 1 });
    await processJob(bench.ports, await bench.receive(), never);
    const before = await bench.job(id);
    await bench.ports.queue.send({ v: 1, jobId: id });
    await processJob(bench.ports, await bench.receive(), never);
    expect(await bench.job(id)).toEqual(before);
    expect(await eventsOf(id)).toEqual(['video.completed']);
  });

  test('delivered twice at once is rendered by one', async () => {
    const { id } = await bench.submit({ num_inference_steps: 6 });
    await bench.ports.queue.send({ v: 1, jobId: id });
    const [first, second] = [await bench.receive(), await bench.receive()];
    await Promise.all([processJob(bench.ports, first, never), processJob(bench.ports, second, never)]);
    expect(await bench.job(id)).toMatchObject({ status: 'completed', attempt: 1 });
    expect(await eventsOf(id)).toEqual(['video.completed']);
  });

  test('shows its denoising steps on the way', async () => {
    const { id } = await bench.submit({ num_inference_steps: 50 });
    const seen = new Set<string>();
    let over = false;
    const watching = (async () => {
      while (!over) {
        const { progress } = await bench.job(id);
        if (progress !== null) seen.add(progress.phase);
        await new Promise(done => setTimeout(done, 5));
      }
    })();
    await processJob(bench.ports, await bench.receive(), never);
    over = true;
    await watching;
    expect([...seen]).toContain('denoising');
  });
});

describe('a job that is cancelled', () => {
  test('in mid-denoise stops within one step and never completes', async () => {
    const { id } = await bench.submit({ num_inference_steps: 50 });
    const working = processJob(bench.ports, await bench.receive(), never);
    await bench.until(id, job => (job.progress?.step ?? 0) > 2);
    const askedMs = Date.now();
    await cancel(bench.ports, 'local', id);
    await working;
    expect(Date.now() - askedMs).toBeLessThan(limits.cancelGraceMs + 1_500);
    expect(await bench.job(id)).toMatchObject({ status: 'cancelled', artifacts: {} });
    expect(await eventsOf(id)).toEqual(['video.cancelled']);
    expect(await filesOf(id)).toEqual([]);
  });

  test('between the last byte and the commit is cancelled, not completed', async () => {
    const { id } = await bench.submit({ num_inference_steps: 1 });
    const ports: WorkerPorts = {
      ...bench.ports,
      blobs: {
        ...bench.ports.blobs,
        put: async (key, bytes, options) => {
          const stored = await bench.ports.blobs.put(key, bytes, options);
          if (key.endsWith('spritesheet.jpg')) await cancel(bench.ports, 'local', id);
          return stored;
        },
      },
    };
    await processJob(ports, await bench.receive(), never);
    expect(await bench.job(id)).toMatchObject({ status: 'cancelled', artifacts: {} });
  });

  test('by a delete while it runs stops, and its record and bytes go once its worker has let go', async () => {
    const { id } = await bench.submit({ num_inference_steps: 50 });
    const working = processJob(bench.ports, await bench.receive(), never);
    await bench.until(id, job => (job.progress?.step ?? 0) > 1);
    await deleteJob(bench.ports, 'local', id);
    expect(await expire(bench.ports)).toBe(0);
    await working;
    expect(await bench.job(id)).toMatchObject({ status: 'cancelled' });
    expect(await expire(bench.ports)).toBe(1);
    expect(await bench.job(id)).toBeUndefined();
    expect(await filesOf(id)).toEqual([]);
  });
});

describe('a job of a person who is erased', () => {
  test('while it runs stops, and nothing of it is left once its worker has let go', async () => {
    const { id } = await bench.submit({ num_inference_steps: 50, user: 'ann' });
    const working = processJob(bench.ports, await bench.receive(), never);
    await bench.until(id, job => (job.progress?.step ?? 0) > 1);
    await eraseUser(bench.ports, 'local', 'ann', { system: 'command' });
    await working;
    await expire(bench.ports);
    expect(await bench.job(id)).toBeUndefined();
    expect(await filesOf(id)).toEqual([]);
  });

  test('by an erasure that died with the key is not rendered, and ends as cancelled', async () => {
    const { id, subject } = await bench.submit({ user: 'ann' });
    const place = subjectKeyPlace({ tenant: 'local', id: subject! });
    await bench.ports.kv.put({ ...place, value: { v: 1, state: 'erasing', atMs: 1 }, expiresAtMs: null, dueAtMs: 1 });
    await processJob(bench.ports, await bench.receive(), never);
    expect(await bench.job(id)).toMatchObject({ status: 'cancelled', artifacts: {}, erased: true });
    expect(bench.log.map(({ message }) => message)).not.toContain('job started');
    await sweepUsers(bench.ports);
    expect((await bench.job(id)).deletedAtMs).not.toBeNull();
  });
});

describe('a job that is over', () => {
  test('goes, bytes and record, after its time and not before', async () => {
    const { id } = await bench.submit({ num_inference_steps: 1 });
    await processJob(bench.ports, await bench.receive(), never);
    const at = (days: number) => ({ ...bench.ports, now: () => Date.now() + days * 86_400_000 });
    expect(await expire(at(limits.artifactDays - 1))).toBe(0);
    expect(await filesOf(id)).not.toEqual([]);
    expect(await expire(at(limits.artifactDays + 1))).toBe(1);
    expect(await bench.job(id)).toBeUndefined();
    expect(await filesOf(id)).toEqual([]);
  });

  test('and deleted reads as unknown at once, and its bytes and record go with the next sweep', async () => {
    const { id } = await bench.submit({ num_inference_steps: 1 });
    await processJob(bench.ports, await bench.receive(), never);
    expect(await filesOf(id)).not.toEqual([]);
    await deleteJob(bench.ports, 'local', id);
    expect((await bench.ports.store.list('local', { limit: 100, order: 'asc' })).jobs.map(job => job.id)).not.toContain(
      id,
    );
    expect(await expire(bench.ports)).toBe(1);
    expect(await bench.job(id)).toBeUndefined();
    expect(await filesOf(id)).toEqual([]);
  });
});

describe('a lost lease', () => {
  test('stops the sampler and leaves no trace', async () => {
    const { id } = await bench.submit({ num_inference_steps: 50 });
    const delivery = await bench.receive();
    const working = processJob(bench.ports, delivery, never);
    const running = await bench.until(id, job => (job.progress?.step ?? 0) > 1);
    const thief = await bench.ports.store.transition(
      id,
      { status: 'in_progress', attempt: running.attempt },
      { attempt: 2, lease: { owner: 'another', expiresAtMs: Date.now() + 60_000 } },
    );
    await working;
    const after = await bench.job(id);
    expect(after).toEqual(thief);
    expect(await eventsOf(id)).toEqual([]);
    expect(await filesOf(id)).toEqual([]);
  });

  test('of a dead owner is taken over at once, of a live one it is left alone', async () => {
    const { id } = await bench.submit({ num_inference_steps: 1 });
    await takeNext({ ...bench.ports, owner: 'first' }, id);
    expect(await takeNext({ ...bench.ports, owner: 'second' }, id)).toMatchObject({ outcome: 'held' });
    const taken = await takeNext({ ...bench.ports, owner: 'second', ownerIsGone: owner => owner === 'first' }, id);
    expect(taken).toMatchObject({ outcome: 'leased', job: { attempt: 2, failures: 0, lease: { owner: 'second' } } });
    await cancel(bench.ports, 'local', id);
  });

  /** Ports whose monotonic clock the test moves; the wall clock is elsewhere altogether, and must not matter. */
  const watching = () => {
    let aheadMs = 0;
    const monotonicMs = () => aheadMs;
    const leases = createLeaseWatch({ monotonicMs, leaseSeconds: limits.leaseSeconds });
    const now = () => Date.now() - 10 * 60_000;
    const pass = (seconds: number) => {
      aheadMs += seconds * 1000;
    };
    return { ports: { ...bench.ports, now, monotonicMs, leases }, pass };
  };

  test('three times over, by an unchanged record, ends the job with the reason and a dead letter', async () => {
    const { id } = await bench.submit({ num_inference_steps: 1 });
    const { ports, pass } = watching();
    for (let death = 1; death <= 3; death++) {
      expect(await takeNext(ports, id)).toMatchObject({
        outcome: 'leased',
        job: { attempt: death, failures: death - 1 },
      });
      expect(await takeNext(ports, id)).toMatchObject({ outcome: 'held', seconds: limits.leaseSeconds });
      pass(limits.leaseSeconds);
    }
    expect(await takeNext(ports, id)).toEqual({ outcome: 'done' });
    expect(await bench.job(id)).toMatchObject({ status: 'failed', failures: 3, error: { code: 'renderer_lost' } });
    expect(await eventsOf(id)).toEqual(['video.failed']);
    expect(await bench.ports.deadLetters.peek(10)).toEqual([{ v: 1, jobId: id, reason: 'renderer_lost' }]);
  });

  test('is not called dead by a clock that runs ahead, nor while its record changes', async () => {
    const { id } = await bench.submit({ num_inference_steps: 1 });
    const { ports, pass } = watching();
    const taken = await takeNext(ports, id);
    for (let beats = 0; beats < 5; beats++) {
      const ahead = { ...ports, now: () => Date.now() + 3_600_000 };
      expect(await sweepLeases(ahead)).toBe(0);
      pass(limits.leaseSeconds - 1);
      if (taken.outcome === 'leased') await beat(ports, taken.job, { phase: 'denoising', step: beats, steps: 9 });
    }
    expect(await bench.job(id)).toMatchObject({ status: 'in_progress', attempt: 1 });
    await cancel(bench.ports, 'local', id);
  });

  test('of a machine that was off for longer than the lease costs the job nothing', async () => {
    const { id } = await bench.submit({ num_inference_steps: 1 });
    const ports = { ...bench.ports, ownerIsGone: () => true };
    for (let cut = 1; cut <= 4; cut++) {
      expect(await takeNext(ports, id)).toMatchObject({ outcome: 'leased', job: { attempt: cut, failures: 0 } });
      expect(await sweepLeases(ports)).toBe(1);
    }
  });

  test('that ran out is swept back to the queue with one message', async () => {
    const { id } = await bench.submit({ num_inference_steps: 1 });
    await bench.ports.queue.ack(await bench.receive());
    const { ports, pass } = watching();
    await takeNext(ports, id);
    expect(await sweepLeases(ports)).toBe(0);
    pass(limits.leaseSeconds);
    expect(await sweepLeases(ports)).toBe(1);
    expect(await sweepLeases(ports)).toBe(0);
    expect(await bench.job(id)).toMatchObject({ status: 'queued', failures: 1, outbox: [] });
    expect((await bench.receive()).message.jobId).toBe(id);
    expect(await bench.ports.queue.depth()).toBe(0);
  });
});

describe('a worker that dies', () => {
  const crash = () => Promise.reject(new ReelayError('store_unavailable', 'the process is gone'));
  const next = (ports: WorkerPorts): WorkerPorts => ({
    ...ports,
    owner: 'second',
    ownerIsGone: owner => owner === 'test',
  });

  test('after the bytes and before the record leaves a job that the next one completes, and no stray bytes', async () => {
    const { id } = await bench.submit({ num_inference_steps: 1 });
    const store = {
      ...bench.ports.store,
      transition: (...args: Parameters<typeof bench.ports.store.transition>) =>
        args[2].status === undefined || args[2].status === 'in_progress'
          ? bench.ports.store.transition(...args)
          : crash(),
    };
    await expect(processJob({ ...bench.ports, store }, await bench.receive(), never)).rejects.toThrow('gone');
    expect(await filesOf(id)).toContain(join('attempt=1', 'video.mp4'));
    await bench.ports.queue.send({ v: 1, jobId: id });
    await processJob(next(bench.ports), await bench.receive(), never);
    expect(await bench.job(id)).toMatchObject({ status: 'completed', attempt: 2 });
    expect(await eventsOf(id)).toEqual(['video.completed']);
    expect((await filesOf(id)).filter(name => name.startsWith('attempt=1'))).toEqual([]);
  });

  test('after the event and before the ack leaves nothing to do', async () => {
    const { id } = await bench.submit({ num_inference_steps: 1 });
    const queue = { ...bench.ports.queue, ack: crash };
    const delivery = await bench.receive();
    await processJob({ ...bench.ports, queue }, delivery, never).catch(() => undefined);
    const before = await bench.job(id);
    await bench.ports.queue.release(delivery, 0);
    await processJob(next(bench.ports), await bench.receive(), never);
    expect(before).toMatchObject({ status: 'completed' });
    expect(await bench.job(id)).toEqual(before);
    expect(await eventsOf(id)).toEqual(['video.completed']);
  });
});

describe('what cannot be paid', () => {
  test('keeps neither the events of others nor their removal waiting', async () => {
    const { ports } = bench;
    const stuck = Array.from({ length: limits.sweepBatch }, () =>
      makeJob({ tenant: 'local', status: 'failed', attempt: 1, deletedAtMs: 1, outbox: [unpayable()] }),
    );
    for (const job of stuck) await ports.store.create(job);
    const { id } = await bench.submit({ num_inference_steps: 1 });
    const events = { publish: () => Promise.reject(new ReelayError('store_unavailable', 'out')) };
    await processJob({ ...ports, events }, await bench.receive(), never);
    const gone = await bench.submit({ num_inference_steps: 1 });
    await deleteJob(ports, 'local', gone.id);
    const deletePrefix = (prefix: string) =>
      prefix === 'stuck/'
        ? Promise.reject(new ReelayError('store_unavailable', 'denied'))
        : ports.blobs.deletePrefix(prefix);
    const sweeping = {
      ...ports,
      now: () => Date.now() + (limits.outboxGraceSeconds + 1) * 1000,
      blobs: { ...ports.blobs, deletePrefix },
    };
    for (let sweeps = 0; sweeps < 3; sweeps++) await sweepOutbox(sweeping).catch(() => undefined);
    expect(await eventsOf(id)).toEqual(['video.completed']);
    expect(await expire(sweeping)).toBe(1);
    expect(await bench.job(gone.id)).toBeUndefined();
  });
});

function unpayable(): OutboxEntry {
  return { kind: 'removal', id: 'x/removal', dueAtMs: 1, prefixes: ['stuck/'] };
}

describe('what goes wrong', () => {
  test('a store that is out for longer than the lease costs the job no failure', async () => {
    const { id } = await bench.submit({ num_inference_steps: 50 });
    const delivery = await bench.receive();
    let out = false;
    const load: typeof bench.ports.store.load = jobId =>
      out ? Promise.reject(new ReelayError('store_unavailable', 'out')) : bench.ports.store.load(jobId);
    const transition: typeof bench.ports.store.transition = (...args) =>
      out ? Promise.reject(new ReelayError('store_unavailable', 'out')) : bench.ports.store.transition(...args);
    const ports = { ...bench.ports, leaseSeconds: 1, store: { ...bench.ports.store, load, transition } };
    const working = processJob(ports, delivery, never);
    await bench.until(id, job => (job.progress?.step ?? 0) > 0);
    out = true;
    setTimeout(() => {
      out = false;
    }, 2_000);
    expect(await working).toBe('outage');
    expect(await bench.job(id)).toMatchObject({ status: 'queued', failures: 0, restarts: 0, attempt: 1 });
    await cancel(bench.ports, 'local', id);
  });

  test('a renderer killed in mid-job costs one failure and the job comes again', async () => {
    const { id } = await bench.submit({ num_inference_steps: 50 });
    const working = processJob(bench.ports, await bench.receive(), never);
    await bench.until(id, job => (job.progress?.step ?? 0) > 1);
    await bench.ports.renderer.close();
    await working;
    expect(await bench.job(id)).toMatchObject({ status: 'queued', failures: 1, lease: null, outbox: [] });
    expect(await bench.ports.queue.depth()).toBe(1);
    await cancel(bench.ports, 'local', id);
  });

  test('a queue that is out when a job is accepted delays it and loses nothing', async () => {
    const queue = { ...bench.ports.queue, send: () => Promise.reject(new ReelayError('store_unavailable', 'out')) };
    const fields = { prompt: 'x', num_inference_steps: 1 };
    const job = await submit({ ...bench.ports, queue }, 'local', fields);
    expect(await bench.ports.queue.depth()).toBe(0);
    const later = { ...bench.ports, now: () => Date.now() + (limits.outboxGraceSeconds + 1) * 1000 };
    expect(await sweepOutbox(later)).toBe(1);
    expect((await bench.receive()).message.jobId).toBe(job.id);
    await cancel(bench.ports, 'local', job.id);
  });

  test('a bus that is out at the end delays the event and not the job', async () => {
    const { id } = await bench.submit({ num_inference_steps: 1 });
    const events = { publish: () => Promise.reject(new ReelayError('store_unavailable', 'out')) };
    await processJob({ ...bench.ports, events }, await bench.receive(), never);
    expect(await bench.job(id)).toMatchObject({ status: 'completed', outbox: [{ kind: 'event' }] });
    await sweepOutbox({ ...bench.ports, now: () => Date.now() + (limits.outboxGraceSeconds + 1) * 1000 });
    expect(await eventsOf(id)).toEqual(['video.completed']);
    expect((await bench.job(id)).outbox).toEqual([]);
  });

  test('a store that takes no bytes costs the job attempts and no failures, and it completes when there is room', async () => {
    const { id } = await bench.submit({ num_inference_steps: 1 });
    const put = () => Promise.reject(new ReelayError('store_unavailable', 'The disk is full.'));
    let aheadMs = 0;
    const now = () => Date.now() + aheadMs;
    const full = { ...bench.ports, now, blobs: { ...bench.ports.blobs, put } };
    for (let tries = 1; tries <= 4; tries++) {
      if (tries > 1) await bench.ports.queue.send({ v: 1, jobId: id });
      expect(await processJob(full, await bench.receive(), never)).toBe('outage');
      expect(await bench.job(id)).toMatchObject({ failures: 0, attempt: tries, status: 'queued' });
      expect(await takeNext(full, id)).toMatchObject({ outcome: 'held' });
      aheadMs += limits.retryDelayMostSeconds * 1000;
    }
    await bench.ports.queue.send({ v: 1, jobId: id });
    await processJob({ ...bench.ports, now }, await bench.receive(), never);
    expect(await bench.job(id)).toMatchObject({ status: 'completed', attempt: 5 });
    expect((await filesOf(id)).filter(name => /attempt=[1-4]/.test(name))).toEqual([]);
  });

  test('a queue that lost its messages gets new ones, and letters that it buried itself come back', async () => {
    const { id } = await bench.submit({ num_inference_steps: 1 });
    await bench.ports.queue.ack(await bench.receive());
    expect(await sweepLostMessages(bench.ports)).toBe(1);
    expect(await sweepLostMessages(bench.ports)).toBe(0);
    const lost = await bench.receive();
    await bench.ports.queue.ack(lost);
    await bench.ports.deadLetters.send(lost.message);
    expect(await sweepDeadLetters(bench.ports)).toBe(1);
    expect(await bench.ports.deadLetters.depth()).toBe(0);
    await processJob(bench.ports, await bench.receive(), never);
    expect(await bench.job(id)).toMatchObject({ status: 'completed' });
  });

  test('a corrupted model file fails the job by the name of the file, and a repaired one renders again', async () => {
    const models = await mkdtemp(join(tmpdir(), 'reelay-models-'));
    await cp(join(MODELS_FOLDER, 'reelay-mini'), join(models, 'reelay-mini'), { recursive: true });
    const tokenizer = join(models, 'reelay-mini', 'tokenizer', 'tokenizer.json');
    await writeFile(tokenizer, '{}');
    const broken = await openWorkerBench({ modelsFolder: models });
    try {
      const first = await broken.submit({ num_inference_steps: 1 });
      await processJob(broken.ports, await broken.receive(), never);
      const failed = await broken.job(first.id);
      expect(failed).toMatchObject({ status: 'failed', error: { code: 'bundle_corrupt' } });
      expect(failed.error?.message).toContain('tokenizer/tokenizer.json');
      await cp(join(MODELS_FOLDER, 'reelay-mini', 'tokenizer', 'tokenizer.json'), tokenizer);
      const second = await broken.submit({ num_inference_steps: 1 });
      await processJob(broken.ports, await broken.receive(), never);
      expect(await broken.job(second.id)).toMatchObject({ status: 'completed' });
    } finally {
      await broken.close();
      await rm(models, { recursive: true, force: true });
    }
  });
});
