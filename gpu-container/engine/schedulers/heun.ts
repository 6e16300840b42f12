/**
 * @file Heun's method in sigma, algorithm 1 of Karras et al. 2022 (arXiv 2206.00364) without churn; follows diffusers'
 * `scheduling_heun_discrete.py` (0.42.1) rounding for rounding.
 *
 * Each sigma but the first and the last stands twice in the table: an odd step tries Euler, the even one after it corrects it by
 * the mean of both slopes. Between them the history holds the first slope and the sample it began at.
 */
import { alphasCumprod, betaFields, COMMON_SCHEDULES } from './betas.ts';
import { checkOptions, defineScheduler } from './define-scheduler.ts';
import {
  checkResampling,
  eulerInitNoiseSigma,
  eulerParts,
  resample,
  sigmasAt,
  slopeOf,
  slopeTowards,
} from './euler-table.ts';
import { toCleanOfSigma } from './prediction-type.ts';
import { choice, flag, number, optionalNumber, readConfig, unsupported } from './read-config.ts';
import type { Scheduler, SchedulerOptions, SchedulerState } from './scheduler.ts';
import { trainingSigmas } from './sigma-tables.ts';
import { fractionalTimesteps, spacingFields } from './timestep-spacing.ts';
import { clamp, mix, mixOver } from './vectors.ts';

const f32 = Math.fround;

const NAME = 'HeunDiscreteScheduler';

const FIELDS = {
  ...betaFields(0.00085, 0.012, 'linear', ...COMMON_SCHEDULES, 'exp'),
  ...spacingFields('linspace'),
  prediction_type: choice('epsilon', 'sample', 'v_prediction'),
  use_karras_sigmas: flag(false),
  use_exponential_sigmas: flag(false),
  use_beta_sigmas: unsupported(false),
  clip_sample: flag(false),
  clip_sample_range: number(1),
  sigma_min: optionalNumber, // not of its constructor, but diffusers reads them where a config has them
  sigma_max: optionalNumber,
};

/** diffusers' HeunDiscreteScheduler. `timesteps` has 2 steps - 1 entries; custom ones are given once each. */
export function createHeun(raw: Record<string, unknown>, options: SchedulerOptions): Scheduler {
  const config = readConfig(NAME, FIELDS, raw);
  checkOptions(NAME, options, ['timesteps']);
  checkResampling(NAME, config, options.timesteps);
  const training = trainingSigmas(alphasCumprod(config, false));
  const spaced = options.timesteps?.map(f32) ?? fractionalTimesteps(config, options.steps);
  const table = resample(config, training, options.steps, { sigmas: sigmasAt(training, spaced), timesteps: spaced });
  const sigmas = [...table.sigmas.flatMap(twiceButFirst), 0].map(f32);

  function slope(sample: Float32Array, output: Float32Array, sigma: number): Float32Array {
    if (!config.clip_sample) return slopeOf(config.prediction_type, sample, output, sigma);
    const clean = clamp(toCleanOfSigma(config.prediction_type, sample, output, sigma), config.clip_sample_range);
    return slopeTowards(clean, sample, sigma);
  }

  function advance({ index, sample, history }: SchedulerState, output: Float32Array) {
    const [before, began] = history;
    const first = before === undefined || began === undefined;
    const sigma = sigmas[index]!; // of the second try: where the first arrived
    const derivative = slope(sample, output, sigma);
    if (first) {
      const arrived = mix(1, sample, f32(sigmas[index + 1]! - sigma), derivative);
      return { sample: arrived, history: [derivative, sample] };
    }
    const mean = mixOver(1, before, 1, derivative, 2);
    return { sample: mix(1, began, f32(sigma - sigmas[index - 1]!), mean), history: [] };
  }

  return defineScheduler({
    name: NAME,
    timesteps: table.timesteps.flatMap(twiceButFirst).map(f32),
    sigmas,
    initNoiseSigma: eulerInitNoiseSigma(config.timestep_spacing, sigmas),
    order: 2,
    advance,
    ...eulerParts(sigmas),
  });
}

const twiceButFirst = (value: number, index: number) => (index === 0 ? [value] : [value, value]);
