import { describe, expect, test } from 'vitest';
import { createScheduler, type SchedulerOptions } from '#gpu-container/engine/schedulers/create-scheduler.ts';
import oracle from './fixtures/flow-match-euler.json' with { type: 'json' };

/** One ulp of float32 at 1 and at 1000: numpy's and torch's vector kernels may round once differently. */
const SIGMA_TOLERANCE = 1.2e-7;
const TIMESTEP_TOLERANCE = 6.2e-5;
/** Values stay below 40 over fifty steps of the stand-in model. */
const SAMPLE_TOLERANCE = 4e-6;

const CLASS = { _class_name: 'FlowMatchEulerDiscreteScheduler' };

function near(got: ArrayLike<number> | undefined, want: number[], tolerance: number): void {
  expect(got?.length).toBe(want.length);
  want.forEach((value, i) => {
    expect(Math.abs(got![i]! - value), `entry ${i}: got ${got![i]}, want ${value}`).toBeLessThanOrEqual(tolerance);
  });
}

/** v = 0.7 x - 0.3 + 0.001 t in float32, as test/oracle/flow-match-euler.py has it. */
function standIn(sample: Float32Array, timestep: number): Float32Array {
  const f = Math.fround;
  return sample.map(x => f(f(f(0.7) * x) - f(0.3)) + f(f(0.001) * f(timestep)));
}

describe.each(oracle.cases)('diffusers, $name', entry => {
  const scheduler = createScheduler(entry.config, entry.options as SchedulerOptions);

  test('the same sigmas and timesteps', () => {
    near(scheduler.sigmas, entry.sigmas, SIGMA_TOLERANCE);
    near(scheduler.timesteps, entry.timesteps, TIMESTEP_TOLERANCE);
  });

  test('the same sample after every step', () => {
    let state = scheduler.initialState(Float32Array.from(entry.start));
    entry.trail.forEach((want, i) => {
      const noise = entry.noises[i];
      expect(scheduler.noiseDraws(state)).toBe(noise === undefined ? 0 : 1);
      const output = standIn(scheduler.scaleModelInput(state), scheduler.timesteps[i]!);
      state = scheduler.step(state, output, noise && Float32Array.from(noise));
      near(state.sample, want, SAMPLE_TOLERANCE * Math.max(1, ...want.map(Math.abs)));
    });
    expect(() => scheduler.step(state, state.sample)).toThrow('the schedule is over');
  });

  test('the same noised sample at every timestep', () => {
    entry.noised.forEach((want, i) => {
      const noised = scheduler.addNoise(Float32Array.from(entry.clean), Float32Array.from(entry.noise), i);
      near(noised, want, SAMPLE_TOLERANCE);
    });
  });
});

describe('what is not followed is refused by name', () => {
  test.each([
    [{ _class_name: 'UniPCMultistepScheduler' }, { steps: 4 }, 'UniPCMultistepScheduler'],
    [{ _class_name: 'toString' }, { steps: 4 }, 'toString'],
    [{}, { steps: 4 }, 'known: FlowMatchEulerDiscreteScheduler'],
    [{ ...CLASS, use_beta_sigmas: true }, { steps: 4 }, 'use_beta_sigmas'],
    [{ ...CLASS, sigma_data: 0.5 }, { steps: 4 }, 'sigma_data'],
    [{ ...CLASS, shift: '3' }, { steps: 4 }, 'shift should be a number, got "3"'],
    [{ ...CLASS, time_shift_type: 'cubic' }, { steps: 4 }, 'cubic'],
    [{ ...CLASS, use_dynamic_shifting: true }, { steps: 4 }, 'mu'],
    [{ ...CLASS, use_karras_sigmas: true, use_exponential_sigmas: true }, { steps: 4 }, 'exclude each other'],
    [CLASS, { steps: 0 }, 'got 0 steps'],
    [CLASS, { steps: 3, sigmas: [1, 0.5] }, 'got 2 sigmas for 3 steps'],
  ] as [Record<string, unknown>, SchedulerOptions, string][])('%j with %j', (config, options, sentence) => {
    expect(() => createScheduler(config, options)).toThrow(sentence);
  });

  test('missing noise', () => {
    const scheduler = createScheduler({ ...CLASS, stochastic_sampling: true }, { steps: 2 });
    const state = scheduler.initialState(new Float32Array(4));
    expect(() => scheduler.step(state, new Float32Array(4))).toThrow('needs noise');
    expect(() => scheduler.step(state, new Float32Array(3))).toThrow('model output has 3 values');
  });
});
