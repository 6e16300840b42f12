import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { VideoRequest } from '#core/video-request.ts';
import type { FromChild } from '#gpu-container/render/protocol.ts';
import { writeFastBundle } from '../runtime/fast-bundle.ts';
import { finish, type RenderChild, requestOf, startChild, when } from './child.ts';

type Checkpoint = Extract<FromChild, { type: 'checkpoint' }>;

const EVERY_STEP = { everySteps: 1, everyMs: 0 };

describe('a pause', () => {
  let bundle: string;
  let child: RenderChild;
  let request: VideoRequest;
  let undisturbed: string;
  let tasks = 0;

  beforeAll(async () => {
    bundle = await mkdtemp(join(tmpdir(), 'reelay-pause-'));
    const card = await writeFastBundle(bundle, { blocks: 400 }); // 12 ms a step: a message arrives before the next is over
    child = startChild(bundle);
    await child.heard('ready');
    request = requestOf(card, { num_inference_steps: 40 });
    undisturbed = (await finish(child, request)).framesSha256;
  });

  afterAll(async () => {
    child.process.kill('SIGKILL');
    await child.exited;
    await rm(bundle, { recursive: true });
  });

  /** Pauses a task before its first step and returns its folder; tried again where a busy machine delivers the pause too late. */
  async function pauseEarly(resumePath?: string): Promise<string> {
    for (let tries = 0; tries < 10; tries++) {
      const taskId = `early-${tasks++}`;
      const scratch = await child.render(taskId, request, { resumePath, checkpoint: EVERY_STEP });
      child.send({ type: 'pause', taskId });
      const { checkpoint } = await child.heard('paused', taskId);
      const started = child.messages.some(m => m.type === 'progress' && m.taskId === taskId && m.phase === 'denoising');
      if (!started) expect(checkpoint).toBeNull();
      if (checkpoint === null) return scratch;
    }
    throw new Error('no pause came before the first step');
  }

  test('before the first step saves nothing, and the child takes the next task', async () => {
    expect(await readdir(await pauseEarly())).toEqual([]);
    expect((await finish(child, request)).framesSha256).toBe(undisturbed);
  });

  test('of a resumed run that has done no step saves nothing new', async () => {
    await child.render('first', request);
    await when(child, 'first', 'progress', m => m.step === 4);
    child.send({ type: 'pause', taskId: 'first' });
    const resumePath = (await child.heard('paused', 'first')).checkpoint!.path;
    expect(await readdir(await pauseEarly(resumePath))).toEqual([]);
    expect(await finish(child, request, resumePath)).toMatchObject({ framesSha256: undisturbed });
  });

  test('names the newest file with its hash, beyond what the cadence wrote', async () => {
    const scratch = await child.render('between', request, { checkpoint: { everySteps: 3, everyMs: 0 } });
    await when(child, 'between', 'progress', m => m.step === 7);
    child.send({ type: 'pause', taskId: 'between' });
    const { checkpoint } = await child.heard('paused', 'between');
    expect(checkpoint!.step).toBeGreaterThanOrEqual(7);
    expect(checkpoint!.path).toBe(join(scratch, `checkpoint-${checkpoint!.step}.bin`));
    expect((await readFile(checkpoint!.path)).length).toBe(checkpoint!.bytes);
    const cadence = child.messages.filter(m => m.type === 'checkpoint' && m.taskId === 'between') as Checkpoint[];
    expect(cadence.slice(0, 2).map(m => m.step)).toEqual([3, 6]);
    expect(cadence.at(-1)).toMatchObject({ ...checkpoint });
  });

  test('while decoding saves the last step; while files are written the task ends as done', async () => {
    for (const phase of ['decoding', 'encoding_video']) {
      await child.render(phase, request);
      await when(child, phase, 'progress', m => m.phase === phase);
      child.send({ type: 'pause', taskId: phase });
      const end = await child.heard(['paused', 'done'], phase);
      if (end.type === 'done') expect(end.marked.framesSha256).toBe(undisturbed);
      else {
        expect(phase).toBe('decoding');
        expect(end.checkpoint!.step).toBe(40);
        const resumed = await finish(child, request, end.checkpoint!.path);
        expect(resumed).toEqual({ framesSha256: undisturbed, resumedAtStep: 40, steps: [40] });
      }
    }
  });

  test('of another task is not heard; with a cancel after it the task ends once', async () => {
    await child.render('busy', request);
    child.send({ type: 'pause', taskId: 'nobody' });
    await child.heard('done', 'busy');
    await child.render('both', request);
    child.send({ type: 'pause', taskId: 'both' });
    child.send({ type: 'cancel', taskId: 'both' });
    await child.heard(['cancelled', 'paused'], 'both');
    expect((await finish(child, request)).framesSha256).toBe(undisturbed);
    const ends = ['cancelled', 'paused', 'done', 'failed'];
    expect(child.messages.filter(m => 'taskId' in m && m.taskId === 'both' && ends.includes(m.type)).length).toBe(1);
  });
});
