import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ReelayError } from '#core/errors.ts';
import { limits } from '#core/limits.ts';
import { parseVideoRequest } from '#core/video-request.ts';
import { createRenderer, type Renderer } from '#gpu-container/worker/renderer.ts';
import { findBundles, MODELS_FOLDER } from '#local/bundles.ts';
import { RENDER_CHILD } from './worker-bench.ts';

const CHILDREN = resolve(import.meta.dirname, '..', 'fixtures', 'render-children');
const bundles = new Map([['reelay-mini', join(MODELS_FOLDER, 'reelay-mini')]]);
const models = (await findBundles()).installed.map(bundle => bundle.card);

let folder: string;
let renderer: Renderer;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelay-renderer-'));
});
afterEach(async () => {
  await renderer.close();
  await rm(folder, { recursive: true, force: true });
});

const task = (steps: number) => ({
  taskId: 'video_x/1',
  folder,
  request: parseVideoRequest({ prompt: 'a red circle', num_inference_steps: steps }, models, 1),
});

describe('the supervisor', () => {
  test('kills a child that does not hear a cancel, within two seconds', async () => {
    renderer = createRenderer({ bundles, threads: 1, childPath: join(CHILDREN, 'deaf.ts') });
    const stop = new AbortController();
    let askedMs = 0;
    const reason = new ReelayError('cancelled', 'stop');
    const rendering = renderer.render(task(9), {
      signal: stop.signal,
      onProgress: () => {
        askedMs = Date.now();
        stop.abort(reason);
      },
    });
    await expect(rendering).rejects.toBe(reason);
    expect(Date.now() - askedMs).toBeGreaterThan(limits.cancelGraceMs - 100);
    expect(Date.now() - askedMs).toBeLessThan(limits.cancelGraceMs + 700);
  });

  test('tells a crash of the child as renderer_lost, worth another try, and starts a fresh child for it', async () => {
    renderer = createRenderer({ bundles, threads: 1, childPath: join(CHILDREN, 'dying.ts') });
    const { signal } = new AbortController();
    for (let tries = 0; tries < 2; tries++)
      await expect(renderer.render(task(1), { signal, onProgress: () => undefined })).rejects.toMatchObject({
        code: 'renderer_lost',
        retryable: true,
      });
  });

  test('stops a sampling child within a step and uses it again', async () => {
    renderer = createRenderer({ bundles, threads: 2, childPath: RENDER_CHILD });
    const stop = new AbortController();
    const after: number[] = [];
    const rendering = renderer.render(task(50), {
      signal: stop.signal,
      onProgress: progress => {
        if (stop.signal.aborted) after.push(progress.step);
        if (progress.step === 3) stop.abort(new ReelayError('cancelled', 'stop'));
      },
    });
    await expect(rendering).rejects.toMatchObject({ code: 'cancelled' });
    expect(after).toEqual([]);
    const steps: number[] = [];
    const { signal } = new AbortController();
    const files = await renderer.render(task(4), {
      signal,
      onProgress: ({ phase, step }) => void (phase === 'denoising' && steps.push(step)),
    });
    expect(steps.filter(step => step > 0)).toEqual([1, 2, 3, 4]);
    expect(files.video).toMatchObject({ contentType: 'video/mp4', bytes: expect.any(Number) });
  });

  test('says by name which model a worker does not have', async () => {
    renderer = createRenderer({ bundles: new Map(), threads: 1, childPath: RENDER_CHILD });
    const { signal } = new AbortController();
    await expect(renderer.render(task(1), { signal, onProgress: () => undefined })).rejects.toMatchObject({
      code: 'model_not_found',
      retryable: false,
    });
  });
});
