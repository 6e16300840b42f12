/**
 * @file Noise levels in the form of sigma = noise / signal, the tables that resample them, and the way back from a sigma to the
 * training timestep it belongs to.
 */
import { linspace, logFloat32 } from './numpy.ts';

const f32 = Math.fround;

/** What of a config bounds the resampled tables. */
export interface SigmaRange {
  readonly sigma_min: number | null;
  readonly sigma_max: number | null;
}

/** sqrt((1 - alpha) / alpha) for each training timestep, exact in float32, lowest first. */
export function trainingSigmas(alphas: Float64Array): Float64Array {
  return alphas.map(alpha => f32(Math.sqrt(f32(f32(1 - alpha) / alpha))));
}

/** numpy's float32 logarithms of the training sigmas. */
export function logSigmas(sigmas: Float64Array): Float64Array {
  return sigmas.map(logFloat32);
}

/** Karras et al. 2022, arXiv 2206.00364, eq. 5 with rho 7: `count` sigmas from `high` down to `low` unless the config says otherwise. */
export function karrasSigmas(range: SigmaRange, high: number, low: number, count: number): number[] {
  const [from, to] = [(range.sigma_max ?? high) ** (1 / 7), (range.sigma_min ?? low) ** (1 / 7)];
  return linspace(0, 1, count).map(ramp => (from + ramp * (to - from)) ** 7);
}

/** Evenly spaced logarithms, from `high` down to `low` unless the config says otherwise. */
export function exponentialSigmas(range: SigmaRange, high: number, low: number, count: number): number[] {
  return linspace(Math.log(range.sigma_max ?? high), Math.log(range.sigma_min ?? low), count).map(Math.exp);
}

/**
 * The fractional training timestep of a sigma, interpolated in `logs`. `log` and `round` are float64's unless the sigma is a
 * float32 of numpy's.
 */
export function sigmaToTimestep(
  sigma: number,
  logs: ArrayLike<number>,
  log: (value: number) => number = Math.log,
  round: (value: number) => number = value => value,
): number {
  const wanted = log(Math.max(sigma, 1e-10));
  let index = logs.length - 1;
  while (index > 0 && !(wanted >= logs[index]!)) index--;
  index = Math.min(index, logs.length - 2);
  const [low, high] = [logs[index]!, logs[index + 1]!];
  const share = Math.min(Math.max(round(round(low - wanted) / f32(low - high)), 0), 1);
  return round(1 - share) * index + share * (index + 1);
}
