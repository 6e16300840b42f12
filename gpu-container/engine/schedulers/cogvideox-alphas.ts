/** @file The noise schedule of CogVideoX (arXiv 2408.06072): shifted in signal-to-noise ratio, and in float64 where it is scaled_linear. */
import { betaFields, cumulativeAlphas, makeBetas, type Round, zeroTerminalSnr } from './betas.ts';
import { checkOptions } from './define-scheduler.ts';
import { choice, flag, number, readConfig } from './read-config.ts';
import type { SchedulerOptions } from './scheduler.ts';
import { alphaAt, checkStepCount } from './signal-table.ts';
import { spacedTimesteps, spacingFields } from './timestep-spacing.ts';

const FIELDS = {
  ...betaFields(0.00085, 0.012, 'scaled_linear', 'linear', 'squaredcos_cap_v2'),
  ...spacingFields('leading'),
  clip_sample: flag(true), // the next three are read by neither class
  clip_sample_range: number(1),
  sample_max_value: number(1),
  set_alpha_to_one: flag(true),
  prediction_type: choice('epsilon', 'sample', 'v_prediction'),
  rescale_betas_zero_snr: flag(false),
  snr_shift_scale: number(3),
};

/** What both classes step on. */
export interface CogVideoXTable {
  readonly prediction: 'epsilon' | 'sample' | 'v_prediction';
  readonly timesteps: readonly number[];
  /** Cumulative alphas of the training. */
  readonly alphas: Float64Array;
  /** Their precision. */
  readonly round: Round;
  /** Cumulative alpha where the step from `timestep` ends, and whether that is past the training. */
  next(timestep: number): { alpha: number; past: boolean };
}

/** The table of a run of CogVideoXDDIMScheduler or CogVideoXDPMScheduler. */
export function cogVideoXTable(name: string, raw: Record<string, unknown>, options: SchedulerOptions): CogVideoXTable {
  const config = readConfig(name, FIELDS, raw);
  checkOptions(name, options, []);
  const { num_train_timesteps: train, snr_shift_scale: shift } = config;
  checkStepCount(options.steps, train);
  const double = config.trained_betas === null && config.beta_schedule === 'scaled_linear';
  const round: Round = double ? value => value : Math.fround;
  let alphas = cumulativeAlphas(makeBetas(config, round), round);
  const [scale, rest] = [round(shift), round(1 - shift)];
  alphas = alphas.map(alpha => round(alpha / round(scale + round(rest * alpha))));
  if (config.rescale_betas_zero_snr) alphas = zeroTerminalSnr(alphas, round);
  const stride = Math.floor(train / options.steps);
  const final = config.set_alpha_to_one ? 1 : alphas[0]!;
  return {
    prediction: config.prediction_type,
    timesteps: spacedTimesteps(config, options.steps),
    alphas,
    round,
    next(timestep) {
      const past = timestep - stride < 0;
      return { alpha: past ? final : alphaAt(alphas, timestep - stride), past };
    },
  };
}
