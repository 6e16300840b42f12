/** @file The statistics under SSIM: local means, variances and the covariance under a Gaussian window. */

/** Width of the window of Wang et al. 2004, and its standard deviation, in pixels. */
export const WINDOW = 11;
const SIGMA = 1.5;

/** (0.01 · 255)² and (0.03 · 255)², which keep flat areas from dividing by nothing. */
const C1 = (0.01 * 255) ** 2;
const C2 = (0.03 * 255) ** 2;

/** What two planes have in common, means over all places where the whole window lies inside. */
export interface Structure {
  /** Luminance times contrast and structure. */
  readonly ssim: number;
  /** Contrast and structure alone: what the finer scales of MS-SSIM use. */
  readonly contrast: number;
}

/**
 * Compares planes [height, width] of one size again and again without new buffers. A side of fewer pixels than the window has makes
 * the window as wide as the largest odd number that fits, its weights made to sum to 1.
 */
export function structureComparer(height: number, width: number): (a: Float32Array, b: Float32Array) => Structure {
  const half = Math.min(WINDOW >> 1, (Math.min(height, width) - 1) >> 1);
  const taps = tapsOf(half);
  const columns = width - 2 * half;
  const rows = height - 2 * half;
  // a, b, a² + b² and ab: the sum of both variances is all that the formula needs of them.
  const across = Array.from({ length: 4 }, () => new Float64Array(height * columns));
  const sums = Array.from({ length: 4 }, () => new Float64Array(columns));
  return (a, b) => {
    for (let y = 0; y < height; y++) blurRow(a, b, taps, { from: y * width, width, to: y * columns }, across);
    let ssim = 0;
    let contrast = 0;
    for (let y = 0; y < rows; y++) {
      for (let map = 0; map < 4; map++) blurColumn(across[map]!, taps, y, sums[map]!);
      const [meansA, meansB, squares, products] = sums as [Float64Array, Float64Array, Float64Array, Float64Array];
      for (let x = 0; x < columns; x++) {
        const product = meansA[x]! * meansB[x]!;
        const energy = meansA[x]! ** 2 + meansB[x]! ** 2;
        const structure = (2 * (products[x]! - product) + C2) / (squares[x]! - energy + C2);
        contrast += structure;
        ssim += (structure * (2 * product + C1)) / (energy + C1);
      }
    }
    return { ssim: ssim / (rows * columns), contrast: contrast / (rows * columns) };
  };
}

/** The weights of a window of 2 · half + 1 from its middle outwards; the whole sums to 1. */
function tapsOf(half: number): Float64Array {
  const raw = Float64Array.from({ length: half + 1 }, (_, i) => Math.exp(-(i ** 2) / (2 * SIGMA ** 2)));
  const total = raw.reduce((sum, tap, i) => sum + (i === 0 ? tap : 2 * tap), 0);
  return raw.map(tap => tap / total);
}

interface Row {
  /** Where it begins in the planes and in the maps. */
  readonly from: number;
  readonly to: number;
  readonly width: number;
}

/** One row of the four maps under the window's horizontal half. */
function blurRow(
  a: Float32Array,
  b: Float32Array,
  taps: Float64Array,
  { from, to, width }: Row,
  across: readonly Float64Array[],
): void {
  const columns = width - 2 * (taps.length - 1);
  const [outA, outB, outSquares, outProducts] = across as [Float64Array, Float64Array, Float64Array, Float64Array];
  const squares = new Float64Array(width);
  const products = new Float64Array(width);
  for (let x = 0; x < width; x++) {
    const [p, q] = [a[from + x]!, b[from + x]!];
    squares[x] = p * p + q * q;
    products[x] = p * q;
  }
  for (let x = 0; x < columns; x++) {
    outA[to + x] = tapped(a, taps, from + x, 1);
    outB[to + x] = tapped(b, taps, from + x, 1);
    outSquares[to + x] = tapped(squares, taps, x, 1);
    outProducts[to + x] = tapped(products, taps, x, 1);
  }
}

/** Neighbours from `at` on, `step` apart, weighted: mirrored pairs share a weight. */
function tapped(v: Float32Array | Float64Array, taps: Float64Array, at: number, step: number): number {
  const half = taps.length - 1;
  const middle = at + half * step;
  let sum = taps[0]! * v[middle]!;
  for (let i = 1, by = step; i <= half; i++, by += step) sum += taps[i]! * (v[middle - by]! + v[middle + by]!);
  return sum;
}

/** Row `y` of a map under the window's vertical half; `out` is as long as a row. */
function blurColumn(map: Float64Array, taps: Float64Array, y: number, out: Float64Array): void {
  const columns = out.length;
  for (let x = 0; x < columns; x++) out[x] = tapped(map, taps, y * columns + x, columns);
}
