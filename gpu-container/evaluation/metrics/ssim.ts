import { type Clip, expectSameShape } from '../clip.ts';
import { colorOf, halved, type LumaClip, lumaOf, planeAt } from './luma.ts';
import { structureComparer, WINDOW } from './structure.ts';

/** How much each scale counts, finest first (Wang, Simoncelli and Bovik 2003). */
const SCALE_WEIGHTS = [0.0448, 0.2856, 0.3001, 0.2363, 0.1333] as const;

/** Both likenesses of two clips. */
export interface Likeness {
  /** Of luma, -1 to 1. */
  readonly ssim: number;
  /** Of luma over several scales, 0 to 1. */
  readonly msSsim: number;
  /** Five for sides of 176 pixels and more. */
  readonly scales: number;
}

/**
 * SSIM (Wang et al. 2004: Gaussian window of 11×11, sigma 1.5, K1 0.01, K2 0.03, only where the whole window lies inside) and
 * MS-SSIM of two clips' luma, means over the frames. A shorter side below 176 pixels has no window left at the fifth scale: then
 * there are as many scales as have one, their weights made to sum to 1; below 11 pixels there is one scale, and the window is as wide as
 * the largest odd number that fits. A negative contrast counts as 0 in MS-SSIM. RangeError where the shapes differ.
 */
export function likeness(a: Clip, b: Clip): Likeness {
  expectSameShape(a, b);
  const side = Math.min(a.height, a.width);
  const scales = SCALE_WEIGHTS.filter((_, i) => Math.floor(side / 2 ** i) >= WINDOW).length || 1; // a smaller picture has one smaller window
  const used = SCALE_WEIGHTS.slice(0, scales);
  const total = used.reduce((sum, weight) => sum + weight, 0);
  const products = new Float64Array(a.frames).fill(1);
  let ssim = 0;
  let pair: readonly [LumaClip, LumaClip] = [lumaOf(a), lumaOf(b)];
  for (const [scale, weight] of used.entries()) {
    const [first, second] = pair;
    const compare = structureComparer(first.height, first.width);
    for (let t = 0; t < a.frames; t++) {
      const found = compare(planeAt(first, t), planeAt(second, t));
      if (scale === 0) ssim += found.ssim / a.frames;
      const part = scale === scales - 1 ? found.ssim : found.contrast;
      products[t] = products[t]! * Math.max(0, part) ** (weight / total);
    }
    if (scale < scales - 1) pair = [halved(first), halved(second)];
  }
  return { ssim, msSsim: products.reduce((sum, value) => sum + value, 0) / a.frames, scales };
}

/** SSIM as in `likeness`, the mean of that of red, of green and of blue: it sees a change of hue that luma does not. */
export function colorSsim(a: Clip, b: Clip): number {
  expectSameShape(a, b);
  const compare = structureComparer(a.height, a.width);
  let sum = 0;
  for (const color of [0, 1, 2] as const) {
    const [first, second] = [colorOf(a, color), colorOf(b, color)];
    for (let t = 0; t < a.frames; t++) sum += compare(planeAt(first, t), planeAt(second, t)).ssim;
  }
  return sum / (3 * a.frames);
}
