/**
 * @file The fixed numbers of the watermark "lf-stdm/1". A change of any of them is another mark: files that were marked before would no
 * longer be read.
 */

/** Cells of the grid that each plane is shrunk to, along each axis. */
export const GRID = 64;
/** Cells of a block along each axis; each block carries one coded bit. */
export const BLOCK = 4;
/** Blocks of a plane: index 16 * row + column. */
export const BLOCKS = (GRID / BLOCK) ** 2;
/** Bits of the coded word; a plane carries each of them twice. */
export const CODED_BITS = 128;

/** How one plane of a frame is marked. */
export interface PlaneRule {
  readonly name: 'Y' | 'U' | 'V';
  /** Taken off before the mark is measured: the code value of no colour. */
  readonly offset: number;
  /** Distance of two values that stand for the same bit, in units of an orthonormal coefficient of the grid. */
  readonly step: number;
  /** The three coefficients of a block that carry its bit: row frequency, column frequency. */
  readonly coefficients: readonly (readonly [number, number])[];
}

/** Planes in the order of I420. Luma leaves its blocks' means alone: the eye sees them first. */
export const PLANES: readonly PlaneRule[] = [
  // biome-ignore format: a table
  { name: 'Y', offset: 0, step: 14, coefficients: [[0, 1], [1, 0], [1, 1]] },
  // biome-ignore format: a table
  { name: 'U', offset: 128, step: 18, coefficients: [[0, 0], [0, 1], [1, 0]] },
  // biome-ignore format: a table
  { name: 'V', offset: 128, step: 18, coefficients: [[0, 0], [0, 1], [1, 0]] },
];

/**
 * Rows are the orthonormal DCT-II of four values, frequencies 0 and 1: cos((2y + 1) pi / 8) / sqrt(2), written out because an engine's
 * cosine may differ in its last bit and the same job must give the same bits everywhere.
 */
export const BASIS: readonly (readonly [number, number, number, number])[] = [
  [0.5, 0.5, 0.5, 0.5],
  [0.6532814824381883, 0.2705980500730985, -0.2705980500730985, -0.6532814824381883],
];
