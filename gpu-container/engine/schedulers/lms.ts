/**
 * @file Linear multistep in sigma, of fourth order (Karras et al. 2022, arXiv 2206.00364, appendix; Katherine Crowson's k-diffusion);
 * follows diffusers' `scheduling_lms_discrete.py` (0.42.1). The history holds the last slopes, oldest first.
 */
import { alphasCumprod, betaFields, COMMON_SCHEDULES } from './betas.ts';
import { checkOptions, defineScheduler } from './define-scheduler.ts';
import { checkResampling, eulerInitNoiseSigma, eulerParts, resample, sigmasAt, slopeOf } from './euler-table.ts';
import { multistepWeight } from './lms-weights.ts';
import { choice, flag, optionalNumber, readConfig, unsupported } from './read-config.ts';
import type { Scheduler, SchedulerOptions, SchedulerState } from './scheduler.ts';
import { trainingSigmas } from './sigma-tables.ts';
import { fractionalTimesteps, spacingFields } from './timestep-spacing.ts';
import { accumulate, mix, scale } from './vectors.ts';

const f32 = Math.fround;

const NAME = 'LMSDiscreteScheduler';
const ORDER = 4;

const FIELDS = {
  ...betaFields(0.0001, 0.02, 'linear', ...COMMON_SCHEDULES),
  ...spacingFields('linspace'),
  use_karras_sigmas: flag(false),
  use_exponential_sigmas: flag(false),
  use_beta_sigmas: unsupported(false),
  prediction_type: choice('epsilon', 'sample', 'v_prediction'),
  sigma_min: optionalNumber, // not of its constructor, but diffusers reads them for exponential sigmas
  sigma_max: optionalNumber,
};

/** diffusers' LMSDiscreteScheduler. */
export function createLms(raw: Record<string, unknown>, options: SchedulerOptions): Scheduler {
  const config = readConfig(NAME, FIELDS, raw);
  checkOptions(NAME, options, []);
  checkResampling(NAME, config, undefined);
  const training = trainingSigmas(alphasCumprod(config, false));
  const spaced = fractionalTimesteps(config, options.steps);
  const range = config.use_karras_sigmas ? { ...config, sigma_min: null, sigma_max: null } : config;
  const table = resample(range, training, options.steps, { sigmas: sigmasAt(training, spaced), timesteps: spaced });
  const sigmas = [...table.sigmas, 0].map(f32);

  function advance({ index, sample, history }: SchedulerState, output: Float32Array) {
    const sigma = sigmas[index]!;
    const slope = slopeOf(config.prediction_type, sample, output, sigma);
    const slopes = [...history, slope].slice(-ORDER);
    const order = Math.min(index + 1, ORDER); // by the index, also after a late start with fewer slopes
    const weights = slopes.map((_, back) => multistepWeight(sigmas, index, order, back));
    const sum = scale(weights[0]!, slope);
    for (let back = 1; back < slopes.length; back++) accumulate(sum, weights[back]!, slopes.at(-1 - back)!);
    return { sample: mix(1, sample, 1, sum), history: slopes };
  }

  return defineScheduler({
    name: NAME,
    timesteps: table.timesteps.map(f32),
    sigmas,
    initNoiseSigma: eulerInitNoiseSigma(config.timestep_spacing, sigmas),
    advance,
    ...eulerParts(sigmas),
  });
}
