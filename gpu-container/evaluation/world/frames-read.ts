/** @file A clip as the oracle looks at it: small frames, and smaller ones. */
import type { Clip } from '../clip.ts';

/** Pixels of a side at which outlines are read. */
export const READ_SIDE = 128;
/** Pixels of a side at which ground and camera are read. */
export const THUMB_SIDE = 32;

/** A clip scaled down, in 0..1. */
export interface FramesRead {
  readonly count: number;
  /** [F, 128, 128, 3] */
  readonly pixels: Float32Array;
  /** [F, 32, 32, 3] */
  readonly thumbs: Float32Array;
}

/** Scales a clip down by means over squares. RangeError unless it is a square of a multiple of 128 pixels. */
export function framesToRead({ frames, height, width, rgb }: Clip): FramesRead {
  if (width !== height || height % READ_SIDE !== 0 || frames < 1)
    throw new RangeError(
      `clip: got ${frames} frames of ${width}x${height}; the oracle reads squares whose side is a multiple of ${READ_SIDE}.`,
    );
  const pixels = boxMean(rgb, frames, height, READ_SIDE);
  for (let i = 0; i < pixels.length; i++) pixels[i] = pixels[i]! / 255;
  return { count: frames, pixels, thumbs: boxMean(pixels, frames, READ_SIDE, THUMB_SIDE) };
}

/** Pictures [F, from, from, 3] as pictures [F, to, to, 3], by the mean over each square. */
function boxMean(values: Uint8Array | Float32Array, count: number, from: number, to: number): Float32Array {
  const factor = from / to;
  if (factor === 1) return Float32Array.from(values);
  const out = new Float32Array(count * to * to * 3);
  const sums = new Float64Array(to * 3);
  for (let row = 0, at = 0; row < count * to; row++) {
    sums.fill(0);
    for (let i = 0; i < factor; i++)
      for (let j = 0; j < to; j++)
        for (let k = 0; k < factor; k++, at += 3) {
          sums[j * 3] = sums[j * 3]! + values[at]!;
          sums[j * 3 + 1] = sums[j * 3 + 1]! + values[at + 1]!;
          sums[j * 3 + 2] = sums[j * 3 + 2]! + values[at + 2]!;
        }
    for (let j = 0; j < to * 3; j++) out[row * to * 3 + j] = sums[j]! / (factor * factor);
  }
  return out;
}
