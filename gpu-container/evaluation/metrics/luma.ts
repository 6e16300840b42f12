import { type Clip, checkedClip } from '../clip.ts';

/** One plane a frame [F, H, W], 0 to 255. */
export interface LumaClip {
  readonly frames: number;
  readonly height: number;
  readonly width: number;
  readonly values: Float32Array;
}

/** Weights of R, G and B in luma: Rec. ITU-R BT.601, as most published figures of SSIM use them. */
const WEIGHTS = [0.299, 0.587, 0.114] as const;

/** The luma of a clip: 0.299 R + 0.587 G + 0.114 B, not rounded. */
export function lumaOf(clip: Clip): LumaClip {
  const { frames, height, width, rgb } = checkedClip(clip);
  const values = new Float32Array(frames * height * width);
  for (let i = 0, at = 0; i < values.length; i++, at += 3)
    values[i] = WEIGHTS[0] * rgb[at]! + WEIGHTS[1] * rgb[at + 1]! + WEIGHTS[2] * rgb[at + 2]!;
  return { frames, height, width, values };
}

/** One color of a clip as planes; `color` is 0 for red, 1 for green, 2 for blue. */
export function colorOf(clip: Clip, color: 0 | 1 | 2): LumaClip {
  const { frames, height, width, rgb } = checkedClip(clip);
  const values = new Float32Array(frames * height * width);
  for (let i = 0, at = color; i < values.length; i++, at += 3) values[i] = rgb[at]!;
  return { frames, height, width, values };
}

/** The values of frame `index`, a view. */
export function planeAt({ height, width, values }: LumaClip, index: number): Float32Array {
  return values.subarray(index * height * width, (index + 1) * height * width);
}

/** Every frame at half the size: means of 2×2 pixels; an odd last row or column is left out. */
export function halved({ frames, height, width, values }: LumaClip): LumaClip {
  const [rows, columns] = [Math.floor(height / 2), Math.floor(width / 2)];
  const out = new Float32Array(frames * rows * columns);
  let to = 0;
  for (let t = 0; t < frames; t++)
    for (let y = 0; y < rows; y++) {
      let from = (t * height + 2 * y) * width;
      for (let x = 0; x < columns; x++, from += 2)
        out[to++] = 0.25 * (values[from]! + values[from + 1]! + values[from + width]! + values[from + width + 1]!);
    }
  return { frames, height: rows, width: columns, values: out };
}
