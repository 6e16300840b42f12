/**
 * @file DDIM (Song et al. 2020, arXiv 2010.02502, eq. 12 and 16); follows diffusers' `scheduling_ddim.py` (0.42.1) rounding for
 * rounding. The option `eta` is the paper's: 0 is deterministic, 1 draws as much as DDPM.
 */
import { alphasCumprod, betaFields, COMMON_SCHEDULES } from './betas.ts';
import { checkOptions, defineScheduler } from './define-scheduler.ts';
import { toClean, toNoise } from './prediction-type.ts';
import { choice, flag, number, readConfig } from './read-config.ts';
import type { Scheduler, SchedulerOptions, SchedulerState } from './scheduler.ts';
import { alphaAt, checkStepCount, noiser, requireSignal, signalLevel } from './signal-table.ts';
import { boundClean, thresholdingFields } from './thresholding.ts';
import { spacedTimesteps, spacingFields } from './timestep-spacing.ts';
import { accumulate, mix } from './vectors.ts';

const f32 = Math.fround;

const NAME = 'DDIMScheduler';

const FIELDS = {
  ...betaFields(0.0001, 0.02, 'linear', ...COMMON_SCHEDULES),
  ...thresholdingFields,
  ...spacingFields('leading'),
  clip_sample: flag(true),
  clip_sample_range: number(1),
  set_alpha_to_one: flag(true),
  prediction_type: choice('epsilon', 'sample', 'v_prediction'),
  rescale_betas_zero_snr: flag(false),
};

/** diffusers' DDIMScheduler. Draws in every step where `eta` is above 0. */
export function createDdim(raw: Record<string, unknown>, options: SchedulerOptions): Scheduler {
  const config = readConfig(NAME, FIELDS, raw);
  checkOptions(NAME, options, []);
  const { steps, eta = 0, batch = 1 } = options;
  const { num_train_timesteps: train, prediction_type: prediction } = config;
  checkStepCount(steps, train);
  const alphas = alphasCumprod(config, config.rescale_betas_zero_snr);
  const timesteps = spacedTimesteps(config, steps);
  const stride = Math.floor(train / steps);
  const finalAlpha = config.set_alpha_to_one ? 1 : alphas[0]!;

  function advance({ index, sample }: SchedulerState, output: Float32Array, noise: Float32Array) {
    const timestep = timesteps[index]!;
    const { alpha, beta, rootAlpha, rootBeta } = signalLevel(alphaAt(alphas, timestep));
    requireSignal(NAME, timestep, alpha, config);
    const before = timestep - stride;
    const next = signalLevel(before >= 0 ? alphaAt(alphas, before) : finalAlpha);
    const clean = boundClean(config, toClean(prediction, sample, output, rootAlpha, rootBeta), batch);
    const epsilon = toNoise(prediction, sample, output, rootAlpha, rootBeta);
    const variance = f32(f32(next.beta / beta) * f32(1 - f32(alpha / next.alpha)));
    const deviation = f32(f32(eta) * f32(Math.sqrt(variance)));
    const ofNoise = f32(Math.sqrt(Math.max(0, f32(next.beta - f32(deviation * deviation))))); // below 0 only by rounding
    const stepped = mix(next.rootAlpha, clean, ofNoise, epsilon);
    return { sample: eta > 0 ? accumulate(stepped, deviation, noise) : stepped };
  }

  return defineScheduler({
    name: NAME,
    timesteps,
    advance,
    addNoise: noiser(alphas, timesteps),
    noiseDraws: () => (eta > 0 ? 1 : 0),
  });
}
