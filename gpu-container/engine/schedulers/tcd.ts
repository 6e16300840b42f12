/**
 * @file Sampling of trajectory consistency models (Zheng et al. 2024, arXiv 2402.19159, algorithm 4); follows diffusers'
 * `scheduling_tcd.py` (0.42.1) rounding for rounding. The option `eta` is the paper's gamma, 0.3 if not given.
 */
import { alphasCumprod } from './betas.ts';
import { consistencyFields, consistencyTimesteps } from './consistency-timesteps.ts';
import { checkOptions, defineScheduler } from './define-scheduler.ts';
import { toClean, toNoise } from './prediction-type.ts';
import { readConfig } from './read-config.ts';
import type { Scheduler, SchedulerOptions, SchedulerState } from './scheduler.ts';
import { alphaAt, noiser, requireSignal, signalLevel } from './signal-table.ts';
import { mix } from './vectors.ts';

const f32 = Math.fround;

const NAME = 'TCDScheduler';

/** diffusers' TCDScheduler, which bounds no sample whatever its config says. Draws, unless eta is 0, in every step but the last. */
export function createTcd(raw: Record<string, unknown>, options: SchedulerOptions): Scheduler {
  const config = readConfig(NAME, consistencyFields, raw);
  checkOptions(NAME, options, ['timesteps']);
  const { eta = 0.3 } = options;
  const timesteps = consistencyTimesteps(config, options);
  const alphas = alphasCumprod(config, config.rescale_betas_zero_snr);
  const draws = (index: number) => eta > 0 && index < timesteps.length - 1;

  function advance({ index, sample }: SchedulerState, output: Float32Array, noise: Float32Array) {
    const { alpha, rootAlpha, rootBeta } = signalLevel(alphaAt(alphas, timesteps[index]!));
    requireSignal(NAME, timesteps[index]!, alpha, { prediction_type: config.prediction_type });
    const next = timesteps[index + 1] ?? 0;
    const target = Math.floor(f32(f32(1 - eta) * next)); // between the next timestep and 0
    const middle = signalLevel(alphaAt(alphas, target));
    const clean = toClean(config.prediction_type, sample, output, rootAlpha, rootBeta);
    const epsilon = toNoise(config.prediction_type, sample, output, rootAlpha, rootBeta);
    const arrived = mix(middle.rootAlpha, clean, middle.rootBeta, epsilon);
    if (!draws(index)) return { sample: arrived };
    const ratio = f32(alphaAt(alphas, next) / middle.alpha);
    return { sample: mix(f32(Math.sqrt(ratio)), arrived, f32(Math.sqrt(f32(1 - ratio))), noise) };
  }

  return defineScheduler({
    name: NAME,
    timesteps,
    advance,
    addNoise: noiser(alphas, timesteps),
    noiseDraws: ({ index }) => (draws(index) ? 1 : 0),
  });
}
