import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { elementCount } from '#gpu-container/engine/tensor.ts';
import { openBareInference } from '#gpu-container/render/bare-inference.ts';
import { generateFrames } from '#gpu-container/render/generate-frames.ts';
import { type Model, openModel } from '#gpu-container/render/model.ts';
import { loadBundle } from '#gpu-container/runtime/load-bundle.ts';
import { createOrtBackend } from '#gpu-container/runtime/ort-backend.ts';
import { MINI, MINI_DEFAULTS, REQUEST } from './child.ts';
import { velocityOf, wholeClip } from './whole-clip.ts';

const { frames, fps } = MINI_DEFAULTS;

describe('the pipeline on the bundled model', () => {
  let model: Model;
  const batches: number[] = [];
  const texts: string[] = [];
  beforeAll(async () => {
    const opened = await openModel(await loadBundle(MINI), createOrtBackend({ threads: 1 }));
    model = {
      ...opened,
      embed: text => {
        texts.push(text);
        return opened.embed(text);
      },
      denoise: (component, feeds) => {
        batches.push(feeds.timestep!.dims[0]!);
        return opened.denoise(component, feeds);
      },
    };
  });
  afterAll(() => model.release());

  test('runs both halves of guidance as one batch, and only the prompt at guidance 1', async () => {
    const short = { ...REQUEST, num_inference_steps: 2, negative_prompt: 'square' };
    const guided = await generateFrames(model, short);
    expect([batches, texts]).toEqual([
      [2, 2],
      [REQUEST.prompt, 'square'],
    ]);
    batches.length = texts.length = 0;
    const plain = await generateFrames(model, { ...short, guidance_scale: 1 });
    expect([batches, texts]).toEqual([[1, 1], [REQUEST.prompt]]);
    for (const generation of [guided, plain]) {
      expect(generation.clip).toEqual({ frames, width: 256, height: 256, fps });
      expect((await wholeClip(generation)).length).toBe(frames * 256 * 256 * 3);
    }
  });

  test('a batch of two is two runs of one', async () => {
    const [a, b] = [await model.embed('a red circle'), await model.embed('')];
    const size = elementCount(model.family.sampleDims({ frames, height: 256, width: 256 }, 't2v'));
    const latent = Float32Array.from({ length: size }, (_, i) => Math.sin(i));
    const both = await velocityOf(model, latent, 500, [a, b]);
    const [first, second] = [await velocityOf(model, latent, 500, [a]), await velocityOf(model, latent, 500, [b])];
    const apart = both.reduce(
      (worst, v, i) => Math.max(worst, Math.abs(v - (i < size ? first[i]! : second[i - size]!))),
      0,
    );
    expect(apart).toBeLessThan(1e-4); // matrix kernels may sum in another order for another batch
  });
});

test('bare inference gives milliseconds', async () => {
  const bare = await openBareInference({ folder: MINI, threads: 1 });
  expect(await bare.run({ ...REQUEST, num_inference_steps: 1 })).toBeGreaterThan(1);
  await bare.release();
});
