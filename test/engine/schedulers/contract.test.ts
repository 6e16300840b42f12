import { describe, expect, test } from 'vitest';
import { createScheduler, type SchedulerOptions } from '#gpu-container/engine/schedulers/create-scheduler.ts';
import { parseSchedulerConfig } from '#gpu-container/engine/schedulers/parse-config.ts';

const FLOW = { _class_name: 'FlowMatchEulerDiscreteScheduler' };
const UNIPC = { _class_name: 'UniPCMultistepScheduler' };
const DPM = { _class_name: 'DPMSolverMultistepScheduler' };

describe('what is not followed is refused by name', () => {
  test.each([
    [{ _class_name: 'EDMEulerScheduler' }, { steps: 4 }, 'got _class_name "EDMEulerScheduler"; known: '],
    [{ _class_name: 'toString' }, { steps: 4 }, 'toString'],
    [{ _class_name: ['DDIMScheduler'] }, { steps: 4 }, 'DDIMScheduler'],
    [{}, { steps: 4 }, 'UniPCMultistepScheduler, '],
    [{ ...FLOW, use_beta_sigmas: true }, { steps: 4 }, 'use_beta_sigmas'],
    [
      { ...FLOW, sigma_data: 0.5 },
      { steps: 4 },
      'option sigma_data is not one of FlowMatchEulerDiscreteScheduler, got 0.5',
    ],
    [{ ...FLOW, shift: '3' }, { steps: 4 }, 'shift of FlowMatchEulerDiscreteScheduler should be a number, got "3"'],
    [
      { ...FLOW, shift: Number.NaN },
      { steps: 4 },
      'shift of FlowMatchEulerDiscreteScheduler should be a number, got NaN',
    ],
    [{ ...FLOW, time_shift_type: 'cubic' }, { steps: 4 }, 'should be exponential or linear, got "cubic"'],
    [{ ...FLOW, use_dynamic_shifting: true }, { steps: 4 }, 'mu'],
    [{ ...FLOW, use_karras_sigmas: true, use_exponential_sigmas: true }, { steps: 4 }, 'exclude each other'],
    [FLOW, { steps: 0 }, 'got 0 steps'],
    [FLOW, { steps: 2.5 }, 'got 2.5 steps'],
    [FLOW, { steps: 3, sigmas: [1, 0.5] }, 'got 2 sigmas for 3 steps'],
    [FLOW, { steps: 2, sigmas: [1, Number.NaN] }, 'got sigmas that are not all numbers'],
    [FLOW, { steps: 2, eta: 2 }, 'got eta 2'],
    [FLOW, { steps: 2, batch: 0 }, 'got a batch of 0'],
    [{ ...UNIPC, solver_order: 4 }, { steps: 4 }, 'solver_order 4'],
    [{ ...UNIPC, solver_p: { _class_name: 'DDIMScheduler' } }, { steps: 4 }, 'solver_p'],
    [{ ...UNIPC, use_beta_sigmas: true }, { steps: 4 }, 'use_beta_sigmas of UniPCMultistepScheduler should be false'],
    [{ ...UNIPC, solver_type: 'bh3' }, { steps: 4 }, 'should be bh1 or bh2, got "bh3"'],
    [UNIPC, { steps: 3, timesteps: [900, 500, 100] }, 'UniPCMultistepScheduler takes no timesteps'],
    [{ ...DPM, variance_type: 'learned_range' }, { steps: 4 }, 'variance_type of DPMSolverMultistepScheduler'],
    [{ ...DPM, lambda_min_clipped: 'much' }, { steps: 4 }, 'a number or an infinity, got "much"'],
    [{ _class_name: 'DDPMScheduler', variance_type: 'learned' }, { steps: 4 }, 'learned variances are not supported'],
    [{ _class_name: 'DDIMScheduler', beta_schedule: 'sigmoid' }, { steps: 4 }, 'got "sigmoid"'],
    [{ _class_name: 'DDIMScheduler', trained_betas: '0.1' }, { steps: 4 }, 'a list of numbers or null, got "0.1"'],
    [{ _class_name: 'DDIMScheduler' }, { steps: 1001 }, 'got 1001 steps; the model was trained with 1000'],
    [{ _class_name: 'DDIMScheduler' }, { steps: 2, sigmas: [3, 1] }, 'DDIMScheduler takes no sigmas'],
    [{ _class_name: 'LCMScheduler' }, { steps: 51 }, 'original_inference_steps 50 are the most'],
    [{ _class_name: 'PNDMScheduler' }, { steps: 3 }, 'PNDM needs 4, or skip_prk_steps'],
  ] as [Record<string, unknown>, SchedulerOptions, string][])('%j with %j', (config, options, sentence) => {
    expect(() => createScheduler(config, options)).toThrow(sentence);
  });

  test('but keys of other diffusers classes, which published configs carry along, change nothing, as in diffusers', () => {
    const carried = { clip_sample: false, skip_prk_steps: true, _diffusers_version: '0.42.1', _use_default_values: [] };
    const [plain, with_] = [UNIPC, { ...UNIPC, ...carried }].map(config => createScheduler(config, { steps: 7 }));
    expect(with_!.sigmas).toEqual(plain!.sigmas);
  });
});

