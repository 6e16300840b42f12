/**
 * @file Multistep sampling of latent consistency models (Luo et al. 2023, arXiv 2310.04378, algorithm 3); follows diffusers'
 * `scheduling_lcm.py` (0.42.1) rounding for rounding.
 */
import { alphasCumprod } from './betas.ts';
import { consistencyFields, consistencyTimesteps } from './consistency-timesteps.ts';
import { checkOptions, defineScheduler } from './define-scheduler.ts';
import { toClean } from './prediction-type.ts';
import { readConfig } from './read-config.ts';
import type { Scheduler, SchedulerOptions, SchedulerState } from './scheduler.ts';
import { alphaAt, noiser, requireSignal, signalLevel } from './signal-table.ts';
import { boundClean } from './thresholding.ts';
import { mix } from './vectors.ts';

const f32 = Math.fround;

const NAME = 'LCMScheduler';
/** sigma_data squared, of the boundary condition. */
const DATA_VARIANCE = 0.25;

/** diffusers' LCMScheduler. Draws in every step but the last. */
export function createLcm(raw: Record<string, unknown>, options: SchedulerOptions): Scheduler {
  const config = readConfig(NAME, consistencyFields, raw);
  checkOptions(NAME, options, ['timesteps']);
  const timesteps = consistencyTimesteps(config, options);
  const alphas = alphasCumprod(config, config.rescale_betas_zero_snr);
  const isLast = (index: number) => index === timesteps.length - 1;

  function advance({ index, sample }: SchedulerState, output: Float32Array, noise: Float32Array) {
    const timestep = timesteps[index]!;
    const { alpha, rootAlpha, rootBeta } = signalLevel(alphaAt(alphas, timestep));
    requireSignal(NAME, timestep, alpha, config);
    const clean = boundClean(
      config,
      toClean(config.prediction_type, sample, output, rootAlpha, rootBeta),
      options.batch ?? 1,
    );
    const { skip, out } = boundaryWeights(timestep, config.timestep_scaling);
    const denoised = mix(out, clean, skip, sample);
    if (isLast(index)) return { sample: denoised };
    const next = signalLevel(alphaAt(alphas, timesteps[index + 1]!));
    return { sample: mix(next.rootAlpha, denoised, next.rootBeta, noise) };
  }

  return defineScheduler({
    name: NAME,
    timesteps,
    advance,
    addNoise: noiser(alphas, timesteps),
    noiseDraws: ({ index }) => (isLast(index) ? 0 : 1),
  });
}

/** What keeps the model's answer at timestep 0 the sample itself. */
function boundaryWeights(timestep: number, scaling: number): { skip: number; out: number } {
  const scaled = f32(timestep * f32(scaling));
  const sum = f32(f32(scaled * scaled) + DATA_VARIANCE);
  return { skip: f32(DATA_VARIANCE / sum), out: f32(scaled / f32(Math.sqrt(sum))) };
}
