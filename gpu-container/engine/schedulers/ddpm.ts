/**
 * @file Ancestral sampling of DDPM (Ho et al. 2020, arXiv 2006.11239, eq. 6 and 7); follows diffusers' `scheduling_ddpm.py`
 * (0.42.1) rounding for rounding.
 */
import { alphasCumprod, betaFields, COMMON_SCHEDULES } from './betas.ts';
import { checkOptions, defineScheduler } from './define-scheduler.ts';
import { toClean } from './prediction-type.ts';
import { choice, type Field, flag, number, readConfig } from './read-config.ts';
import type { Scheduler, SchedulerOptions, SchedulerState } from './scheduler.ts';
import { alphaAt, checkFalling, checkStepCount, noiser, requireSignal, signalLevel } from './signal-table.ts';
import { boundClean, thresholdingFields } from './thresholding.ts';
import { spacedTimesteps, spacingFields } from './timestep-spacing.ts';
import { accumulate, mix } from './vectors.ts';

const f32 = Math.fround;

const NAME = 'DDPMScheduler';

type Variance = 'fixed_small' | 'fixed_small_log' | 'fixed_large';

const varianceType: Field<Variance> = {
  ...choice<Variance>('fixed_small', 'fixed_small_log', 'fixed_large'),
  wanted:
    'fixed_small or fixed_small_log or fixed_large (learned variances are not supported, fixed_large_log is NaN in diffusers)',
};

const FIELDS = {
  ...betaFields(0.0001, 0.02, 'linear', ...COMMON_SCHEDULES, 'laplace', 'sigmoid'),
  ...thresholdingFields,
  ...spacingFields('leading'),
  variance_type: varianceType,
  clip_sample: flag(true),
  clip_sample_range: number(1),
  prediction_type: choice('epsilon', 'sample', 'v_prediction'),
  rescale_betas_zero_snr: flag(false),
};

/** diffusers' DDPMScheduler. Draws in every step but that at timestep 0. */
export function createDdpm(raw: Record<string, unknown>, options: SchedulerOptions): Scheduler {
  const config = readConfig(NAME, FIELDS, raw);
  checkOptions(NAME, options, ['timesteps']);
  const { num_train_timesteps: train, prediction_type: prediction } = config;
  if (options.timesteps !== undefined) checkFalling(options.timesteps, train);
  checkStepCount(options.steps, train);
  const alphas = alphasCumprod(config, config.rescale_betas_zero_snr);
  const timesteps = options.timesteps ?? spacedTimesteps(config, options.steps);

  function advance({ index, sample }: SchedulerState, output: Float32Array, noise: Float32Array) {
    const timestep = timesteps[index]!;
    const { alpha, beta, rootAlpha, rootBeta } = signalLevel(alphaAt(alphas, timestep));
    requireSignal(NAME, timestep, alpha, config);
    const before = timesteps[index + 1] ?? -1;
    const next = signalLevel(before >= 0 ? alphaAt(alphas, before) : 1);
    const ownAlpha = f32(alpha / next.alpha);
    const ownBeta = f32(1 - ownAlpha);
    const clean = boundClean(config, toClean(prediction, sample, output, rootAlpha, rootBeta), options.batch ?? 1);
    const ofClean = f32(f32(next.rootAlpha * ownBeta) / beta);
    const ofSample = f32(f32(f32(Math.sqrt(ownAlpha)) * next.beta) / beta);
    const mean = mix(ofClean, clean, ofSample, sample);
    if (timestep <= 0) return { sample: mean };
    const small = Math.max(f32(f32(next.beta / beta) * ownBeta), f32(1e-20));
    return { sample: accumulate(mean, deviationOf(config.variance_type, small, ownBeta), noise) };
  }

  return defineScheduler({
    name: NAME,
    timesteps,
    advance,
    addNoise: noiser(alphas, timesteps),
    noiseDraws: ({ index }) => (timesteps[index]! > 0 ? 1 : 0),
  });
}

function deviationOf(type: Variance, small: number, large: number): number {
  if (type === 'fixed_small_log') return f32(Math.exp(f32(0.5 * f32(Math.log(small)))));
  return f32(Math.sqrt(type === 'fixed_small' ? small : large));
}
