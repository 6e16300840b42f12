/**
 * @file Resizing of 8-bit RGB pictures, equal to Pillow's `Image.resize` bit by bit: diffusers and transformers resize references
 * with it. Convolution with a filter that is widened when shrinking, first along rows, then along columns, 8 bits in between,
 * coefficients of 22 bits (Pillow's `Resample.c`).
 */

/** Pillow's filters by name. */
export type ResizeFilter = 'bicubic' | 'lanczos';

/** A picture's size in pixels. */
export interface PixelSize {
  readonly height: number;
  readonly width: number;
}

const SUPPORT: Readonly<Record<ResizeFilter, number>> = { bicubic: 2, lanczos: 3 };
const PRECISION_BITS = 22;

/** RGB bytes [H, W, 3] -> [to.height, to.width, 3]; the input itself where the size is the same. */
export function resizeRgb(rgb: Uint8Array, from: PixelSize, to: PixelSize, filter: ResizeFilter): Uint8Array {
  if (rgb.length !== 3 * from.height * from.width)
    throw new RangeError(`resize: got ${rgb.length} bytes for ${from.width}x${from.height}.`);
  let picture = rgb;
  if (to.width !== from.width) picture = resizeRows(picture, from.height, from.width, to.width, filter);
  if (to.height !== from.height) picture = resizeColumns(picture, from.height, to.height, to.width, filter);
  return picture;
}

/** The middle of a picture, Pillow's and transformers' center crop; the size must be within it. */
export function centerCrop(rgb: Uint8Array, from: PixelSize, to: PixelSize): Uint8Array {
  const top = Math.floor((from.height - to.height) / 2);
  const left = Math.floor((from.width - to.width) / 2);
  if (top < 0 || left < 0) throw new RangeError(`crop: ${to.width}x${to.height} of ${from.width}x${from.height}.`);
  const out = new Uint8Array(3 * to.height * to.width);
  for (let y = 0; y < to.height; y++) {
    const start = 3 * ((top + y) * from.width + left);
    out.set(rgb.subarray(start, start + 3 * to.width), 3 * y * to.width);
  }
  return out;
}

function resizeRows(rgb: Uint8Array, height: number, width: number, toWidth: number, filter: ResizeFilter): Uint8Array {
  const taps = tapsOf(width, toWidth, filter);
  const out = new Uint8Array(3 * height * toWidth);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < toWidth; x++) {
      const { first, weights } = taps[x]!;
      for (let color = 0; color < 3; color++) {
        let sum = 1 << (PRECISION_BITS - 1);
        for (let k = 0; k < weights.length; k++) sum += rgb[3 * (y * width + first + k) + color]! * weights[k]!;
        out[3 * (y * toWidth + x) + color] = clip(sum);
      }
    }
  return out;
}

function resizeColumns(
  rgb: Uint8Array,
  height: number,
  toHeight: number,
  width: number,
  filter: ResizeFilter,
): Uint8Array {
  const taps = tapsOf(height, toHeight, filter);
  const row = 3 * width;
  const out = new Uint8Array(toHeight * row);
  for (let y = 0; y < toHeight; y++) {
    const { first, weights } = taps[y]!;
    for (let x = 0; x < row; x++) {
      let sum = 1 << (PRECISION_BITS - 1);
      for (let k = 0; k < weights.length; k++) sum += rgb[(first + k) * row + x]! * weights[k]!;
      out[y * row + x] = clip(sum);
    }
  }
  return out;
}

interface Taps {
  readonly first: number;
  readonly weights: Int32Array;
}

function tapsOf(size: number, toSize: number, filter: ResizeFilter): Taps[] {
  const scale = size / toSize;
  const stretch = Math.max(1, scale);
  const support = SUPPORT[filter] * stretch;
  return Array.from({ length: toSize }, (_, i) => {
    const center = (i + 0.5) * scale;
    const first = Math.max(0, Math.trunc(center - support + 0.5));
    const end = Math.min(size, Math.trunc(center + support + 0.5));
    const raw = Array.from({ length: end - first }, (_, k) => kernel(filter, (k + first - center + 0.5) / stretch));
    const sum = raw.reduce((a, b) => a + b, 0);
    return { first, weights: Int32Array.from(raw, weight => fixed(sum === 0 ? weight : weight / sum)) };
  });
}

function fixed(weight: number): number {
  return Math.trunc(weight * 2 ** PRECISION_BITS + (weight < 0 ? -0.5 : 0.5));
}

function kernel(filter: ResizeFilter, x: number): number {
  const t = Math.abs(x);
  if (filter === 'lanczos') return t < 3 ? sinc(x) * sinc(x / 3) : 0;
  const a = -0.5;
  if (t < 1) return ((a + 2) * t - (a + 3)) * t * t + 1;
  return t < 2 ? (((t - 5) * t + 8) * t - 4) * a : 0;
}

const sinc = (x: number) => (x === 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI));

const clip = (sum: number) => Math.min(255, Math.max(0, Math.floor(sum / 2 ** PRECISION_BITS)));
