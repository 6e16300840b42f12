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

/** Compares planes [height, width] of one size again and again without new buffers. RangeError for planes smaller than the window. */
export function structureComparer(height: number, width: number): (a: Float32Array, b: Float32Array) => Structure {
  if (height < WINDOW || width < WINDOW)
    throw new RangeError(`ssim: got ${width}x${height}; planes of ${WINDOW}x${WINDOW} and more have a window.`);
  const columns = width - WINDOW + 1;
  const rows = height - WINDOW + 1;
  // a, b, a² + b² and ab: the sum of both variances is all that the formula needs of them.
  const across = Array.from({ length: 4 }, () => new Float64Array(height * columns));
  const sums = Array.from({ length: 4 }, () => new Float64Array(columns));
  return (a, b) => {
    for (let y = 0; y < height; y++) blurRow(a, b, y, width, across);
    let ssim = 0;
    let contrast = 0;
    for (let y = 0; y < rows; y++) {
      for (let map = 0; map < 4; map++) blurColumn(across[map]!, y, columns, sums[map]!);
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

/** The window's weights from its middle outwards; the whole sums to 1. */
const TAPS = (() => {
  const half = (WINDOW - 1) / 2;
  const raw = Array.from({ length: half + 1 }, (_, i) => Math.exp(-(i ** 2) / (2 * SIGMA ** 2)));
  const total = raw[0]! + 2 * raw.slice(1).reduce((sum, tap) => sum + tap, 0);
  return raw.map(tap => tap / total) as [number, number, number, number, number, number];
})();
const [T0, T1, T2, T3, T4, T5] = TAPS;

/** One row of the four maps under the window's horizontal half. */
function blurRow(a: Float32Array, b: Float32Array, y: number, width: number, across: readonly Float64Array[]): void {
  const columns = width - WINDOW + 1;
  const [outA, outB, outSquares, outProducts] = across as [Float64Array, Float64Array, Float64Array, Float64Array];
  const squares = new Float64Array(width);
  const products = new Float64Array(width);
  const from = y * width;
  for (let x = 0; x < width; x++) {
    const [p, q] = [a[from + x]!, b[from + x]!];
    squares[x] = p * p + q * q;
    products[x] = p * q;
  }
  const to = y * columns;
  for (let x = 0; x < columns; x++) {
    outA[to + x] = tapped(a, from + x);
    outB[to + x] = tapped(b, from + x);
    outSquares[to + x] = tapped(squares, x);
    outProducts[to + x] = tapped(products, x);
  }
}

/** Eleven neighbours from `at` on, weighted: mirrored pairs share a weight. */
function tapped(v: Float32Array | Float64Array, at: number): number {
  return (
    T0 * v[at + 5]! +
    T1 * (v[at + 4]! + v[at + 6]!) +
    T2 * (v[at + 3]! + v[at + 7]!) +
    T3 * (v[at + 2]! + v[at + 8]!) +
    T4 * (v[at + 1]! + v[at + 9]!) +
    T5 * (v[at]! + v[at + 10]!)
  );
}

/** Row `y` of a map under the window's vertical half. */
function blurColumn(map: Float64Array, y: number, columns: number, out: Float64Array): void {
  const r = y * columns;
  const n = columns;
  for (let x = r; x < r + n; x++)
    out[x - r] =
      T0 * map[x + 5 * n]! +
      T1 * (map[x + 4 * n]! + map[x + 6 * n]!) +
      T2 * (map[x + 3 * n]! + map[x + 7 * n]!) +
      T3 * (map[x + 2 * n]! + map[x + 8 * n]!) +
      T4 * (map[x + n]! + map[x + 9 * n]!) +
      T5 * (map[x]! + map[x + 10 * n]!);
}
