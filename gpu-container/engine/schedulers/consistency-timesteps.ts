/** @file The timesteps of distilled consistency models: some of those that the distillation was made with. */
import { betaFields, COMMON_SCHEDULES } from './betas.ts';
import { choice, flag, integer, number } from './read-config.ts';
import type { SchedulerOptions } from './scheduler.ts';
import { checkFalling, checkStepCount } from './signal-table.ts';
import { thresholdingFields } from './thresholding.ts';
import { spacingFields } from './timestep-spacing.ts';

/** The config keys that LCMScheduler and TCDScheduler share; neither reads all of them. */
export const consistencyFields = {
  ...betaFields(0.00085, 0.012, 'scaled_linear', 'linear', ...COMMON_SCHEDULES.slice(1)),
  ...thresholdingFields,
  ...spacingFields('leading'), // read by neither
  original_inference_steps: integer(50, 1),
  clip_sample: flag(false),
  clip_sample_range: number(1),
  set_alpha_to_one: flag(true),
  prediction_type: choice('epsilon', 'sample', 'v_prediction'),
  timestep_scaling: number(10),
  rescale_betas_zero_snr: flag(false),
};

/** What of a config the timesteps depend on. */
export interface ConsistencyConfig {
  readonly num_train_timesteps: number;
  readonly original_inference_steps: number;
}

/** set_timesteps of both, with strength 1. */
export function consistencyTimesteps(config: ConsistencyConfig, options: SchedulerOptions): number[] {
  const { num_train_timesteps: train, original_inference_steps: original } = config;
  if (original > train)
    throw new RangeError(`scheduler: got original_inference_steps ${original}; the model was trained with ${train}.`);
  if (options.timesteps !== undefined) {
    checkFalling(options.timesteps, train);
    return options.timesteps;
  }
  checkStepCount(options.steps, train);
  if (options.steps > original)
    throw new RangeError(`scheduler: got ${options.steps} steps; original_inference_steps ${original} are the most.`);
  const stride = Math.floor(train / original);
  return Array.from({ length: options.steps }, (_, i) => {
    const skipped = Math.floor(i * (original / options.steps)); // numpy.linspace without its end
    return (original - skipped) * stride - 1;
  });
}
