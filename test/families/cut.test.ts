/** A clip of a length that no latent holds is cut from the next one that is: OpenAI's 4 seconds at 16 frames a second are 64 of 65. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { drawnFrames } from '#gpu-container/engine/families/family.ts';
import { generateFrames } from '#gpu-container/render/generate-frames.ts';
import { type Model, openModel } from '#gpu-container/render/model.ts';
import { loadBundle } from '#gpu-container/runtime/load-bundle.ts';
import { createOrtBackend } from '#gpu-container/runtime/ort-backend.ts';
import { wholeClip } from '../render/whole-clip.ts';
import { goldenCases, requestOfCase, widened } from './golden-case.ts';
import { readSafetensors } from './safetensors.ts';

test('the next length that the latents hold is drawn', () => {
  const wan = [1, 2, 5, 6, 64, 80, 81].map(frames => drawnFrames({ first: 1, step: 4 }, frames));
  expect(wan).toEqual([1, 5, 5, 9, 65, 81, 81]);
  expect([1, 24, 25].map(frames => drawnFrames({ first: 25, step: 25 }, frames))).toEqual([25, 25, 25]);
});

describe.each(['wan-2.1-t2v', 'ltx', 'cogvideox-2b', 'reelay-mini'])('%s', name => {
  const folder = join(import.meta.dirname, '../fixtures/bundles', name);
  let model: Model;
  beforeAll(async () => {
    model = await openModel(await loadBundle(folder), createOrtBackend({ threads: 1 }));
  });
  afterAll(() => model?.release());

  test('one frame less is the same clip without its last frame', async () => {
    const [first] = (await goldenCases(folder)).filter(one => one.task === 't2v');
    const request = requestOfCase(model, first!);
    const clipOf = async (num_frames: number) => {
      const shorter = { ...request, num_frames };
      return wholeClip(await generateFrames(widened(model, shorter), shorter));
    };
    const whole = await clipOf(request.num_frames);
    const frames = drawnFrames(model.family.frameRule, request.num_frames) - 1;
    expect((await clipOf(frames)).equals(whole.subarray(0, (whole.length / request.num_frames) * frames))).toBe(true);
  });

  test('of a video that is a frame short the last one stands in for what is cut', async () => {
    const [first] = (await goldenCases(folder)).filter(one => one.task === 'v2v');
    if (first === undefined) return expect(name).not.toBe('reelay-mini');
    const request = requestOfCase(model, first);
    const video = (await readSafetensors(join(folder, first.file))).video?.data as Uint8Array;
    const bytes = video.length / request.num_frames;
    const [short, held] = [video.slice(0, -bytes), video.slice()];
    held.copyWithin(video.length - bytes, video.length - 2 * bytes, video.length - bytes);
    const clipOf = async (num_frames: number, reference: Uint8Array) => {
      const asked = { ...request, num_frames };
      return wholeClip(await generateFrames(widened(model, asked), asked, { reference }));
    };
    const cut = await clipOf(request.num_frames - 1, short);
    expect(cut.equals((await clipOf(request.num_frames, held)).subarray(0, cut.length))).toBe(true);
  });
});
