import { describe, expect, test } from 'vitest';
import { decodeCheckpoint, encodeCheckpoint } from '#gpu-container/engine/checkpoint.ts';
import { framesFromSample, NotFiniteError } from '#gpu-container/engine/frames.ts';
import { guide } from '#gpu-container/engine/guidance.ts';
import {
  createTorchRng,
  restoreTorchRng,
  type TorchRng,
  type TorchRngState,
} from '#gpu-container/engine/random/torch-cpu-rng.ts';
import { type SampleStart, type SampleState, sample, startIndexOf } from '#gpu-container/engine/sampler.ts';
import { createScheduler } from '#gpu-container/engine/schedulers/create-scheduler.ts';
import { concat, concatFrames, elementCount, floats, repeatBatch } from '#gpu-container/engine/tensor.ts';

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
        if (state.scheduler.index === 2) throw new Error('stop here');
      },
    });
    await expect(stopped).rejects.toThrow('stop here');
    expect(calls).toBe(2);
    expect(steps).toEqual(['1/5', '2/5']);
  });
});

describe.each([
  ['Euler', { shift: 3 }, 0],
  ['Euler with noise in every step', { shift: 3, stochastic_sampling: true }, 0],
  ['Euler with step caching', { shift: 3 }, 0.5],
])('a run of %s resumed from its checkpoint', (_, config, stepCache) => {
  const scheduler = createScheduler({ _class_name: 'FlowMatchEulerDiscreteScheduler', ...config }, { steps: 9 });
  const VALUES = 37; // not a multiple of 16: the generator's tail path counts too
  const bits = (array: Float32Array) => [...new Uint32Array(array.buffer, array.byteOffset, array.length)];
  /** Depends on every value and the timestep, and does not commute with itself. */
  const denoise = async (latents: Float32Array, timestep: number, _step: number) =>
    latents.map((x, i) => Math.sin(3 * x + latents[(i + 1) % VALUES]!) + timestep / 700);

  async function run(resume?: Uint8Array): Promise<{ latent: Float32Array; saved: Uint8Array[]; calls: number }> {
    const state = resume && decodeCheckpoint(resume);
    const rng = state ? restoreTorchRng(state.rng!) : createTorchRng(5);
    const start = state
      ? { resumeFrom: { scheduler: state.scheduler, cache: state.cache } }
      : { noise: rng.randn(VALUES) };
    const saved: Uint8Array[] = [];
    let calls = 0;
    const latent = await sample({
      ...start,
      scheduler,
      stepCache,
      denoise: (...input) => {
        calls++;
        return denoise(...input);
      },
      drawNoise: () => rng.randn(VALUES),
      checkpoint: async at => {
        const hash = '0'.repeat(64);
        const where = { step: at.scheduler.index, steps: 9, rng: rng.save(), ...at };
        saved.push(encodeCheckpoint({ ...where, bundleDigest: hash, requestHash: hash }));
      },
    });
    return { latent, saved, calls };
  }

  test('ends in the same bits, from every step, and does only the steps that are left', async () => {
    const whole = await run();
    expect(whole.saved.length).toBe(10);
    if (stepCache > 0) expect(whole.calls).toBeLessThan(9);
    for (const [step, bytes] of whole.saved.entries()) {
      const resumed = await run(bytes);
      expect(bits(resumed.latent), `from step ${step}`).toEqual(bits(whole.latent));
      if (stepCache === 0) expect(resumed.calls).toBe(9 - step);
      else expect(resumed.calls).toBeLessThanOrEqual(9 - step);
      expect(resumed.saved).toEqual(whole.saved.slice(step));
    }
  });

  test('may be resumed again and again', async () => {
    const whole = await run();
    let bytes = whole.saved[0]!;
    for (let step = 0; step < 9; step++) bytes = (await run(bytes)).saved[1]!;
    expect(decodeCheckpoint(bytes).step).toBe(9);
    expect(bytes).toEqual(whole.saved[9]);
  });

  test('would end in other bits from another step, so the test above can fail', async () => {
    const whole = await run();
    const state = decodeCheckpoint(whole.saved[4]!);
    const wrong = encodeCheckpoint({ ...state, scheduler: { ...state.scheduler, index: 5 } });
    expect(bits((await run(wrong)).latent)).not.toEqual(bits(whole.latent));
  });
});

