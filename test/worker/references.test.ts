import { readFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ReelayError } from '#core/errors.ts';
import type { Job } from '#core/job.ts';
import { type SubmitPorts, submit } from '#core/jobs/submit.ts';
import type { Delivery } from '#core/ports.ts';
import { processJob, type WorkerPorts } from '#gpu-container/worker/process-job.ts';
import type { RenderTask } from '#gpu-container/worker/renderer.ts';
import { ALL_TASKS } from '#test/core/model-card.ts';
import { makeImage } from '#test/media/make-media.ts';
import { openWorkerBench, type WorkerBench } from './worker-bench.ts';

const PNG = await makeImage('png');
const never = new AbortController().signal;

let bench: WorkerBench;
let ports: WorkerPorts & SubmitPorts;
const tasks: { task: RenderTask; bytes: Buffer | undefined }[] = [];
let failure: ReelayError;

beforeEach(async () => {
  bench = await openWorkerBench();
  tasks.length = 0;
  failure = new ReelayError('render_failed', 'This renderer only looks.', { retryable: false });
  const render = async (task: RenderTask) => {
    const { referencePath } = task;
    tasks.push({ task, bytes: referencePath === undefined ? undefined : await readFile(referencePath) });
    throw failure;
  };
  ports = {
    ...bench.ports,
    models: [ALL_TASKS],
    renderer: { render, warm: () => undefined, close: async () => undefined },
  };
});
afterEach(() => bench.close());

const sendPng = () =>
  submit(ports, 'local', { prompt: 'x', input_reference: { file: true, bytes: PNG, contentType: '' } });
const work = async () => processJob(ports, (await bench.receive()) as Delivery, never);
const damage = (job: Job, bytes: Uint8Array) =>
  ports.blobs.put(job.request.reference!.key, bytes, { contentType: 'image/png' });

describe('a job that starts from an image', () => {
  test('gives the renderer its bytes in a file of its scratch folder, and leaves no file', async () => {
    const job = await sendPng();
    await work();
    const [{ task, bytes }] = tasks as [(typeof tasks)[0]];
    expect(bytes).toEqual(PNG);
    expect(task.referencePath?.startsWith(task.folder)).toBe(true);
    expect(task.request).toMatchObject({ task: 'i2v', reference: { key: job.request.reference?.key } });
    await expect(readFile(task.referencePath!)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('that the renderer cannot decode has failed at once, in the words of the decoder', async () => {
    failure = new ReelayError('invalid_reference', 'input_reference: this image cannot be decoded; it is damaged.');
    const { id } = await sendPng();
    await work();
    expect(await bench.job(id)).toMatchObject({ status: 'failed', failures: 1, error: { code: 'invalid_reference' } });
  });

  test.each([
    ['other bytes of the same length', () => PNG.map(byte => byte ^ 1)],
    ['fewer bytes', () => PNG.subarray(1)],
  ])('of which the store gives %s is never rendered, and tried again', async (_name, bytes) => {
    const job = await sendPng();
    await damage(job, bytes());
    await work();
    expect(tasks).toEqual([]);
    expect(await bench.job(job.id)).toMatchObject({ status: 'queued', failures: 1 });
    await damage(job, PNG);
    await bench.until(job.id, ({ notBeforeMs }) => notBeforeMs <= Date.now());
    await work();
    expect(tasks).toHaveLength(1);
  });

  test('of which the store has nothing fails after its tries with a sentence', async () => {
    const job = await sendPng();
    await ports.blobs.deletePrefix(`references/local/${job.id}/`);
    for (let tries = 0; tries < 3; tries++) {
      await bench.until(job.id, ({ notBeforeMs }) => notBeforeMs <= Date.now());
      await work();
    }
    expect(await bench.job(job.id)).toMatchObject({
      status: 'failed',
      failures: 3,
      error: { code: 'invalid_reference', message: expect.stringContaining('is not in the store') },
    });
  });
});

test('a text-to-video job has no such file', async () => {
  await submit(ports, 'local', { prompt: 'x' });
  await work();
  expect(tasks.map(({ task }) => task.referencePath)).toEqual([undefined]);
});
