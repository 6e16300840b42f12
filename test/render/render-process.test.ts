import { createHash } from 'node:crypto';
import { cp, mkdtemp, open, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { readModelCard } from '#gpu-container/runtime/load-bundle.ts';
import { decodeMp4 } from '../media/decode-mp4.ts';
import { MINI, MINI_DEFAULTS, REQUEST, type RenderChild, startChild } from './child.ts';

const { frames, fps } = MINI_DEFAULTS;

describe('a render child', () => {
  let child: RenderChild;
  beforeAll(async () => {
    child = startChild();
    await child.heard('ready');
  });
  afterAll(async () => {
    child.process.kill('SIGKILL');
    await child.exited;
  });

  test('says which weights it holds', async () => {
    const card = await readModelCard(MINI);
    expect(await child.heard('ready')).toMatchObject({ bundleId: 'reelay-mini', digest: card.digest });
  });

  test('renders a clip: three files that are what it says, and timings', async () => {
    const folder = await child.render('one');
    const { files, timings } = await child.heard('done', 'one');
    const types = { video: 'video/mp4', thumbnail: 'image/webp', spritesheet: 'image/jpeg' };
    for (const [variant, contentType] of Object.entries(types)) {
      const file = files[variant as keyof typeof files];
      const data = await readFile(file.path);
      expect(file.path.startsWith(folder)).toBe(true);
      const sha256 = createHash('sha256').update(data).digest('hex');
      expect(file).toMatchObject({ contentType, bytes: data.length, sha256 });
    }
    const clip = await decodeMp4(await readFile(files.video.path));
    expect([clip.width, clip.height, clip.frames.length, clip.duration]).toEqual([256, 256, frames, frames / fps]);
    expect(await sharp(files.thumbnail.path).metadata()).toMatchObject({ format: 'webp', width: 256, height: 256 });
    expect(await sharp(files.spritesheet.path).metadata()).toMatchObject({ format: 'jpeg', width: 1024, height: 1024 });
    for (const ms of Object.values(timings)) expect(ms).toBeGreaterThan(0);
  });

  test('reports every phase in order and every step once', async () => {
    await child.render('steps', { num_inference_steps: 4 });
    await child.heard('done', 'steps');
    const said = child.messages.flatMap(m =>
      m.type === 'progress' && m.taskId === 'steps' ? [`${m.phase} ${m.step}/${m.steps}`] : [],
    );
    const steps = [0, 1, 2, 3, 4].map(step => `denoising ${step}/4`);
    expect(said).toEqual(['encoding_prompt 0/0', ...steps, 'decoding 0/0', 'encoding_video 0/0', 'marking 0/0']);
  });

  test('hears a cancel within one step, writes nothing, and takes the next task', async () => {
    const folder = await child.render('dropped', { num_inference_steps: 50 });
    await new Promise<void>(resolve => {
      child.process.on('message', function look(message: { taskId?: string; step?: number }) {
        if (message.taskId !== 'dropped' || message.step !== 2) return;
        child.process.off('message', look);
        child.send({ type: 'cancel', taskId: 'dropped' });
        resolve();
      });
    });
    await child.heard('cancelled', 'dropped');
    const steps = child.messages.flatMap(m => (m.type === 'progress' && m.taskId === 'dropped' ? [m.step] : []));
    // the step that runs while the cancel travels, and one whose report crossed it on the way
    expect(Math.max(...steps)).toBeLessThanOrEqual(4);
    expect(await readdir(folder)).toEqual([]);
    await child.render('next', { num_inference_steps: 1 });
    await child.heard('done', 'next');
  });

  test('refuses a second task at a time, and a request the bundle cannot make, and stays', async () => {
    await Promise.all([child.render('first'), child.render('second')]);
    expect(await child.heard('failed')).toMatchObject({ code: 'conflict', retryable: true });
    await Promise.race([child.heard('done', 'first'), child.heard('done', 'second')]);
    await child.render('wide', { size: '640x480' });
    expect(await child.heard('failed', 'wide')).toMatchObject({
      code: 'invalid_request',
      retryable: false,
      message: 'size: got 640x480; the bundle reelay-mini does not make that.',
    });
    child.send({ type: 'cancel', taskId: 'nobody' });
    await child.render('after', { num_inference_steps: 1, guidance_scale: 1 });
    await child.heard('done', 'after');
  });

  test('gives the same frames for the same seed in another process, and others for another seed', async () => {
    const other = startChild();
    await other.heard('ready');
    // another history: the embedding comes from the cache in one process and is fresh in the other
    await Promise.all([child.render('again'), other.render('again')]);
    const [here, there] = await Promise.all([child.heard('done', 'again'), other.heard('done', 'again')]);
    expect(there.marked.framesSha256).toBe(here.marked.framesSha256);
    // equal frames of one job are marked and encoded to equal bytes: only the signed manifest differs
    expect(there.files.spritesheet.sha256).toBe(here.files.spritesheet.sha256);
    const [mine, theirs] = await Promise.all([here, there].map(({ files }) => readFile(files.video.path)));
    expect((await decodeMp4(theirs!)).frames).toEqual((await decodeMp4(mine!)).frames);
    await other.render('seed', { seed: REQUEST.seed + 1 });
    expect((await other.heard('done', 'seed')).marked.framesSha256).not.toBe(here.marked.framesSha256);
    other.process.disconnect();
    await other.exited;
  });

  test('ignores SIGINT and SIGTERM: the supervisor decides', async () => {
    child.process.kill('SIGINT');
    child.process.kill('SIGTERM');
    await child.render('calm', { num_inference_steps: 1 });
    await child.heard('done', 'calm');
  });
});

describe('the end of a render child', () => {
  test('a damaged model file is named, and the child exits with 1', async () => {
    const folder = join(await mkdtemp(join(tmpdir(), 'reelay-damaged-')), 'reelay-mini');
    onTestFinished(() => rm(dirname(folder), { recursive: true }));
    await cp(MINI, folder, { recursive: true });
    const graph = await open(join(folder, 'transformer/model.onnx'), 'r+');
    await graph.write(Uint8Array.of(0xff, 0x00, 0xff, 0x00), 0, 4, 100_000);
    await graph.close();
    const child = startChild(folder);
    expect(await child.heard('failed')).toMatchObject({
      taskId: null,
      code: 'bundle_corrupt',
      retryable: false,
      message: expect.stringContaining('reelay-mini: transformer/model.onnx does not match its sha256'),
    });
    expect(await child.exited).toEqual({ code: 1, signal: null });
    expect(child.messages.length).toBe(1);
  });

  test('comes when the parent is gone, in the middle of a render', async () => {
    const child = startChild();
    await child.heard('ready');
    await child.render('orphan', { num_inference_steps: 50 });
    await child.heard('progress');
    const started = performance.now();
    child.process.disconnect();
    expect(await child.exited).toEqual({ code: 0, signal: null });
    expect(performance.now() - started).toBeLessThan(5000);
  });
});
