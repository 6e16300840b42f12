/** @file The noise levels as the exponential integrators see them: signal alpha, noise sigma, half log-SNR lambda. */

const f32 = Math.fround;

/** One entry per sigma of the table, each exact in float32; the lambda of sigma 0 is Infinity. */
export interface SolverLevels {
  readonly alpha: Float64Array;
  readonly sigma: Float64Array;
  readonly lambda: Float64Array;
}

/** Flow: alpha = 1 - sigma. Otherwise sigma is noise / signal, and both are scaled so that their squares sum to 1. */
export function solverLevels(sigmas: ArrayLike<number>, flow: boolean): SolverLevels {
  const raw = Float64Array.from(sigmas);
  const alpha = raw.map(sigma => (flow ? f32(1 - sigma) : f32(1 / f32(Math.sqrt(f32(f32(sigma * sigma) + 1))))));
  const sigma = flow ? raw : raw.map((value, i) => f32(value * alpha[i]!));
  const lambda = raw.map((_, i) => f32(f32(Math.log(alpha[i]!)) - f32(Math.log(sigma[i]!))));
  return { alpha, sigma, lambda };
}

/** RangeError where a lambda is not a number: the signal of flow sigmas above 1 is negative, and of 1 there is none. */
export function requireLogarithms(name: string, { lambda }: SolverLevels): void {
  if (lambda.some(value => Number.isNaN(value) || value === -Infinity))
    throw new RangeError(
      `scheduler: ${name} gets sigmas here that have no signal; use_flow_sigmas needs them below 1.`,
    );
}
