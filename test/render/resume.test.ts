/** What a render child does with checkpoints, on the real model (some steps; `npm run faults -- r6` tries every one) and on the fast one (every corner). */
import { copyFile, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ModelCard } from '#core/models.ts';
import type { VideoRequest } from '#core/video-request.ts';
import { type CheckpointState, decodeCheckpoint, encodeCheckpoint } from '#gpu-container/engine/checkpoint.ts';
import { generateFrames } from '#gpu-container/render/generate-frames.ts';
import { openModel } from '#gpu-container/render/model.ts';
import type { FromChild } from '#gpu-container/render/protocol.ts';
import { hashRequest } from '#gpu-container/render/read-resume.ts';
import { loadBundle } from '#gpu-container/runtime/load-bundle.ts';
import { createOrtBackend } from '#gpu-container/runtime/ort-backend.ts';
import { writeFastBundle } from '../runtime/fast-bundle.ts';
import { finish, REQUEST, type RenderChild, requestOf, startChild, when } from './child.ts';

const EVERY_STEP = { everySteps: 1, everyMs: 0 };

let folder: string;
const children: RenderChild[] = [];
let tasks = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelay-resume-'));
});
afterAll(async () => {
  for (const child of children) child.process.kill('SIGKILL');
  await Promise.all(children.map(child => child.exited));
  await rm(folder, { recursive: true });
});

async function readyChild(bundle?: string): Promise<RenderChild> {
  const child = startChild(bundle);
  children.push(child);
  await child.heard('ready');
  return child;
}

type Checkpoint = Extract<FromChild, { type: 'checkpoint' }>;

describe('the bundled model, on the CPU', () => {
  const STEPS = 12;
  // from the middle on: an earlier file makes way for the next one while a busy machine has not yet told of it
  const SOME = [6, 8, 11];
  const request = { ...REQUEST, num_inference_steps: STEPS };
  let undisturbed: string;

  beforeAll(async () => {
    undisturbed = (await finish(await readyChild(), request)).framesSha256;
  });

  /** A copy of the file that the child wrote after `step`; the child is dead then. */
  async function killAt(child: RenderChild, step: number): Promise<string> {
    const scratch = await mkdtemp(join(folder, `killed-${step}-`));
    const copy = join(folder, `killed-${step}.bin`);
    // rarer than every step where that is enough: the file must outlive a test that hears of it late
    const checkpoint = { everySteps: Math.max(1, step), everyMs: 0 };
    await child.render(scratch, request, { folder: scratch, checkpoint });
    const file = await when(child, scratch, 'checkpoint', message => message.step === step);
    child.process.kill('SIGKILL');
    expect((await child.exited).signal).toBe('SIGKILL');
    await copyFile(file.path, copy);
    return copy;
  }

  test('killed at a step and resumed in another process gives the same MP4, byte by byte', async () => {
    let child = children[0]!;
    for (const step of SOME) {
      const next = readyChild(); // loads beside the rendering
      const copy = await killAt(child, step);
      child = await next;
      expect(await finish(child, request, copy)).toEqual({
        framesSha256: undisturbed,
        resumedAtStep: step,
        steps: Array.from({ length: STEPS - step + 1 }, (_, i) => step + i),
      });
    }
    children.unshift(child);
  }, 240_000);

  test('paused at a step and resumed in another process gives the same MP4, byte by byte', async () => {
    const [here, there] = [children[0]!, await readyChild()];
    /** Asked when `step` is reported, so that it stops there, at the next, later on a busy machine, or (0) not at all. */
    const pauseAfter = async (step: number): Promise<number> => {
      const taskId = `paused-${tasks++}`;
      const reached = when(here, taskId, 'progress', m => m.phase === 'denoising' && m.step === step);
      await here.render(taskId, request);
      await reached;
      here.send({ type: 'pause', taskId });
      const end = await here.heard(['paused', 'done'], taskId);
      if (end.type === 'done') {
        expect(end.marked.framesSha256).toBe(undisturbed);
        return 0;
      }
      const { checkpoint } = end;
      const stopped = checkpoint?.step ?? 0;
      expect(stopped).toBeGreaterThanOrEqual(step);
      const resumed = await finish(there, request, checkpoint?.path);
      expect(resumed).toMatchObject({ framesSha256: undisturbed, resumedAtStep: stopped });
      return stopped;
    };
    const missing = new Set(SOME);
    for (let tries = 0; tries < 10 && missing.size > 0; tries++)
      for (const step of [...missing]) missing.delete(await pauseAfter(step - (tries % 2 === 0 ? 1 : 0)));
    expect([...missing]).toEqual([]);
  }, 240_000);

  test('another step in the checkpoint gives another MP4, so the tests above can fail', async () => {
    const child = children[0]!;
    const state = decodeCheckpoint(await readFile(join(folder, 'killed-6.bin')));
    const wrong = { ...state, step: 7, scheduler: { ...state.scheduler, index: 7 } };
    await writeFile(join(folder, 'wrong.bin'), encodeCheckpoint(wrong));
    const rendered = await finish(child, request, join(folder, 'wrong.bin'));
    expect(rendered.resumedAtStep).toBe(7);
    expect(rendered.framesSha256).not.toBe(undisturbed);
  });
});

/** Every state of an undisturbed run, made in this process. */
async function statesOf(bundle: string, request: VideoRequest): Promise<CheckpointState[]> {
  const model = await openModel(await loadBundle(bundle), createOrtBackend({ threads: 1 }));
  const identity = { bundleDigest: model.bundle.digest, requestHash: hashRequest(request) };
  const states: CheckpointState[] = [];
  await generateFrames(model, request, {
    checkpoint: async state => void (state && states.push({ ...identity, ...state })),
  });
  await model.release();
  return states;
}

