import { type Matrix, product, symmetricEigen, symmetricRoot } from './symmetric-eigen.ts';

/**
 * The Fréchet distance of two sets of features [N][D], each taken for a Gaussian (Dowson and Landau 1982; as in FID):
 * |m1 - m2|² + tr(S1 + S2 - 2 (S1^½ S2 S1^½)^½), with covariances over N - 1. The root is of a symmetric matrix, by its
 * eigenvalues, so sets smaller than D give a number too; it is too large for them, by about D / N of the spread. RangeError for
 * sets of fewer than two, or of other widths.
 */
export function frechetDistance(a: readonly Float64Array[], b: readonly Float64Array[]): number {
  const width = a[0]?.length ?? 0;
  if (a.length < 2 || b.length < 2)
    throw new RangeError(`frechet: got ${a.length} and ${b.length} clips; two at least.`);
  if ([...a, ...b].some(features => features.length !== width))
    throw new RangeError('frechet: all features have one width.');
  const [first, second] = [gaussianOf(a, width), gaussianOf(b, width)];
  const root = symmetricRoot(first.covariance);
  const middle = symmetric(product(product(root, second.covariance), root));
  const { values } = symmetricEigen(middle);
  const shared = values.reduce((sum, value) => sum + Math.sqrt(Math.max(0, value)), 0);
  const apart = first.mean.reduce((sum, value, i) => sum + (value - second.mean[i]!) ** 2, 0);
  return Math.max(0, apart + trace(first.covariance) + trace(second.covariance) - 2 * shared);
}

function gaussianOf(set: readonly Float64Array[], width: number): { mean: Float64Array; covariance: Matrix } {
  const mean = new Float64Array(width);
  for (const features of set) for (let i = 0; i < width; i++) mean[i]! += features[i]! / set.length;
  const covariance = Array.from({ length: width }, () => new Float64Array(width));
  for (const features of set)
    for (let i = 0; i < width; i++) {
      const share = (features[i]! - mean[i]!) / (set.length - 1);
      for (let j = 0; j < width; j++) covariance[i]![j]! += share * (features[j]! - mean[j]!);
    }
  return { mean, covariance };
}

const trace = (matrix: Matrix) => matrix.reduce((sum, row, i) => sum + row[i]!, 0);

/** Rounding makes both halves of a product differ in the last place. */
const symmetric = (matrix: Matrix): Matrix =>
  matrix.map((row, i) => row.map((value, j) => (value + matrix[j]![i]!) / 2));
