import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { blobPath } from '#adapters/local/file-blob-store.ts';
import { ReelayError } from '#core/errors.ts';
import { cancel } from '#core/jobs/cancel.ts';
import { processJob, type WorkerPorts } from '#gpu-container/worker/process-job.ts';
import { openWorkerBench, type WorkerBench } from './worker-bench.ts';

let bench: WorkerBench;
let undisturbed: string | undefined;
const never = new AbortController().signal;
const REQUEST = { prompt: 'a red circle bouncing over a white background', seed: 9, num_inference_steps: 12 };

beforeAll(async () => {
  bench = await openWorkerBench();
  const { id } = await bench.submit(REQUEST);
  await processJob(bench.ports, await bench.receive(), never);
  undisturbed = (await bench.job(id)).marking?.framesSha256;
  expect(undisturbed).toBeDefined();
});
afterAll(() => bench.close());

const startedFrom = (id: string) =>
  bench.log.filter(line => line.message === 'job started' && line.fields.jobId === id).map(line => line.fields.from);
const filesOf = (id: string) =>
  readdir(join(bench.folder, 'blobs', 'videos', 'local', id), { recursive: true }).catch(() => [] as string[]);

/** Drains the worker in mid-denoise; the job is queued again with a checkpoint. */
async function drainInDenoise(id: string, ports: WorkerPorts = bench.ports) {
  const drain = new AbortController();
  const working = processJob(ports, await bench.receive(), drain.signal);
  await bench.until(id, job => (job.progress?.step ?? 0) >= 2);
  drain.abort(new Error('draining'));
  await working;
  return bench.job(id);
}

describe('a worker that is drained in mid-denoise', () => {
  test('gives the job back with its steps, and the next one makes the very same bytes', async () => {
    const { id } = await bench.submit(REQUEST);
    const given = await drainInDenoise(id);
    expect(given).toMatchObject({ status: 'queued', attempt: 1, failures: 0, outbox: [] });
    expect(given.checkpoint?.step).toBeGreaterThanOrEqual(2);
    await processJob(bench.ports, await bench.receive(), never);
    const ended = await bench.job(id);
    expect(ended).toMatchObject({ status: 'completed', attempt: 2, checkpoint: null });
    expect(ended.marking?.framesSha256).toBe(undisturbed);
    expect(startedFrom(id)).toEqual([0, given.checkpoint?.step]);
    expect((await filesOf(id)).filter(name => name.includes('checkpoint') || name.includes('attempt=1'))).toEqual([]);
  });

  test('leaves nothing behind when the waiting job is cancelled', async () => {
    const { id } = await bench.submit(REQUEST);
    expect((await drainInDenoise(id)).checkpoint).not.toBeNull();
    expect(await filesOf(id)).not.toEqual([]);
    await cancel(bench.ports, 'local', id);
    expect(await bench.job(id)).toMatchObject({ status: 'cancelled', checkpoint: null });
    expect(await filesOf(id)).toEqual([]);
    await processJob(bench.ports, await bench.receive(), never);
  });

  test('whose checkpoint is damaged in the store starts over and makes the same bytes', async () => {
    const { id } = await bench.submit(REQUEST);
    const given = await drainInDenoise(id);
    await writeFile(blobPath(join(bench.folder, 'blobs'), given.checkpoint!.key), 'damaged');
    await processJob(bench.ports, await bench.receive(), never);
    expect((await bench.job(id)).marking?.framesSha256).toBe(undisturbed);
    expect(bench.log.filter(line => line.message === 'checkpoint not used' && line.fields.jobId === id)).toHaveLength(
      1,
    );
  });

  test('whose checkpoint was refused may save lower steps again', async () => {
    const { id } = await bench.submit({ ...REQUEST, num_inference_steps: 50 });
    const given = await drainInDenoise(id);
    const { status, attempt } = given;
    const high = { ...given.checkpoint!, step: 49, sha256: '0'.repeat(64) };
    await bench.ports.store.transition(id, { status, attempt }, { checkpoint: high, furthestStep: 49 });
    const again = await drainInDenoise(id);
    expect(again.checkpoint!.step).toBeLessThan(49);
    expect(again).toMatchObject({ attempt: 2, failures: 0, furthestStep: 49 });
    expect(startedFrom(id)).toEqual([0, 0]);
    await cancel(bench.ports, 'local', id);
    await processJob(bench.ports, await bench.receive(), never);
  });

  test('whose store takes no checkpoint gives the job back all the same', async () => {
    const { id } = await bench.submit(REQUEST);
    const put = () => Promise.reject(new ReelayError('store_unavailable', 'full'));
    const given = await drainInDenoise(id, { ...bench.ports, blobs: { ...bench.ports.blobs, put } });
    expect(given).toMatchObject({ status: 'queued', checkpoint: null, failures: 0 });
    await processJob(bench.ports, await bench.receive(), never);
    expect((await bench.job(id)).marking?.framesSha256).toBe(undisturbed);
  });
});

describe('a render child that is killed', () => {
  test('after a checkpoint goes on from there, and the failures before it no longer count', async () => {
    const { id } = await bench.submit({ ...REQUEST, num_inference_steps: 50 });
    const ports = { ...bench.ports, checkpointCadence: { everySteps: 1, everyMs: 0 } };
    const working = processJob(ports, await bench.receive(), never);
    const before = await bench.until(id, job => (job.checkpoint?.step ?? 0) >= 3);
    await bench.ports.renderer.close();
    await working;
    const given = await bench.job(id);
    expect(given).toMatchObject({ status: 'queued', failures: 1 });
    expect(given.checkpoint!.step).toBeGreaterThanOrEqual(before.checkpoint!.step);
    await cancel(bench.ports, 'local', id);
    expect(await filesOf(id)).toEqual([]);
  });
});
