/** A square symmetric matrix, row by row. */
export type Matrix = readonly Float64Array[];

/** Its eigenvalues in no order, and beside each its eigenvector: A = Σ values[i] · vectors[i] vectors[i]ᵀ. */
export interface Eigen {
  readonly values: Float64Array;
  readonly vectors: Matrix;
}

/** Sweeps after which it is done in any case: six suffice for a hundred rows. */
const MAX_SWEEPS = 50;

/** Jacobi's method: rotations until what is off the diagonal is nothing beside it. Exact to rounding for singular matrices too. */
export function symmetricEigen(matrix: Matrix): Eigen {
  const n = matrix.length;
  const a = matrix.map(row => Float64Array.from(row));
  const v = matrix.map((_, i) => Float64Array.from({ length: n }, (_, j) => (i === j ? 1 : 0)));
  const size = Math.sqrt(a.reduce((sum, row) => sum + row.reduce((part, x) => part + x * x, 0), 0));
  for (let sweep = 0; sweep < MAX_SWEEPS; sweep++) {
    let off = 0;
    for (let p = 0; p < n; p++) for (let q = p + 1; q < n; q++) off += a[p]![q]! ** 2;
    if (Math.sqrt(off) <= 1e-15 * size) break;
    for (let p = 0; p < n; p++) for (let q = p + 1; q < n; q++) rotate(a, v, p, q);
  }
  return { values: Float64Array.from(a, (row, i) => row[i]!), vectors: v };
}

/** One rotation that makes a[p][q] 0; rows of `v` turn along. */
function rotate(a: Float64Array[], v: Float64Array[], p: number, q: number): void {
  const apq = a[p]![q]!;
  if (apq === 0) return;
  const theta = (a[q]![q]! - a[p]![p]!) / (2 * apq);
  const t = (theta >= 0 ? 1 : -1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
  const c = 1 / Math.sqrt(t * t + 1);
  const s = t * c;
  for (const row of a) turn(row, p, q, c, s);
  for (const rows of [a, v]) {
    const [first, second] = [rows[p]!, rows[q]!];
    for (let k = 0; k < first.length; k++) {
      const [x, y] = [first[k]!, second[k]!];
      first[k] = c * x - s * y;
      second[k] = s * x + c * y;
    }
  }
}

function turn(row: Float64Array, p: number, q: number, c: number, s: number): void {
  const [x, y] = [row[p]!, row[q]!];
  row[p] = c * x - s * y;
  row[q] = s * x + c * y;
}

/** The symmetric square root of a matrix without negative eigenvalues; those that rounding made are taken for 0. */
export function symmetricRoot(matrix: Matrix): Matrix {
  const { values, vectors } = symmetricEigen(matrix);
  const n = matrix.length;
  const out = matrix.map(() => new Float64Array(n));
  for (let k = 0; k < n; k++) {
    const root = Math.sqrt(Math.max(0, values[k]!));
    const vector = vectors[k]!;
    for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) out[i]![j]! += root * vector[i]! * vector[j]!;
  }
  return out;
}

/** A · B, for square matrices of one size. */
export function product(a: Matrix, b: Matrix): Matrix {
  return a.map(row => Float64Array.from(row, (_, j) => row.reduce((sum, value, k) => sum + value * b[k]![j]!, 0)));
}
