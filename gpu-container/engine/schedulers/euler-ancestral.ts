/**
 * @file Ancestral sampling with Euler steps: each goes down past the next sigma and is noised up to it; follows diffusers'
 * `scheduling_euler_ancestral_discrete.py` (0.42.1) rounding for rounding.
 */
import { alphasCumprodWithFloor, betaFields, COMMON_SCHEDULES } from './betas.ts';
import { checkOptions, defineScheduler } from './define-scheduler.ts';
import { eulerInitNoiseSigma, eulerParts, sigmasAt, slopeOf } from './euler-table.ts';
import { choice, flag, readConfig } from './read-config.ts';
import type { Scheduler, SchedulerOptions, SchedulerState } from './scheduler.ts';
import { trainingSigmas } from './sigma-tables.ts';
import { fractionalTimesteps, spacingFields } from './timestep-spacing.ts';
import { accumulate, mix } from './vectors.ts';

const f32 = Math.fround;
const square = (value: number) => f32(value * value);
const root = (value: number) => f32(Math.sqrt(value));

const NAME = 'EulerAncestralDiscreteScheduler';

const FIELDS = {
  ...betaFields(0.0001, 0.02, 'linear', ...COMMON_SCHEDULES),
  ...spacingFields('linspace'),
  prediction_type: choice('epsilon', 'v_prediction'), // diffusers has no sample here
  rescale_betas_zero_snr: flag(false),
};

/** diffusers' EulerAncestralDiscreteScheduler. Draws in every step, in the last, where it has no effect, too. */
export function createEulerAncestral(raw: Record<string, unknown>, options: SchedulerOptions): Scheduler {
  const config = readConfig(NAME, FIELDS, raw);
  checkOptions(NAME, options, []);
  const training = trainingSigmas(alphasCumprodWithFloor(config, config.rescale_betas_zero_snr));
  const timesteps = fractionalTimesteps(config, options.steps);
  const sigmas = [...sigmasAt(training, timesteps), 0].map(f32);

  function advance({ index, sample }: SchedulerState, output: Float32Array, noise: Float32Array) {
    const [from, to] = [sigmas[index]!, sigmas[index + 1]!];
    const up = root(f32(f32(square(to) * f32(square(from) - square(to))) / square(from)));
    const down = root(Math.max(0, f32(square(to) - square(up)))); // below 0 only by rounding
    const stepped = mix(1, sample, f32(down - from), slopeOf(config.prediction_type, sample, output, from));
    return { sample: accumulate(stepped, up, noise) };
  }

  return defineScheduler({
    name: NAME,
    timesteps,
    sigmas,
    initNoiseSigma: eulerInitNoiseSigma(config.timestep_spacing, sigmas),
    advance,
    noiseDraws: () => 1,
    ...eulerParts(sigmas),
  });
}
