/**
 * @file Decoded video to RGB by the matrix and range that it is tagged with (ITU-T H.273, table 4 and section 8.3). Done here because
 * the RGBA copy of webcodecs 1.3.1 ignores them. 16-bit fixed point, rounded to nearest; chroma is repeated over its block, which gives
 * back what color.ts has averaged.
 */
import type { Size } from './resize.ts';

/** Where the planes of a picture lie in `bytes`, in rows of `stride`. */
export interface YuvPicture extends Size {
  readonly bytes: Uint8Array;
  readonly luma: Plane;
  readonly cb: Plane;
  readonly cr: Plane;
  /** Bytes from one chroma sample to the next: 2 where they are interleaved. */
  readonly chromaStep: number;
  /** Luma samples to a chroma sample, as a power of two, along each axis. */
  readonly shiftX: 0 | 1;
  readonly shiftY: 0 | 1;
  readonly matrix: YuvMatrix;
  readonly fullRange: boolean;
}

interface Plane {
  readonly offset: number;
  readonly stride: number;
}

/** Shares of red and blue in the luma. */
const SHARES = {
  bt709: [0.2126, 0.0722],
  smpte170m: [0.299, 0.114],
  'bt2020-ncl': [0.2627, 0.0593],
} as const;

/** The matrices that are known. */
export type YuvMatrix = keyof typeof SHARES;

const HALF = 1 << 15;

interface Tables {
  readonly luma: Int32Array;
  readonly crToRed: Int32Array;
  readonly crToGreen: Int32Array;
  readonly cbToGreen: Int32Array;
  readonly cbToBlue: Int32Array;
}

/** Picture -> RGB [H, W, 3]. */
export function yuvToRgb(picture: YuvPicture): Uint8Array {
  const { width, height, bytes, luma, cb, cr, chromaStep, shiftX, shiftY } = picture;
  const tables = tablesOf(picture.matrix, picture.fullRange);
  const rgb = new Uint8ClampedArray(width * height * 3);
  for (let y = 0, put = 0; y < height; y++) {
    const row = luma.offset + y * luma.stride;
    const blues = cb.offset + (y >> shiftY) * cb.stride;
    const reds = cr.offset + (y >> shiftY) * cr.stride;
    for (let x = 0; x < width; x++, put += 3) {
      const chroma = (x >> shiftX) * chromaStep;
      const light = tables.luma[bytes[row + x]!]! + HALF;
      const u = bytes[blues + chroma]!;
      const v = bytes[reds + chroma]!;
      rgb[put] = (light + tables.crToRed[v]!) >> 16;
      rgb[put + 1] = (light - tables.cbToGreen[u]! - tables.crToGreen[v]!) >> 16;
      rgb[put + 2] = (light + tables.cbToBlue[u]!) >> 16;
    }
  }
  return new Uint8Array(rgb.buffer);
}

const kept = new Map<string, Tables>();

function tablesOf(matrix: YuvMatrix, fullRange: boolean): Tables {
  const name = `${matrix} ${fullRange}`;
  const tables = kept.get(name) ?? makeTables(matrix, fullRange);
  kept.set(name, tables);
  return tables;
}

function makeTables(matrix: YuvMatrix, fullRange: boolean): Tables {
  const [red, blue] = SHARES[matrix];
  const green = 1 - red - blue;
  const chroma = (factor: number) => table(factor / (fullRange ? 255 : 224), 128);
  return {
    luma: fullRange ? table(1 / 255, 0) : table(1 / 219, 16),
    crToRed: chroma(2 * (1 - red)),
    crToGreen: chroma((2 * (1 - red) * red) / green),
    cbToGreen: chroma((2 * (1 - blue) * blue) / green),
    cbToBlue: chroma(2 * (1 - blue)),
  };
}

function table(factor: number, zero: number): Int32Array {
  return Int32Array.from({ length: 256 }, (_, sample) => Math.round((sample - zero) * factor * 255 * 65_536));
}