describe('the infinities of Python', () => {
  const options = { steps: 9 };

  test.each([-Infinity, '-Infinity', '-inf'])('are a number of a config: %s', lambda_min_clipped => {
    expect(createScheduler({ ...DPM, lambda_min_clipped }, options).timesteps).toEqual(
      createScheduler(DPM, options).timesteps,
    );
  });

  test('are read where they stand bare, and only there', () => {
    const text =
      '{"lambda_min_clipped": -Infinity, "up": Infinity, "a \\"-Infinity": "Infinity, -Infinity", "n": [1e3]}';
    expect(parseSchedulerConfig(text)).toEqual({
      lambda_min_clipped: -Infinity,
      up: Infinity,
      'a "-Infinity': 'Infinity, -Infinity',
      n: [1000],
    });
    for (const text of ['{"a": NaN}', '{"a": Infinite}', '{"a": --Infinity}', '']) {
      expect(() => parseSchedulerConfig(text), text).toThrow(SyntaxError);
    }
    for (const text of ['null', '[]', '7', '-Infinity'])
      expect(() => parseSchedulerConfig(text), text).toThrow(TypeError);
  });
});

describe('a step', () => {
  const scheduler = createScheduler({ ...FLOW, stochastic_sampling: true }, { steps: 2 });
  const state = scheduler.initialState(new Float32Array(4));
  const four = new Float32Array(4);

  test('needs the noise it asks for, of the right length', () => {
    expect(() => scheduler.step(state, four)).toThrow('FlowMatchEulerDiscreteScheduler needs noise in step 1 of 2');
    expect(() => scheduler.step(state, four, new Float32Array(5))).toThrow('noise has 5 values, the sample 4');
  });

  test('needs an output of the length of the sample', () => {
    expect(() => scheduler.step(state, new Float32Array(3), four)).toThrow('model output has 3 values, the sample 4');
    expect(() => scheduler.addNoise(four, new Float32Array(3), 0)).toThrow('noise has 3 values');
  });

  test('past the end throws, and asks for no noise', () => {
    const last = scheduler.step(scheduler.step(state, four, four), four, four);
    expect(last.index).toBe(2);
    expect(scheduler.noiseDraws(last)).toBe(0);
    expect(() => scheduler.step(last, four, four)).toThrow('step 3 of 2; the schedule is over');
    expect(() => scheduler.addNoise(four, four, 2)).toThrow('got timestep index 2; 0 to 1 are allowed');
  });

  test('ignores noise that it has no use for', () => {
    const plain = createScheduler(UNIPC, { steps: 3 });
    const start = plain.initialState(Float32Array.of(1, 2, 3, 4));
    expect(plain.step(start, four, new Float32Array(9))).toEqual(plain.step(start, four));
  });
});
