/** @file Clips that any machine draws alike, as I420 frames: what a mark must lie on, from flat black to noise. */
import type { FrameSize } from '#gpu-container/provenance/watermark/i420.ts';
import { frameBytes, planesOf } from '#gpu-container/provenance/watermark/i420.ts';

/** Code values of a point: across and down in [0, 1), time in frames. */
type Shade = (u: number, v: number, t: number) => readonly [y: number, cb: number, cr: number];

/** Kinds of pictures that are told apart in the figures. */
export const KINDS = [
  'texture',
  'gradient',
  'noise',
  'text',
  'dark',
  'bright',
  'flat',
  'shapes',
  'waves',
  'photo',
] as const;
export type Kind = (typeof KINDS)[number];

/** A clip of a kind; other seeds give other pictures. */
export function drawClip(kind: Kind, seed: number, size: FrameSize, frames: number): Uint8Array[] {
  const shade = shadeOf(kind, seed);
  return Array.from({ length: frames }, (_, t) =>
    drawFrame(shade, size, t, kind === 'noise' || kind === 'photo' ? seed : 0),
  );
}

function drawFrame(shade: Shade, size: FrameSize, t: number, grain: number): Uint8Array {
  const frame = new Uint8Array(frameBytes(size));
  const rough = grain === 0 ? undefined : randomOf(grain * 977 + t);
  for (const [p, plane] of planesOf(frame, size).entries())
    for (let y = 0, at = 0; y < plane.height; y++)
      for (let x = 0; x < plane.width; x++, at++) {
        const value = shade(x / plane.width, y / plane.height, t)[p]! + (rough === undefined ? 0 : (rough() - 0.5) * 8);
        plane.bytes[at] = Math.min(p === 0 ? 235 : 240, Math.max(16, Math.round(value)));
      }
  return frame;
}

/** A stream of numbers in [0, 1): mulberry32. */
export function randomOf(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Smooth values in [-1, 1] over the plane: sums of lattices of random heights, each finer and lower. */
function cloudOf(random: () => number, octaves: number, first = 4) {
  const side = 64;
  const heights = Array.from({ length: side * side }, () => random() * 2 - 1);
  const smooth = (f: number) => f * f * (3 - 2 * f);
  const at = (x: number, y: number) => heights[(((y % side) + side) % side) * side + (((x % side) + side) % side)]!;
  const one = (x: number, y: number) => {
    const [i, j] = [Math.floor(x), Math.floor(y)];
    const [a, b] = [smooth(x - i), smooth(y - j)];
    const top = at(i, j) * (1 - a) + at(i + 1, j) * a;
    return top * (1 - b) + (at(i, j + 1) * (1 - a) + at(i + 1, j + 1) * a) * b;
  };
  return (u: number, v: number) => {
    let [sum, weight, scale] = [0, 1, first];
    for (let o = 0; o < octaves; o++, weight /= 2, scale *= 2.03)
      sum += weight * one(u * scale + o * 7.3, v * scale + o * 3.1);
    return sum / 1.6;
  };
}

function shadeOf(kind: Kind, seed: number): Shade {
  const random = randomOf(seed * 31 + KINDS.indexOf(kind));
  const [cb, cr] = [108 + 40 * random(), 108 + 40 * random()];
  const [dx, dy] = [(random() - 0.5) * 0.03, (random() - 0.5) * 0.03];
  const cloud = cloudOf(random, kind === 'texture' || kind === 'photo' ? 6 : 3, 2 + 4 * random());
  const tone = 70 + 90 * random();
  if (kind === 'texture' || kind === 'photo')
    return (u, v, t) => {
      const height = cloud(u + dx * t, v + dy * t);
      return [tone + 75 * height, cb + 25 * cloud(v + dx * t, u), cr - 20 * height];
    };
  if (kind === 'noise') return (u, v, t) => [tone + 20 * cloud(u, v) + 30 * Math.sin(u * 900 * v + t * 37), cb, cr];
  if (kind === 'gradient')
    return (u, v, t) => [
      30 + 170 * ((u * Math.cos(tone) + v * Math.sin(tone) + 2 + dx * t) % 1),
      cb + 30 * (u - v),
      cr + 30 * v,
    ];
  if (kind === 'dark')
    return (u, v, t) => [17 + 14 * Math.max(0, cloud(u + dx * t, v + dy * t)), 128, 128 + 4 * cloud(v, u)];
  if (kind === 'bright')
    return (u, v, t) => [234 - 16 * Math.max(0, cloud(u + dx * t, v + dy * t)), 128 - 3 * cloud(v, u), 128];
  if (kind === 'flat') return () => [tone, cb, cr];
  if (kind === 'text') return textOf(random, tone);
  if (kind === 'waves')
    return (u, v, t) => [
      tone + 60 * Math.sin(40 * u + 9 * Math.sin(7 * v) + t * 0.4),
      cb + 20 * Math.sin(12 * v - t * 0.2),
      cr,
    ];
  return shapesOf(random, cb, cr);
}

/** Lines of dark blocks on paper, scrolling. */
function textOf(random: () => number, tone: number): Shade {
  const ink = Array.from({ length: 4096 }, () => random() < 0.55);
  const paper = tone > 115 ? 225 : 40;
  return (u, v, t) => {
    const line = Math.floor((v + t * 0.004) * 24);
    const isBetween = ((v + t * 0.004) * 24) % 1 > 0.7;
    const cell = Math.floor(u * 180);
    return [isBetween || !ink[(line * 181 + cell) & 4095] ? paper : 265 - paper, 128, 128];
  };
}

/** A few discs over a plain ground. */
function shapesOf(random: () => number, cb: number, cr: number): Shade {
  const ground = 40 + 120 * random();
  const discs = Array.from({ length: 4 }, () => Array.from({ length: 8 }, () => random()));
  return (u, v, t) => {
    for (const [x, y, r, luma, blue, red, dx, dy] of discs as [
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
    ][])
      if ((u - x - (dx - 0.5) * 0.02 * t) ** 2 + (v - y - (dy - 0.5) * 0.02 * t) ** 2 < (0.05 + 0.15 * r) ** 2)
        return [30 + 190 * luma, 60 + 130 * blue, 60 + 130 * red];
    return [ground, cb, cr];
  };
}

/** Peak signal to noise of the luma, dB. */
export function lumaPsnr(a: Uint8Array, b: Uint8Array, { width, height }: FrameSize): number {
  let sum = 0;
  for (let i = 0; i < width * height; i++) sum += (a[i]! - b[i]!) ** 2;
  return sum === 0 ? Infinity : 10 * Math.log10((255 ** 2 * width * height) / sum);
}
