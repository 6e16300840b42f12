/**
 * @file How much of the clean sample and of the noise a training timestep has, for the samplers that step in timesteps:
 * x = sqrt(alpha) x0 + sqrt(1 - alpha) e.
 */
import type { Prediction } from './prediction-type.ts';
import { mix } from './vectors.ts';

/** Levels of one timestep, in the precision of its table. */
export interface SignalLevel {
  /** Cumulative alpha. */
  readonly alpha: number;
  /** 1 - alpha. */
  readonly beta: number;
  readonly rootAlpha: number;
  readonly rootBeta: number;
}

/** The level of an alpha; `round` is the precision. */
export function signalLevel(alpha: number, round: (value: number) => number = Math.fround): SignalLevel {
  const beta = round(1 - alpha);
  return { alpha, beta, rootAlpha: round(Math.sqrt(alpha)), rootBeta: round(Math.sqrt(beta)) };
}

/** Entry `timestep`; a negative one counts from the end, as in torch. RangeError outside the table. */
export function alphaAt(alphas: Float64Array, timestep: number): number {
  const alpha = alphas.at(timestep);
  if (alpha === undefined)
    throw new RangeError(`scheduler: timestep ${timestep} is not one of the ${alphas.length} of the training.`);
  return alpha;
}

/** addNoise of these samplers; in float32 whatever the table. */
export function noiser(alphas: Float64Array, timesteps: readonly number[]) {
  return (sample: Float32Array, noise: Float32Array, index: number): Float32Array => {
    const { rootAlpha, rootBeta } = signalLevel(Math.fround(alphaAt(alphas, timesteps[index]!)));
    return mix(rootAlpha, sample, rootBeta, noise);
  };
}

/** Refuses a division by a signal of zero, which diffusers answers with infinities. */
export function requireSignal(
  name: string,
  timestep: number,
  alpha: number,
  config: { prediction_type: Prediction; clip_sample?: boolean; thresholding?: boolean },
): void {
  const bounded = config.clip_sample || config.thresholding;
  if (alpha === 0 && config.prediction_type === 'epsilon' && !bounded)
    throw new Error(
      `scheduler: ${name} with prediction_type epsilon has no signal to divide by at timestep ${timestep}; ` +
        'rescale_betas_zero_snr goes with v_prediction.',
    );
}

/** Refuses more steps than the training had, as diffusers does. */
export function checkStepCount(steps: number, train: number): void {
  if (steps > train) throw new RangeError(`scheduler: got ${steps} steps; the model was trained with ${train}.`);
}

/** Custom timesteps as diffusers wants them: whole, falling, within the training. */
export function checkFalling(timesteps: readonly number[], train: number): void {
  const falling = timesteps.every((t, i) => Number.isInteger(t) && t >= 0 && (i === 0 || t < timesteps[i - 1]!));
  if (!falling || timesteps[0]! >= train)
    throw new RangeError(`scheduler: got timesteps ${timesteps}; integers that fall from below ${train} are allowed.`);
}
