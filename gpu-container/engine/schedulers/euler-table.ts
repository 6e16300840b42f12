/**
 * @file What the Euler family shares: samples of the form x0 + sigma e, told to the model scaled to variance 1, and tables of
 * sigma read off the training schedule.
 */

import { interpolate } from './numpy.ts';
import { type Prediction, toCleanOfSigma } from './prediction-type.ts';
import type { SchedulerState } from './scheduler.ts';
import { exponentialSigmas, karrasSigmas, logSigmas, type SigmaRange, sigmaToTimestep } from './sigma-tables.ts';
import { divide, mix } from './vectors.ts';

const f32 = Math.fround;

/** Which resampling a config asks for. */
export interface ResamplingConfig extends SigmaRange {
  readonly use_karras_sigmas: boolean;
  readonly use_exponential_sigmas: boolean;
}

/** Sigmas and their timesteps, in float64, not yet closed by a last sigma. */
export interface EulerTable {
  readonly sigmas: number[];
  readonly timesteps: number[];
}

/** The sigmas of `timesteps`; `training` is trainingSigmas. */
export function sigmasAt(training: Float64Array, timesteps: readonly number[]): number[] {
  return timesteps.map(t => interpolate(t, training));
}

/** The table as it is, or `steps` sigmas spread anew between its ends, at fractional timesteps. */
export function resample(
  config: ResamplingConfig,
  training: Float64Array,
  steps: number,
  table: EulerTable,
): EulerTable {
  if (!config.use_karras_sigmas && !config.use_exponential_sigmas) return table;
  const spread = config.use_karras_sigmas ? karrasSigmas : exponentialSigmas;
  const sigmas = spread(config, table.sigmas[0]!, table.sigmas.at(-1)!, steps);
  const logs = logSigmas(training);
  return { sigmas, timesteps: sigmas.map(sigma => sigmaToTimestep(sigma, logs)) };
}

/** Refuses two resamplings at once, and custom timesteps with any. */
export function checkResampling(name: string, config: ResamplingConfig, timesteps: number[] | undefined): void {
  const { use_karras_sigmas: karras, use_exponential_sigmas: exponential } = config;
  if (karras && exponential)
    throw new Error('scheduler: use_karras_sigmas and use_exponential_sigmas exclude each other.');
  if (timesteps !== undefined && (karras || exponential))
    throw new Error(
      `scheduler: ${name} takes no timesteps with ${karras ? 'use_karras_sigmas' : 'use_exponential_sigmas'}.`,
    );
}

/** init_noise_sigma: linspace and trailing begin at the highest sigma, leading keeps the variance of the clean sample too. */
export function eulerInitNoiseSigma(spacing: string, sigmas: readonly number[]): number {
  const highest = Math.max(...sigmas);
  return spacing === 'leading' ? f32(Math.sqrt(f32(f32(highest * highest) + 1))) : highest;
}

/** What is the same in each scheduler of the family; `sigmas` are float32. */
export function eulerParts(sigmas: readonly number[]) {
  return {
    scaleModelInput({ index, sample }: SchedulerState): Float32Array {
      const sigma = sigmas[index]!;
      return divide(sample, Math.sqrt(f32(f32(sigma * sigma) + 1)));
    },
    addNoise(sample: Float32Array, noise: Float32Array, index: number): Float32Array {
      return mix(1, sample, sigmas[index]!, noise);
    },
  };
}

/** dx/dsigma = (x - x0) / sigma of a clean sample x0. */
export function slopeTowards(clean: Float32Array, sample: Float32Array, sigma: number): Float32Array {
  const out = new Float32Array(sample.length);
  for (let i = 0; i < out.length; i++) out[i] = f32(sample[i]! - clean[i]!) / sigma;
  return out;
}

/** slopeTowards(toCleanOfSigma(output)), in one pass for epsilon. */
export function slopeOf(
  prediction: Prediction,
  sample: Float32Array,
  output: Float32Array,
  sigma: number,
): Float32Array {
  if (prediction !== 'epsilon') return slopeTowards(toCleanOfSigma(prediction, sample, output, sigma), sample, sigma);
  const out = new Float32Array(sample.length);
  for (let i = 0; i < out.length; i++) {
    const value = sample[i]!;
    out[i] = f32(value - f32(value - f32(sigma * output[i]!))) / sigma; // the output, but for the roundings of diffusers
  }
  return out;
}