describe.each([
  ['Euler', false],
  ['Euler with noise in every step', true],
])('a fast model with %s', (name, stochastic) => {
  let child: RenderChild;
  let card: ModelCard;
  let request: VideoRequest;
  let undisturbed: string;
  let states: CheckpointState[];

  beforeAll(async () => {
    const bundle = join(folder, name);
    card = await writeFastBundle(bundle, { stochastic });
    child = await readyChild(bundle);
    request = requestOf(card, { num_inference_steps: 10 });
    undisturbed = (await finish(child, request)).framesSha256;
    states = await statesOf(bundle, request);
  });

  const write = async (bytes: Uint8Array): Promise<string> => {
    const path = join(folder, `${tasks++}.bin`);
    await writeFile(path, bytes);
    return path;
  };

  test('goes on from every step to the same MP4, with the steps that are left', async () => {
    expect(states.map(state => state.step)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    for (const state of states) {
      const resumed = await finish(child, request, await write(encodeCheckpoint(state)));
      const { step } = state;
      const steps = Array.from({ length: 11 - step }, (_, i) => step + i);
      expect(resumed).toEqual({ framesSha256: undisturbed, resumedAtStep: step, steps });
    }
  });

  test('is told which metadata a request has by its hash too, in whatever order its fields come', () => {
    const entries = Object.entries({ ...request, metadata: { b: '2', a: '1' } });
    const turned = Object.fromEntries(entries.reverse()) as unknown as VideoRequest;
    expect(hashRequest(turned)).toBe(hashRequest({ ...request, metadata: { a: '1', b: '2' } }));
    expect(hashRequest(turned)).not.toBe(hashRequest(request));
  });

  test('writes only what was asked for, and keeps the newest two', async () => {
    const none = await child.render('none', request);
    await child.heard('done', 'none');
    expect((await readdir(none)).sort()).toEqual(['spritesheet.jpg', 'thumbnail.webp', 'video.mp4']);
    const all = await child.render('all', request, { checkpoint: EVERY_STEP });
    await child.heard('done', 'all');
    const said = child.messages.filter(m => m.type === 'checkpoint' && m.taskId === 'all') as Checkpoint[];
    expect(said.map(m => m.step)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    const kept = (await readdir(all)).filter(file => file.startsWith('checkpoint'));
    expect(kept.sort()).toEqual(['checkpoint-10.bin', 'checkpoint-9.bin']);
    const written = await readFile(said[9]!.path);
    expect(Buffer.compare(written, encodeCheckpoint(states[10]!))).toBe(0);
    expect(said[9]!.bytes).toBe(written.length);
  });

  const bytes = (step: number, change: object = {}) => encodeCheckpoint({ ...states[step]!, ...change });
  const refusals: [string, () => Promise<string>, string][] = [
    ['that is missing', async () => join(folder, 'nowhere.bin'), 'ENOENT'],
    ['that is a folder', async () => folder, 'it is no file of its size'],
    ['of no bytes', () => write(new Uint8Array(0)), 'these bytes are none'],
    ['of other bytes', async () => join(folder, name, 'bundle.json'), 'these bytes are none'],
    ['cut short', () => write(bytes(5).subarray(0, -1)), 'damaged or cut short'],
    ['with a bit flipped', () => write(bytes(5).with(900, bytes(5)[900]! ^ 4)), 'damaged or cut short'],
    ['of another version', () => write(bytes(5).with(8, 9)), 'version 9'],
    ['of another bundle', () => write(bytes(5, { bundleDigest: 'f'.repeat(64) })), 'another bundle'],
    [
      'of another request',
      () => write(bytes(5, { requestHash: hashRequest({ ...request, seed: 43 }) })),
      'another request',
    ],
    ['of another count of steps', () => write(bytes(5, { steps: 11 })), 'do not fit'],
    ['whose step is not its index', () => write(bytes(5, { step: 6 })), 'do not fit'],
    [
      'of another latent',
      () => write(bytes(5, { scheduler: { ...states[5]!.scheduler, sample: new Float32Array(8) } })),
      'do not fit',
    ],
    [
      'with history of another size',
      () => write(bytes(5, { scheduler: { ...states[5]!.scheduler, history: [new Float32Array(8)] } })),
      'do not fit',
    ],
  ];

  test.each(refusals)(
    'starts at step 0 with a file %s, says why, and renders the same MP4',
    async (_, file, reason) => {
      const rendered = await finish(child, request, await file());
      expect(rendered).toMatchObject({
        framesSha256: undisturbed,
        resumedAtStep: 0,
        reason: expect.stringContaining(reason),
      });
      expect(rendered.steps.length).toBe(11);
      expect(rendered.reason).not.toContain(folder);
    },
  );

  test('needs the generator only where the scheduler draws', async () => {
    const rendered = await finish(child, request, await write(bytes(5, { rng: null })));
    expect(rendered).toMatchObject({ framesSha256: undisturbed, resumedAtStep: stochastic ? 0 : 5 });
  });

  test('renders although no checkpoint can be written, and says so', async () => {
    const scratch = await mkdtemp(join(folder, 'full-'));
    await symlink('/dev/full', join(scratch, 'checkpoint-3.bin.part')); // ENOSPC
    await child.render('full', request, { folder: scratch, checkpoint: EVERY_STEP });
    const { marked } = await child.heard('done', 'full');
    expect(marked.framesSha256).toBe(undisturbed);
    expect(await child.heard('checkpoint_failed', 'full')).toMatchObject({ step: 3, reason: 'ENOSPC' });
  });
});
