/** Clips of whole-number arithmetic, the same bytes as test/oracle/evaluation-metrics.py makes. */
import type { Clip } from '#gpu-container/evaluation/clip.ts';

/** Numerical Recipes' linear congruential generator. */
export function words(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state;
  };
}

export type Shape = Omit<Clip, 'rgb'>;

/** A clip whose bytes are `at(frame, y, x, color)`. */
export function drawn(shape: Shape, at: (t: number, y: number, x: number, c: number) => number): Clip {
  const { frames, height, width } = shape;
  const rgb = new Uint8Array(3 * frames * height * width);
  let i = 0;
  for (let t = 0; t < frames; t++)
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) for (let c = 0; c < 3; c++) rgb[i++] = at(t, y, x, c);
  return { ...shape, rgb };
}

/** A textured disc that moves by (2, 1) pixels a frame, `speed` times that, over a textured ground that stands. */
export function disc(shape: Shape, speed = 1): Clip {
  const { height, width } = shape;
  const radius = Math.floor(height / 6);
  return drawn(shape, (t, y, x, c) => {
    const u = x - (Math.floor(width / 4) + 2 * speed * t);
    const v = y - (Math.floor(height / 2) + speed * t);
    if (u * u + v * v < radius * radius) return 120 + ((u * u + 3 * v + 10_000) % 60) + 10 * c;
    return 40 + Math.abs(((3 * x + 2 * y + ((x * x) >> 5)) % 100) - 50) + 20 * c;
  });
}

/** The clip with noise of up to so many levels, and a little redder. */
export function disturbed(clip: Clip, seed: number, levels: number): Clip {
  const word = words(seed);
  const rgb = clip.rgb.map((byte, i) => {
    const noise = Math.floor(((word() >>> 24) * (2 * levels + 1)) / 256) - levels;
    return Math.min(255, Math.max(0, byte + noise + (i % 3 === 0 ? 3 : 0)));
  });
  return { ...clip, rgb };
}

/** Smooth random levels without a period, at any place: a lattice of eight pixels, bilinear between. */
export function texture(seed: number): (x: number, y: number) => number {
  const word = words(seed);
  const side = 64;
  const lattice = Float64Array.from({ length: side * side }, () => 40 + (word() >>> 24) * 0.7);
  return (x, y) => {
    const [u, v] = [x / 8 + 8, y / 8 + 8];
    const [left, top] = [Math.floor(u), Math.floor(v)];
    const at = (row: number, column: number) => lattice[(top + row) * side + left + column]!;
    const [fx, fy] = [u - left, v - top];
    return (at(0, 0) * (1 - fx) + at(0, 1) * fx) * (1 - fy) + (at(1, 0) * (1 - fx) + at(1, 1) * fx) * fy;
  };
}
