import { describe, expect, test } from 'vitest';
import { framesFromSample } from '#gpu-container/engine/frames.ts';
import { guide } from '#gpu-container/engine/guidance.ts';
import { elementCount, latentDims, stack } from '#gpu-container/engine/latents.ts';
import { sample } from '#gpu-container/engine/sampler.ts';
import { createScheduler } from '#gpu-container/engine/schedulers/create-scheduler.ts';

const scheduler = createScheduler({ _class_name: 'FlowMatchEulerDiscreteScheduler', shift: 3 }, { steps: 5 });
const noise = Float32Array.from([1, -2, 0.5, 3]);
const clean = Float32Array.from([0.25, 0.5, -1, 0]);

describe('the sampler', () => {
  test('lands on the clean sample when the denoiser knows the straight path to it', async () => {
    const seen: number[] = [];
    const result = await sample({
      scheduler,
      noise,
      denoise: async (_, timestep) => {
        seen.push(timestep);
        return noise.map((e, i) => e - clean[i]!);
      },
    });
    result.forEach((value, i) => {
      expect(value).toBeCloseTo(clean[i]!, 5);
    });
    expect(seen).toEqual([...scheduler.timesteps]);
    expect(noise).toEqual(Float32Array.from([1, -2, 0.5, 3]));
  });

  test('reports each step once, and stops before the next when the checkpoint rejects', async () => {
    const steps: string[] = [];
    let calls = 0;
    const stopped = sample({
      scheduler,
      noise,
      denoise: async latents => {
        calls++;
        return latents;
      },
      onStep: (step, of) => steps.push(`${step}/${of}`),
      checkpoint: async state => {
        if (state.index === 2) throw new Error('stop here');
      },
    });
    await expect(stopped).rejects.toThrow('stop here');
    expect(calls).toBe(2);
    expect(steps).toEqual(['1/5', '2/5']);
  });
});

describe('guidance', () => {
  test('is the unconditional output at 0, the conditional at 1, and goes beyond it above', () => {
    const [u, c] = [Float32Array.from([1, 2]), Float32Array.from([2, 0])];
    expect(guide(u, c, 0)).toEqual(u);
    expect(guide(u, c, 1)).toEqual(c);
    expect(guide(u, c, 3)).toEqual(Float32Array.from([4, -4]));
    expect(() => guide(u, new Float32Array(3), 1)).toThrow('must agree');
  });
});

test('latents have the shape [B, C, T, H, W]', () => {
  const dims = latentDims({ channels: 96, frames: 4, height: 5, width: 6 }, 2);
  expect(dims).toEqual([2, 96, 4, 5, 6]);
  expect(elementCount(dims)).toBe(23040);
  expect(stack([Float32Array.of(1, 2), Float32Array.of(3)])).toEqual(Float32Array.of(1, 2, 3));
});

describe('frames', () => {
  test('go from [1, 3, T, H, W] to [T, H, W, 3], rounded to the nearest level and clamped', () => {
    const red = [-1, 1, 0, 2];
    const green = [-2, 0.002, -0.002, 0.5];
    const blue = [1, -1, 1, -1];
    const bytes = framesFromSample(Float32Array.from([...red, ...green, ...blue]), { frames: 2, height: 1, width: 2 });
    expect([...bytes]).toEqual([0, 0, 255, 255, 128, 0, 128, 127, 255, 255, 191, 0]);
  });

  test('refuse NaN and a wrong size', () => {
    const shape = { frames: 1, height: 1, width: 1 };
    expect(() => framesFromSample(Float32Array.of(0, Number.NaN, 0), shape)).toThrow('NaN');
    expect(() => framesFromSample(new Float32Array(4), shape)).toThrow('got 4 values');
  });
});
