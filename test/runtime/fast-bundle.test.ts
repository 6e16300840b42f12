import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ModelCard } from '#core/models.ts';
import type { VideoRequest } from '#core/video-request.ts';
import { generateFrames } from '#gpu-container/render/generate-frames.ts';
import { type Model, openModel } from '#gpu-container/render/model.ts';
import { loadBundle } from '#gpu-container/runtime/load-bundle.ts';
import { createOrtBackend } from '#gpu-container/runtime/ort-backend.ts';
import { requestOf } from '../render/child.ts';
import { velocityOf, wholeClip } from '../render/whole-clip.ts';
import { writeFastBundle } from './fast-bundle.ts';

describe('the fast bundle', () => {
  let folder: string;
  let card: ModelCard;
  let model: Model;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'reelay-fast-'));
    card = await writeFastBundle(join(folder, 'fast'));
    model = await openModel(await loadBundle(join(folder, 'fast')), createOrtBackend({ threads: 1 }));
  });
  afterAll(async () => {
    await model.release();
    await rm(folder, { recursive: true });
  });

  const frames = async (change: Partial<VideoRequest> = {}) => {
    return wholeClip(await generateFrames(model, requestOf(card, change)));
  };

  test('is a bundle like any other, the same on every writing', async () => {
    expect(card).toMatchObject({ id: 'reelay-fast', sizes: ['64x64'], num_inference_steps: { min: 1, max: 50 } });
    expect(await writeFastBundle(join(folder, 'again'))).toEqual(card);
    const other = await writeFastBundle(join(folder, 'other'), { id: 'other', seed: 2, frames: 8, stochastic: true });
    expect(other).toMatchObject({ id: 'other', frames: { min: 8, max: 8 } });
    expect(other.digest).not.toBe(card.digest);
    await expect(writeFastBundle(join(folder, 'odd'), { frames: 3 })).rejects.toThrow('frames: got 3');
  });

  test('makes a video that changes with seed, prompt, order of words, guidance and steps', async () => {
    const one = await frames();
    expect(one.length).toBe(4 * 64 * 64 * 3);
    expect((await frames()).equals(one)).toBe(true);
    const changes = [
      { seed: 43 },
      { prompt: 'a blue star' },
      { prompt: 'circle red a bouncing over a dark blue background' },
      { guidance_scale: 4 },
      { num_inference_steps: 5 },
      { negative_prompt: 'a star' },
    ];
    for (const change of changes) expect((await frames(change)).equals(one), JSON.stringify(change)).toBe(false);
    const levels = new Set(one);
    expect(levels.size).toBeGreaterThan(100); // neither flat nor clipped
  });

  test('has a denoiser that depends on every latent, the timestep and the prompt', async () => {
    const size = 6 * 2 * 8 * 8;
    const latents = Float32Array.from({ length: size }, (_, i) => Math.sin(i));
    const [red, blue] = [await model.embed('a red circle'), await model.embed('a blue circle')];
    const velocity = await velocityOf(model, latents, 500, [red]);
    expect(await velocityOf(model, latents, 500, [red])).toEqual(velocity);
    expect(await velocityOf(model, latents, 500, [blue])).not.toEqual(velocity);
    expect(await velocityOf(model, latents, 501, [red])).not.toEqual(velocity);
    for (let i = 0; i < size; i += 13)
      expect(await velocityOf(model, latents.with(i, latents[i]! + 0.01), 500, [red])).not.toEqual(velocity);
  });
});
