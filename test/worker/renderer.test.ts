import { EventEmitter } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { ReelayError } from '#core/errors.ts';
import { limits } from '#core/limits.ts';
import type { ModelCard } from '#core/models.ts';
import { readModelCard } from '#gpu-container/runtime/load-bundle.ts';
import {
  type CheckpointFile,
  createRenderer,
  type Renderer,
  type RenderOptions,
} from '#gpu-container/worker/renderer.ts';
import { MINI, requestOf } from '../render/child.ts';
import { writeFastBundle } from '../runtime/fast-bundle.ts';
import { markingKeys, testMarking } from './marks-for.ts';

const CHILDREN = resolve(import.meta.dirname, '..', 'fixtures', 'render-children');
const RENDER_CHILD = resolve(import.meta.dirname, '..', '..', 'gpu-container', 'render', 'render-process.ts');

let folder: string;
let renderer: Renderer;
let mini: ModelCard;

beforeAll(async () => {
  mini = await readModelCard(MINI);
});
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelay-renderer-'));
});
afterEach(async () => {
  await renderer.close();
  await rm(folder, { recursive: true, force: true });
});

const open = (childPath: string, more: { threads?: number; pauseGraceMs?: number; bundle?: [string, string] } = {}) => {
  const { threads = 1, bundle = ['reelay-mini', MINI], ...rest } = more;
  renderer = createRenderer({ bundles: new Map([bundle]), threads, childPath, ...rest });
};
const task = (steps: number, card = mini) => ({
  taskId: 'video_x/1',
  folder: join(folder, 'task'),
  request: requestOf(card, { num_inference_steps: steps }),
  marking: testMarking,
});
/** Watches nothing, never stops, writes no checkpoints. */
const watch = (change: Partial<RenderOptions> = {}): RenderOptions => ({
  signal: new AbortController().signal,
  pause: new AbortController().signal,
  onProgress: () => undefined,
  onCheckpoint: () => undefined,
  checkpoint: { everySteps: 0, everyMs: 0 },
  sign: markingKeys.signer.sign,
  ...change,
});

describe('the supervisor', () => {
  test('kills a child that does not hear a cancel, within two seconds', async () => {
    open(join(CHILDREN, 'deaf.ts'));
    const stop = new AbortController();
    let askedMs = 0;
    const reason = new ReelayError('cancelled', 'stop');
    const onProgress = () => {
      askedMs = Date.now();
      stop.abort(reason);
    };
    await expect(renderer.render(task(9), watch({ signal: stop.signal, onProgress }))).rejects.toBe(reason);
    expect(Date.now() - askedMs).toBeGreaterThan(limits.cancelGraceMs - 100);
    expect(Date.now() - askedMs).toBeLessThan(limits.cancelGraceMs + 700);
  });

  test('tells a crash of the child as renderer_lost, worth another try, and starts a fresh child for it', async () => {
    open(join(CHILDREN, 'dying.ts'));
    for (let tries = 0; tries < 2; tries++)
      await expect(renderer.render(task(1), watch())).rejects.toMatchObject({ code: 'renderer_lost', retryable: true });
  });

  test('stops a sampling child within a step and uses it again', async () => {
    open(RENDER_CHILD, { threads: 2 });
    const stop = new AbortController();
    const after: number[] = [];
    const onProgress: RenderOptions['onProgress'] = progress => {
      if (stop.signal.aborted) after.push(progress.step);
      if (progress.step === 3) stop.abort(new ReelayError('cancelled', 'stop'));
    };
    const rendering = renderer.render(task(50), watch({ signal: stop.signal, onProgress }));
    await expect(rendering).rejects.toMatchObject({ code: 'cancelled' });
    expect(after).toEqual([]);
    const steps: number[] = [];
    const outcome = await renderer.render(
      task(4),
      watch({ onProgress: ({ phase, step }) => void (phase === 'denoising' && steps.push(step)) }),
    );
    expect(steps).toEqual([0, 1, 2, 3, 4]);
    expect(outcome).toMatchObject({
      outcome: 'done',
      files: { video: { contentType: 'video/mp4' } },
      resumedAtStep: 0,
    });
  });

  test('gives a child nothing secret of its own environment', async () => {
    const secrets = [
      'REELAY_MASTER_KEY',
      'REELAY_WATERMARK_KEY',
      'AWS_SECRET_ACCESS_KEY',
      'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
    ];
    for (const name of [...secrets, 'LD_LIBRARY_PATH']) vi.stubEnv(name, 'x');
    onTestFinished(() => void vi.unstubAllEnvs());
    open(join(CHILDREN, 'telling.ts'));
    const { message } = await renderer.render(task(1), watch()).catch(error => error);
    expect(message.split(' ')).toEqual(expect.arrayContaining(['LD_LIBRARY_PATH', 'PATH']));
    for (const name of secrets) expect(message).not.toContain(name);
  });

  test('says by name which model a worker does not have', async () => {
    open(RENDER_CHILD, { bundle: ['other', MINI] });
    await expect(renderer.render(task(1), watch())).rejects.toMatchObject({
      code: 'model_not_found',
      retryable: false,
    });
  });
});

