/**
 * @file What a denoiser's output says of the clean sample x0 and of the noise e. Two parametrizations: x = alpha x0 + sigma e, and
 * x = x0 + sigma e of the Euler family.
 */
import { mix, mixOver } from './vectors.ts';

const f32 = Math.fround;

/** What the denoiser was trained to predict, as prediction_type names it. */
export type Prediction = 'epsilon' | 'sample' | 'v_prediction';

/** The clean sample in x = alpha x0 + sigma e. May be `output` itself. v: Salimans & Ho 2022, arXiv 2202.00512. */
export function toClean(
  prediction: Prediction,
  sample: Float32Array,
  output: Float32Array,
  alpha: number,
  sigma: number,
): Float32Array {
  if (prediction === 'sample') return output;
  return prediction === 'epsilon' ? mixOver(1, sample, -sigma, output, alpha) : mix(alpha, sample, -sigma, output);
}

/** The noise in x = alpha x0 + sigma e. May be `output` itself. */
export function toNoise(
  prediction: Prediction,
  sample: Float32Array,
  output: Float32Array,
  alpha: number,
  sigma: number,
): Float32Array {
  if (prediction === 'epsilon') return output;
  return prediction === 'sample' ? mixOver(1, sample, -alpha, output, sigma) : mix(alpha, output, sigma, sample);
}

/** The clean sample in x = x0 + sigma e; v is of the sample scaled to variance 1. May be `output` itself. */
export function toCleanOfSigma(
  prediction: Prediction,
  sample: Float32Array,
  output: Float32Array,
  sigma: number,
): Float32Array {
  if (prediction === 'sample') return output;
  if (prediction === 'epsilon') return mix(1, sample, -sigma, output);
  const variance = f32(f32(sigma * sigma) + 1);
  const weight = f32(-sigma / f32(Math.sqrt(variance)));
  const clean = new Float32Array(sample.length);
  for (let i = 0; i < clean.length; i++) clean[i] = f32(output[i]! * weight) + f32(sample[i]! / variance);
  return clean;
}
