/**
 * @file Marks frames. The three passes of the method are run on the 64x64 grid alone: shrinking and enlarging are linear, so what a
 * change does to the grid of the enlarged plane is one small matrix, and each pixel is read once and written once.
 */
import { encodeMessage, type Message } from './coded-word.ts';
import { checkFrameSize, type FrameSize, planeSizes, planesOf } from './i420.ts';
import type { KeyStream, PlaneKey } from './key-stream.ts';
import { BLOCK, BLOCKS, GRID } from './lattice.ts';
import { mixColumns, mixRows, product, type Resampler, resampler, shrinkRows } from './resample.ts';

const PASSES = 3;
/** What is added is a little more than what is missing: enlarging and shrinking again loses some of it. */
const OVERSHOOT = 1.15;

/** Marks the frames of one clip, in any order: each frame carries the whole mark. */
export interface Marker {
  /** I420 without padding, changed in place. RangeError where it is no frame of the marker's size. Allocates next to nothing. */
  embed(frame: Uint8Array): void;
}

/** A marker for the frames of one clip. RangeError for sizes that cannot be marked. Its buffers are about two planes of 64 rows. */
export function openMarker(keys: KeyStream, message: Message, size: FrameSize): Marker {
  checkFrameSize(size);
  const coded = encodeMessage(message);
  const sizes = planeSizes(size);
  const markers = keys.map((key, plane) => openPlaneMarker(key, coded, sizes[plane]!));
  return {
    embed(frame) {
      const planes = planesOf(frame, size);
      for (let i = 0; i < markers.length; i++) markers[i]!(planes[i]!.bytes);
    },
  };
}

const [SIDE, WIDTH] = [BLOCK, GRID];
const CORNERS = Int32Array.from({ length: BLOCKS }, (_, block) => cornerOf(block));

/** The value of each block: the sum of its cells times the carrier. */
export function measureBlocks(grid: Float32Array, carrier: Float32Array, values: Float64Array): void {
  for (let block = 0; block < values.length; block++) {
    let sum = 0;
    for (let row = 0, at = CORNERS[block]!; row < SIDE; row++, at += WIDTH)
      for (let x = at; x < at + SIDE; x++) sum += grid[x]! * carrier[x]!;
    values[block] = sum;
  }
}

/** Index of a block's first cell in the grid. */
export function cornerOf(block: number): number {
  const across = GRID / BLOCK;
  return (block - (block % across)) * BLOCK * BLOCK + (block % across) * BLOCK;
}

function openPlaneMarker(key: PlaneKey, coded: Uint8Array, { width, height }: FrameSize): (plane: Uint8Array) => void {
  const { rule, carrier } = key;
  const [downRows, downColumns] = [resampler(height, GRID), resampler(width, GRID)];
  const [upRows, upColumns] = [resampler(GRID, height), resampler(GRID, width)];
  const [echoRows, echoColumns] = [product(downRows, upRows), product(downColumns, upColumns)];
  // A block's lattice for its bit; coded has 128 bits, each twice in a plane.
  const starts = Float64Array.from(key.dithers, (dither, i) => rule.step * (dither + coded[key.bits[i]!]! / 2));
  const wide = new Float32Array(GRID * width);
  const [grid, change, total, half, echo] = [0, 0, 0, 0, 0].map(() => new Float32Array(GRID * GRID)) as Grids;
  const [values, targets] = [new Float64Array(BLOCKS), new Float64Array(BLOCKS)];

  return plane => {
    shrinkRows(downRows, plane, width, wide);
    mixColumns(downColumns, wide, GRID, grid);
    for (let i = 0; i < grid.length; i++) grid[i]! -= rule.offset;
    total.fill(0);
    for (let pass = 0; pass < PASSES; pass++) {
      measureBlocks(grid, carrier, values);
      if (pass === 0) nearestTargets(values, starts, rule.step, targets);
      for (let block = 0; block < BLOCKS; block++)
        spread((targets[block]! - values[block]!) * OVERSHOOT, CORNERS[block]!, carrier, change);
      for (let i = 0; i < total.length; i++) total[i]! += change[i]!;
      if (pass === PASSES - 1) break;
      mixRows(echoRows, change, GRID, half);
      mixColumns(echoColumns, half, GRID, echo);
      for (let i = 0; i < grid.length; i++) grid[i]! += echo[i]!;
    }
    mixColumns(upColumns, total, GRID, wide);
    addRows(upRows, wide, plane, width);
  };
}

type Grids = [Float32Array, Float32Array, Float32Array, Float32Array, Float32Array];

/** The values nearest to those measured that stand for the wanted bits. */
function nearestTargets(values: Float64Array, starts: Float64Array, step: number, targets: Float64Array): void {
  for (let block = 0; block < BLOCKS; block++)
    targets[block] = step * Math.round((values[block]! - starts[block]!) / step) + starts[block]!;
}

function spread(amount: number, corner: number, carrier: Float32Array, change: Float32Array): void {
  for (let row = 0, at = corner; row < SIDE; row++, at += WIDTH)
    for (let x = at; x < at + SIDE; x++) change[x] = amount * carrier[x]!;
}

/** Adds the enlarged rows [64, width] to a plane [to, width] of bytes, rounded and clipped. */
function addRows({ to, taps, first, weights }: Resampler, wide: Float32Array, plane: Uint8Array, width: number): void {
  for (let y = 0; y < to; y++) {
    const row = y * width;
    for (let x = 0; x < width; x++) {
      let value = plane[row + x]! + 0.5;
      for (let i = 0; i < taps; i++) value += weights[y * taps + i]! * wide[(first[y]! + i) * width + x]!;
      plane[row + x] = value < 0 ? 0 : value >= 256 ? 255 : value; // a byte array cuts the fraction off
    }
  }
}