describe('a pause', () => {
  let fast: ModelCard;
  let bundle: string;
  let undisturbed: string;

  beforeAll(async () => {
    bundle = await mkdtemp(join(tmpdir(), 'reelay-renderer-fast-'));
    fast = await writeFastBundle(bundle, { blocks: 300 });
    return () => rm(bundle, { recursive: true });
  });

  const openFast = async (steps = 10) => {
    open(RENDER_CHILD, { bundle: [fast.id, bundle] });
    const outcome = await renderer.render(task(steps, fast), watch());
    if (outcome.outcome === 'done') undisturbed = outcome.marked.framesSha256;
  };
  const pauseAt = (step: number) => {
    const stop = new AbortController();
    const seen: CheckpointFile[] = [];
    return {
      seen,
      pause: stop.signal,
      onCheckpoint: (file: CheckpointFile) => void seen.push(file),
      onProgress: (progress: { step: number }) => {
        if (progress.step === step) stop.abort(new Error('draining'));
      },
    };
  };

  test('gives a checkpoint from which the job ends in the same video', async () => {
    await openFast(50);
    const { seen, ...stop } = pauseAt(4);
    const paused = await renderer.render(task(50, fast), watch({ ...stop, checkpoint: { everySteps: 1, everyMs: 0 } }));
    if (paused.outcome !== 'paused') throw new Error('done too soon');
    const { checkpoint } = paused;
    expect(checkpoint!.step).toBeGreaterThanOrEqual(4);
    expect((await readFile(checkpoint!.path)).length).toBe(checkpoint!.bytes);
    // after the pause the outcome alone says what is newest: nothing is stored twice
    expect(seen.map(file => file.step).filter(step => step > 4)).toEqual([]);
    const resumed = await renderer.render({ ...task(50, fast), resumePath: checkpoint!.path }, watch());
    expect(resumed).toMatchObject({
      outcome: 'done',
      marked: { framesSha256: undisturbed },
      resumedAtStep: checkpoint!.step,
    });
  });

  test('before and while loading ends at once with nothing, and the child is used later', async () => {
    open(RENDER_CHILD, { bundle: [fast.id, bundle] });
    const stop = new AbortController();
    const loading = renderer.render(task(10, fast), watch({ pause: stop.signal }));
    stop.abort();
    expect(await loading).toEqual({ outcome: 'paused', checkpoint: null });
    expect(await renderer.render(task(10, fast), watch({ pause: stop.signal }))).toEqual(await loading);
    expect((await renderer.render(task(10, fast), watch())).outcome).toBe('done');
  });

  test('that comes when the files are being written ends in done', async () => {
    await openFast();
    const stop = new AbortController();
    const onProgress: RenderOptions['onProgress'] = ({ phase }) => phase === 'encoding_video' && stop.abort();
    const outcome = await renderer.render(task(10, fast), watch({ pause: stop.signal, onProgress }));
    expect(outcome).toMatchObject({ outcome: 'done', marked: { framesSha256: undisturbed } });
  });

  test('that is not heard is enforced after the grace, and what was saved before is still good', async () => {
    open(join(CHILDREN, 'deaf.ts'), { pauseGraceMs: 300 });
    const { seen: none, ...early } = pauseAt(1);
    const startedMs = performance.now();
    expect(await renderer.render(task(9), watch(early))).toEqual({ outcome: 'paused', checkpoint: null });
    expect(performance.now() - startedMs).toBeGreaterThan(290);
    expect(none).toEqual([]);
  });

  test('of a child that hangs ends, after the grace, with the last checkpoint that it wrote', async () => {
    open(join(import.meta.dirname, '..', 'render', 'stopping-child.ts'), {
      bundle: [fast.id, bundle],
      pauseGraceMs: 300,
    });
    const { seen, ...stop } = pauseAt(12);
    const outcome = await renderer.render(
      task(50, fast),
      watch({ ...stop, checkpoint: { everySteps: 5, everyMs: 0 } }),
    );
    if (outcome.outcome !== 'paused' || outcome.checkpoint === null) throw new Error('done too soon');
    expect(outcome.checkpoint.step).toBeGreaterThanOrEqual(seen.at(-1)!.step);
    const resumed = await renderer.render({ ...task(50, fast), resumePath: outcome.checkpoint.path }, watch());
    expect(resumed).toMatchObject({ outcome: 'done', resumedAtStep: outcome.checkpoint.step });
  });

  test('and a cancel: the cancel wins', async () => {
    await openFast();
    const [stop, pause] = [new AbortController(), new AbortController()];
    const reason = new ReelayError('lease_lost', 'gone');
    const onProgress: RenderOptions['onProgress'] = ({ step }) => {
      if (step !== 3) return;
      pause.abort();
      stop.abort(reason);
    };
    const rendering = renderer.render(task(10, fast), watch({ signal: stop.signal, pause: pause.signal, onProgress }));
    await expect(rendering).rejects.toBe(reason);
  });

  test('leaves no listener behind on a signal that outlives many tasks', async () => {
    await openFast();
    const [signal, pause] = [new AbortController().signal, new AbortController().signal];
    for (let i = 0; i < 3; i++) await renderer.render(task(2, fast), watch({ signal, pause }));
    expect([signal, pause].flatMap(one => EventEmitter.getEventListeners(one, 'abort'))).toEqual([]);
  });
});

test('a resume file that does not fit is told, and the job rendered from the start', async () => {
  open(RENDER_CHILD, { threads: 2 });
  const notices: unknown[] = [];
  const outcome = await renderer.render(
    { ...task(2), resumePath: join(folder, 'gone.bin') },
    watch({ onNotice: notice => notices.push(notice) }),
  );
  expect(outcome).toMatchObject({ outcome: 'done', resumedAtStep: 0 });
  expect(notices).toEqual([{ type: 'resume_refused', reason: 'ENOENT' }]);
});
