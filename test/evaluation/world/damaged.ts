/** @file What may be wrong with a clip, byte for byte as exporter/train/scenes/damage.py does it. */
import type { Clip } from '#gpu-container/evaluation/clip.ts';

/** The clip with damage of a kind; `other` is a second clip of its size, for what mixes two. */
export function damaged(kind: string, clip: Clip, other: Clip, seed: number): Clip {
  const { frames, height, width, rgb } = clip;
  const [name, amount] = kind.split(' ');
  const bytes = 3 * height * width;
  const moved = (from: (frame: number, row: number, column: number, channel: number) => number) => {
    const out = new Uint8Array(rgb.length);
    for (let at = 0, f = 0; f < frames; f++)
      for (let i = 0; i < height; i++)
        for (let j = 0; j < width; j++) for (let c = 0; c < 3; c++) out[at++] = rgb[from(f, i, j, c)]!;
    return { ...clip, rgb: out };
  };
  const place = (f: number, i: number, j: number, c: number) => ((f * height + i) * width + j) * 3 + c;
  const each = (value: (byte: number, at: number) => number) => ({ ...clip, rgb: Uint8Array.from(rgb, value) });
  switch (name) {
    case 'noise':
      return noisy(clip, Number(amount), seed);
    case 'blocks':
      return blocky(clip, Number(amount));
    case 'ghost':
      return each((byte, at) => Math.trunc((3 * byte + 2 * other.rgb[at]!) / 5));
    case 'smear':
      return each((byte, at) => (byte + rgb[at < bytes ? at : at - bytes]!) >> 1);
    case 'dim':
      return each(byte => Math.trunc((byte * 7) / 10));
    case 'gray':
      return each((byte, at) => {
        const pixel = at - (at % 3);
        return (byte + Math.trunc((rgb[pixel]! + rgb[pixel + 1]! + rgb[pixel + 2]!) / 3)) >> 1;
      });
    case 'swapped':
      return moved((f, i, j, c) => place(f, i, j, 2 - c));
    case 'mirrored':
      return moved((f, i, j, c) => place(f, i, width - 1 - j, c));
    case 'reversed':
      return moved((f, i, j, c) => place(frames - 1 - f, i, j, c));
    case 'frozen':
      return moved((_, i, j, c) => place(0, i, j, c));
    case 'short':
      return short(clip);
    case 'blank':
      return each(() => 127);
  }
  throw new RangeError(`damage: there is no ${kind}.`);
}

function noisy(clip: Clip, amount: number, seed: number): Clip {
  const mix = (x: number, turn: number, factor: number) => Math.imul(x ^ (x >>> turn), factor);
  const value = (byte: number, at: number) => {
    const hash = mix(mix(Math.imul(at, 0x9e3779b1) + seed, 15, 0x85ebca77), 13, 0xc2b2ae3d) >>> 16;
    return Math.min(Math.max(byte + ((hash * (2 * amount + 1)) >> 16) - amount, 0), 255);
  };
  return { ...clip, rgb: Uint8Array.from(clip.rgb, value) };
}

/** Squares of k pixels of one color. */
function blocky(clip: Clip, k: number): Clip {
  const { frames, height, width, rgb } = clip;
  const out = new Uint8Array(rgb.length);
  const sums = new Uint32Array((width / k) * 3);
  for (let top = 0; top < frames * height; top += k) {
    sums.fill(0);
    for (let at = top * width * 3; at < (top + k) * width * 3; at++) {
      const [column, channel] = [Math.trunc(at / 3) % width, at % 3];
      const to = Math.trunc(column / k) * 3 + channel;
      sums[to] = sums[to]! + rgb[at]!;
    }
    for (let at = top * width * 3; at < (top + k) * width * 3; at++)
      out[at] = Math.trunc(sums[Math.trunc((Math.trunc(at / 3) % width) / k) * 3 + (at % 3)]! / (k * k));
  }
  return { ...clip, rgb: out };
}

/** 16 frames of another rate. */
function short(clip: Clip): Clip {
  const bytes = clip.rgb.length / clip.frames;
  const rgb = new Uint8Array(16 * bytes);
  for (let f = 0; f < 16; f++) {
    const from = Math.trunc((f * 24) / 15) * bytes;
    rgb.set(clip.rgb.subarray(from, from + bytes), f * bytes);
  }
  return { ...clip, frames: 16, rgb };
}
