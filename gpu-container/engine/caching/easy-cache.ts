/**
 * @file EasyCache (Zhou et al. 2025, arXiv 2507.02860): skip a denoiser run where the output is expected to change little.
 *
 * x is what the denoiser is given at a step, v the guided output. At a computed step k = mean|v - v'| / mean|x - x'|, the primes
 * of the computed step before. At the next steps the expected change k · mean|x - x_last| / mean|v'| adds up, x_last of the step
 * before; while the sum stays below the threshold the output is x + (v' - x'), else it is computed and the sum starts anew. With
 * linear guidance this is the same as caching each of the two runs.
 */

/** What is remembered between steps: part of a checkpoint. */
export interface EasyCacheState {
  /** The input of the step before. */
  readonly lastInput: Float32Array;
  /** Input and output of the newest computed step. */
  readonly input: Float32Array;
  readonly output: Float32Array;
  /** Sum of expected relative changes since. */
  readonly error: number;
  /** NaN before two steps were computed. */
  readonly rate: number;
  /** Runs skipped so far. */
  readonly skipped: number;
}

/** When to compute in any case. */
export interface EasyCacheRule {
  /** Relative change of the output that may add up before it is computed again; 0 computes every step. */
  readonly threshold: number;
  /** The first steps are computed, and the last. */
  readonly firstSteps: number;
  readonly steps: number;
}

/** The output without a run, and the state after it; undefined where the step is to be computed. */
export function reuseOutput(
  rule: EasyCacheRule,
  state: EasyCacheState | undefined,
  step: number,
  input: Float32Array,
): { readonly output: Float32Array; readonly state: EasyCacheState } | undefined {
  const fixed = step < rule.firstSteps || step >= rule.steps - 1;
  if (state === undefined || fixed || Number.isNaN(state.rate)) return undefined;
  const error = state.error + (state.rate * meanDistance(input, state.lastInput)) / meanSize(state.output);
  if (!(error < rule.threshold)) return undefined; // NaN computes
  const output = new Float32Array(input.length);
  for (let i = 0; i < input.length; i++) output[i] = input[i]! + Math.fround(state.output[i]! - state.input[i]!);
  return { output, state: { ...state, lastInput: input, error, skipped: state.skipped + 1 } };
}

/** The state after a computed step. Keeps both arrays; they must not be changed. */
export function rememberOutput(
  state: EasyCacheState | undefined,
  input: Float32Array,
  output: Float32Array,
): EasyCacheState {
  const rate = state === undefined ? Number.NaN : meanDistance(output, state.output) / meanDistance(input, state.input);
  return { lastInput: input, input, output, error: 0, rate, skipped: state?.skipped ?? 0 };
}

function meanDistance(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += Math.abs(a[i]! - b[i]!);
  return sum / a.length;
}

function meanSize(a: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += Math.abs(a[i]!);
  return sum / a.length;
}
