/**
 * @file The weights of one predictor or corrector step of UniPC (Zhao et al. 2023, arXiv 2302.04867), in float32 as torch
 * computes them: the differences of near numbers in here lose digits, and have to lose the same ones.
 */
import type { SolverLevels } from './solver-levels.ts';

const f32 = Math.fround;

/** x_t = x * ofSample + m0 * ofOutput + ofResidual * (rhos . D1s), where D1 = (m - m0) / rk. */
export interface UniPcWeights {
  readonly ofSample: number;
  readonly ofOutput: number;
  readonly ofResidual: number;
  /** Of the earlier outputs, newest first; `order` - 1 of them. */
  readonly rks: readonly number[];
  /** The predictor's order - 1 weights, or the corrector's `order`, the last for the output at the end of the step. */
  readonly rhos: readonly number[];
}

/** What the step is. */
export interface UniPcStep {
  /** Index of the sigma where it begins; it ends at the next. */
  readonly from: number;
  readonly order: number;
  readonly corrector: boolean;
  readonly predictClean: boolean;
  readonly solver: 'bh1' | 'bh2';
}

/** The weights of a step between two levels. */
export function uniPcWeights({ alpha, sigma, lambda }: SolverLevels, step: UniPcStep): UniPcWeights {
  const { from, order, predictClean } = step;
  const to = from + 1;
  const h = f32(lambda[to]! - lambda[from]!);
  const hh = predictClean ? -h : h;
  const phi1 = f32(Math.expm1(hh));
  const rks = Array.from({ length: order - 1 }, (_, i) => f32(f32(lambda[from - 1 - i]! - lambda[from]!) / h));
  const b = step.solver === 'bh1' ? hh : phi1;
  const outer = predictClean ? alpha[to]! : sigma[to]!;
  return {
    ofSample: predictClean ? f32(sigma[to]! / sigma[from]!) : f32(alpha[to]! / alpha[from]!),
    ofOutput: -f32(outer * phi1),
    ofResidual: -f32(outer * b),
    rks,
    rhos: rhosOf(step, [...rks, 1], hh, phi1, b),
  };
}

function rhosOf(step: UniPcStep, rks: readonly number[], hh: number, phi1: number, b: number): number[] {
  const { order, corrector } = step;
  if (order === 1) return corrector ? [0.5] : [];
  if (order === 2 && !corrector) return [0.5];
  const matrix: number[][] = [];
  const right: number[] = [];
  let phi = f32(f32(phi1 / hh) - 1);
  let factorial = 1;
  for (let i = 1; i <= order; i++) {
    matrix.push(rks.map(rk => power(rk, i - 1)));
    right.push(f32(f32(phi * factorial) / b));
    factorial *= i + 1;
    phi = f32(f32(phi / hh) - f32(1 / factorial));
  }
  if (corrector) return solve(matrix, right);
  return solve(
    matrix.slice(0, -1).map(row => row.slice(0, -1)),
    right.slice(0, -1),
  );
}

const power = (base: number, exponent: number) => (exponent === 0 ? 1 : exponent === 1 ? base : f32(base * base));

/** Gaussian elimination with row exchange. Modifies both. */
function solve(matrix: number[][], right: number[]): number[] {
  const size = right.length;
  for (let column = 0; column < size; column++) {
    let pivot = column;
    for (let row = column + 1; row < size; row++)
      if (Math.abs(matrix[row]![column]!) > Math.abs(matrix[pivot]![column]!)) pivot = row;
    [matrix[column], matrix[pivot]] = [matrix[pivot]!, matrix[column]!];
    [right[column], right[pivot]] = [right[pivot]!, right[column]!];
    for (let row = column + 1; row < size; row++) {
      const factor = f32(matrix[row]![column]! / matrix[column]![column]!);
      for (let k = column; k < size; k++) matrix[row]![k] = f32(matrix[row]![k]! - f32(factor * matrix[column]![k]!));
      right[row] = f32(right[row]! - f32(factor * right[column]!));
    }
  }
  for (let row = size - 1; row >= 0; row--) {
    for (let k = row + 1; k < size; k++) right[row] = f32(right[row]! - f32(matrix[row]![k]! * right[k]!));
    right[row] = f32(right[row]! * f32(1 / matrix[row]![row]!)); // LAPACK multiplies by the reciprocal
  }
  return right;
}
