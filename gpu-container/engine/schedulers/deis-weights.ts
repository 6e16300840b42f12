/**
 * @file The weights of DEIS: integrals of the Lagrange polynomials in log rho, rho = sigma / alpha (Zhang & Chen 2022, arXiv
 * 2204.13902, eq. 15), in float32 as torch and, for the logarithms, numpy compute them.
 */
import { logFloat32 } from './numpy.ts';
import type { SolverLevels } from './solver-levels.ts';

const f32 = Math.fround;

/** Of the last `order` (2 or 3) noises, newest first, in the step from sigma `from` to the next. */
export function deisWeights({ alpha, sigma }: SolverLevels, from: number, order: number): number[] {
  const rho = (index: number) => f32(sigma[index]! / alpha[index]!);
  const [end, s0, s1, s2] = [rho(from + 1), rho(from), rho(from - 1), order === 3 ? rho(from - 2) : 0];
  const between = (antiderivative: (t: number) => number) => f32(antiderivative(end) - antiderivative(s0));
  if (order === 2) return [between(t => linear(t, s0, s1)), between(t => linear(t, s1, s0))];
  return [
    between(t => quadratic(t, s0, s1, s2)),
    between(t => quadratic(t, s1, s2, s0)),
    between(t => quadratic(t, s2, s0, s1)),
  ];
}

/** Antiderivative of (log t - log c) / (log b - log c). */
function linear(t: number, b: number, c: number): number {
  const [logT, logB, logC] = [t, b, c].map(logFloat32) as [number, number, number];
  return f32(f32(t * f32(f32(-logC + logT) - 1)) / f32(logB - logC));
}

/** Antiderivative of (log t - log c) (log t - log d) / ((log b - log c) (log b - log d)). */
function quadratic(t: number, b: number, c: number, d: number): number {
  const [logT, logB, logC, logD] = [t, b, c, d].map(logFloat32) as [number, number, number, number];
  const cross = f32(logC * f32(f32(logD - logT) + 1));
  let sum = f32(cross - f32(logD * logT));
  sum = f32(sum + logD);
  sum = f32(sum + f32(logT * logT));
  sum = f32(sum - f32(2 * logT));
  sum = f32(sum + 2);
  return f32(f32(t * sum) / f32(f32(logB - logC) * f32(logB - logD)));
}
