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

  beforeAll(async () => {
    bundle = await mkdtemp(join(tmpdir(), 'reelay-pause-'));
    const card = await writeFastBundle(bundle, { blocks: 200 }); // 6 ms a step: a message arrives before the next is over
    child = startChild(bundle);
    await child.heard('ready');
    request = requestOf(card, { num_inference_steps: 40 });
    undisturbed = (await finish(child, request)).sha256;
  });

  afterAll(async () => {
    child.process.kill('SIGKILL');
    await child.exited;
    await rm(bundle, { recursive: true });
  });

  test('before the first step saves nothing, and the child takes the next task', async () => {
    const scratch = await child.render('early', request, { checkpoint: EVERY_STEP });
    child.send({ type: 'pause', taskId: 'early' });
    expect(await child.heard('paused', 'early')).toMatchObject({ checkpoint: null });
    expect(await readdir(scratch)).toEqual([]);
    expect((await finish(child, request)).sha256).toBe(undisturbed);
  });

  test('of a resumed run that has done no step saves nothing new', async () => {
    await child.render('first', request);
    await when(child, 'first', 'progress', m => m.step === 4);
    child.send({ type: 'pause', taskId: 'first' });
    const resumePath = (await child.heard('paused', 'first')).checkpoint!.path;
    await child.render('second', request, { resumePath, checkpoint: EVERY_STEP });
    child.send({ type: 'pause', taskId: 'second' });
    expect(await child.heard('paused', 'second')).toMatchObject({ checkpoint: null });
    expect(await finish(child, request, resumePath)).toMatchObject({ sha256: undisturbed });
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
      const { type, ...end } = await Promise.race([child.heard('paused', phase), child.heard('done', phase)]);
      if (type === 'paused') {
        const { checkpoint } = end as Extract<FromChild, { type: 'paused' }>;
        expect(checkpoint!.step).toBe(40);
        expect(await finish(child, request, checkpoint!.path)).toEqual({
          ...{ sha256: undisturbed, resumedAtStep: 40, steps: [40] },
        });
      } else expect((end as Extract<FromChild, { type: 'done' }>).files.video.sha256).toBe(undisturbed);
      if (phase === 'encoding_video') expect(type).toBe('done');
    }
  });

  test('of another task is not heard; a cancel after it wins', async () => {
    await child.render('busy', request);
    child.send({ type: 'pause', taskId: 'nobody' });
    await child.heard('done', 'busy');
    await child.render('both', request);
    child.send({ type: 'pause', taskId: 'both' });
    child.send({ type: 'cancel', taskId: 'both' });
    const end = await Promise.race([child.heard('cancelled', 'both'), child.heard('paused', 'both')]);
    expect(end.taskId).toBe('both');
    expect((await finish(child, request)).sha256).toBe(undisturbed);
  });
});
