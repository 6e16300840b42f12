/** @file Sparse matrices that shrink a plane to the grid of the watermark and bring a change of the grid back to it. */
import { GRID } from './lattice.ts';

/** A matrix of `to` rows over `from` columns; row k has weights for columns first[k] to first[k] + taps - 1, zeros beyond. */
export interface Resampler {
  readonly from: number;
  readonly to: number;
  readonly first: Int32Array;
  readonly taps: number;
  /** [to, taps] */
  readonly weights: Float32Array;
}

/** The part of a marked frame that a picture shows, in fractions of the marked frame: a crop keeps its shape. */
export interface Geometry {
  /** Of each side; 1 is the whole frame. */
  readonly scale: number;
  /** Where its left and upper edges lie in the marked frame. */
  readonly x: number;
  readonly y: number;
}

/** The frame as it was marked. */
export const WHOLE: Geometry = { scale: 1, x: 0, y: 0 };

/** One axis to another length with triangles: each half as wide as a step of the coarser of the two. */
export function resampler(from: number, to: number): Resampler {
  const stride = from / to;
  return triangles(from, to, k => (k + 0.5) * stride - 0.5, Math.max(1, stride));
}

/** One axis of a cropped picture to the grid of the marked frame. Rows of the grid that the picture does not show are zeros. */
export function croppedResampler(from: number, scale: number, offset: number): Resampler {
  const center = (k: number) => (((k + 0.5) / GRID - offset) / scale) * from - 0.5;
  return triangles(from, GRID, center, Math.max(1, from / (GRID * scale)));
}

/** Rows of triangles around centers, cut at the edges by repeating the last value; a row whose center is outside is zeros. */
export function triangles(from: number, to: number, center: (k: number) => number, half: number): Resampler {
  const taps = Math.min(from, Math.ceil(2 * half) + 1);
  const first = new Int32Array(to);
  const weights = new Float32Array(to * taps);
  const exact = new Float64Array(taps);
  for (let k = 0; k < to; k++) {
    const at = center(k);
    if (at < -0.5 || at > from - 0.5) continue;
    const lowest = Math.ceil(at - half);
    const start = Math.min(Math.max(lowest, 0), from - taps);
    let sum = 0;
    exact.fill(0);
    for (let i = lowest; i <= at + half; i++) {
      const weight = 1 - Math.abs(i - at) / half;
      exact[Math.min(Math.max(i, 0), from - 1) - start]! += weight;
      sum += weight;
    }
    first[k] = start;
    for (let i = 0; i < taps; i++) weights[k * taps + i] = exact[i]! / sum;
  }
  return { from, to, first, taps, weights };
}

/** The matrix a times b: what a change of the grid that is brought to a plane (b) does to the grid of that plane (a). */
export function product(a: Resampler, b: Resampler): Resampler {
  const rows = new Float64Array(a.to * b.from);
  for (let k = 0; k < a.to; k++)
    for (let i = 0; i < a.taps; i++) {
      const through = a.first[k]! + i;
      for (let j = 0; j < b.taps; j++)
        rows[k * b.from + b.first[through]! + j]! += a.weights[k * a.taps + i]! * b.weights[through * b.taps + j]!;
    }
  const row = (k: number) => rows.subarray(k * b.from, (k + 1) * b.from);
  const starts = Array.from({ length: a.to }, (_, k) => row(k).findIndex(weight => weight !== 0));
  const ends = Array.from({ length: a.to }, (_, k) => row(k).findLastIndex(weight => weight !== 0));
  const taps = Math.max(...starts.map((start, k) => ends[k]! - start + 1));
  const first = Int32Array.from(starts, start => Math.min(start, b.from - taps));
  const weights = new Float32Array(a.to * taps);
  for (let k = 0; k < a.to; k++) weights.set(row(k).subarray(first[k]!, first[k]! + taps), k * taps);
  return { from: b.from, to: a.to, first, taps, weights };
}

/** Down the columns of a plane of bytes: [from, width] -> `out` [to, width]. */
export function shrinkRows(matrix: Resampler, bytes: Uint8Array, width: number, out: Float32Array): void {
  const { to, taps, first, weights } = matrix;
  for (let k = 0; k < to; k++) {
    const row = k * width;
    out.fill(0, row, row + width);
    for (let i = 0; i < taps; i++) {
      const weight = weights[k * taps + i]!;
      if (weight === 0) continue;
      const source = (first[k]! + i) * width;
      for (let x = 0; x < width; x++) out[row + x]! += weight * bytes[source + x]!;
    }
  }
}

/** The same for values, apart so that either loop sees arrays of one kind: [from, width] -> `out` [to, width]. */
export function mixRows(matrix: Resampler, values: Float32Array, width: number, out: Float32Array): void {
  const { to, taps, first, weights } = matrix;
  for (let k = 0; k < to; k++) {
    const row = k * width;
    out.fill(0, row, row + width);
    for (let i = 0; i < taps; i++) {
      const weight = weights[k * taps + i]!;
      if (weight === 0) continue;
      const source = (first[k]! + i) * width;
      for (let x = 0; x < width; x++) out[row + x]! += weight * values[source + x]!;
    }
  }
}

/** Along the rows: [rows, from] -> `out` [rows, to]. */
export function mixColumns(matrix: Resampler, values: Float32Array, rows: number, out: Float32Array): void {
  const { from, to, taps, first, weights } = matrix;
  for (let y = 0; y < rows; y++)
    for (let k = 0; k < to; k++) {
      const source = y * from + first[k]!;
      let sum = 0;
      for (let i = 0; i < taps; i++) sum += weights[k * taps + i]! * values[source + i]!;
      out[y * to + k] = sum;
    }
}