test('a generator that is not restored gives other noise in the steps, so what is saved of it counts', async () => {
  const stochastic = createScheduler(
    { _class_name: 'FlowMatchEulerDiscreteScheduler', stochastic_sampling: true },
    { steps: 4 },
  );
  const run = (rng: TorchRng, start: SampleStart) =>
    sample({ ...start, scheduler: stochastic, denoise: async x => x, drawNoise: () => rng.randn(4) });
  const rng = createTorchRng(1);
  const states: { at: SampleState; rng: TorchRngState }[] = [];
  const whole = await sample({
    scheduler: stochastic,
    noise: rng.randn(4),
    denoise: async x => x,
    drawNoise: () => rng.randn(4),
    checkpoint: async at => void states.push({ at, rng: rng.save() }),
  });
  const { at: resumeFrom, rng: saved } = states[2]!;
  expect(await run(restoreTorchRng(saved), { resumeFrom })).toEqual(whole);
  expect(await run(createTorchRng(1), { resumeFrom })).not.toEqual(whole);
});

test('the sampler refuses a state that is not of its schedule', async () => {
  const state = scheduler.initialState(noise);
  for (const index of [-1, 6, 0.5, Number.NaN]) {
    const resumeFrom = { scheduler: { ...state, index }, cache: null };
    await expect(sample({ scheduler, denoise: async x => x, resumeFrom })).rejects.toThrow('cannot resume');
  }
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

test('a value that is no number ends the run after the step that made it', async () => {
  const broken = (value: number) =>
    sample({
      scheduler,
      noise,
      denoise: async (x, _, step) => (step === 2 ? x.with(1, value) : x),
    });
  for (const value of [Number.NaN, Infinity, -Infinity])
    await expect(broken(value)).rejects.toThrow('after step 3 of 5 the latent holds a value that is no number');
});

test('a late start leaves out the steps that strength does not ask for', async () => {
  expect([1, 0.8, 0.79, 0.2].map(strength => startIndexOf(strength, 5, scheduler))).toEqual([0, 1, 2, 4]);
  expect(() => startIndexOf(0.19, 5, scheduler)).toThrow('at least 0.2');
  const seen: number[] = [];
  const denoise = async (_: Float32Array, timestep: number) => {
    seen.push(timestep);
    return noise.map((e, i) => e - clean[i]!);
  };
  const result = await sample({ scheduler, clean, noise, startIndex: 3, denoise });
  expect(seen).toEqual([...scheduler.timesteps.subarray(3)]);
  result.forEach((value, i) => {
    expect(value).toBeCloseTo(clean[i]!, 5);
  });
});

test('tensors are counted, joined and repeated row-major', () => {
  expect(elementCount([2, 96, 4, 5, 6])).toBe(23040);
  expect(elementCount([])).toBe(1);
  expect(concat([Float32Array.of(1, 2), Float32Array.of(3)])).toEqual(Float32Array.of(1, 2, 3));
  expect(repeatBatch(Float32Array.of(1, 2), 2)).toEqual(Float32Array.of(1, 2, 1, 2));
  expect(() => floats(new Float32Array(3), [2, 2])).toThrow('3 values do not fill [2, 2]');
  const first = floats(Float32Array.of(1, 2), [1, 2, 1, 1, 1]);
  const rest = floats(Float32Array.of(3, 4, 5, 6), [1, 2, 2, 1, 1]);
  expect(concatFrames([first, rest])).toEqual(floats(Float32Array.of(1, 3, 4, 2, 5, 6), [1, 2, 3, 1, 1]));
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
    for (const value of [Number.NaN, Infinity, -Infinity])
      expect(() => framesFromSample(Float32Array.of(0, value, 0), shape)).toThrow(NotFiniteError);
    expect(() => framesFromSample(new Float32Array(4), shape)).toThrow('got 4 values');
  });
});

test('step caching computes the first five steps of a late start too, and the last', async () => {
  const long = createScheduler({ _class_name: 'FlowMatchEulerDiscreteScheduler' }, { steps: 20 });
  const computedFrom = async (startIndex: number) => {
    const computed: number[] = [];
    await sample({
      ...{ scheduler: long, clean, noise, startIndex, firstStep: startIndex, stepCache: 1 },
      denoise: async (x, _, step) => {
        computed.push(step);
        return x.map(value => Math.sin(value));
      },
    });
    return computed;
  };
  expect((await computedFrom(10)).slice(0, 5)).toEqual([10, 11, 12, 13, 14]);
  expect((await computedFrom(10)).at(-1)).toBe(19);
  expect((await computedFrom(0)).length).toBeLessThan(20);
});
