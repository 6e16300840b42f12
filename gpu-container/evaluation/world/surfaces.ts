/** @file The objects' surfaces: their light, their gloss and their tinted parts. */
import { carWheels, carWindow } from './outlines.ts';
import type { Rgb, Shape } from './scene.ts';

/** From above, a little from the left, towards the viewer. */
const LIGHT = [-0.28, -0.72, 0.64] as const;
/** How far from the outline, in radii, the surface still curves. */
const ROUNDNESS: Readonly<Partial<Record<Shape, number>>> = {
  ball: 0.95,
  ring: 0.24,
  heart: 0.34,
  moon: 0.35,
  balloon: 0.62,
};
const FLAT_ROUNDNESS = 0.28;

/** `value` held within 0..1. */
export const clip01 = (value: number) => Math.min(Math.max(value, 0), 1);

/** An object's patch of one frame: `size` pixels square, with every point in radii and its distance to the outline. */
export interface Patch {
  readonly size: number;
  readonly x: Float64Array;
  readonly y: Float64Array;
  readonly distance: Float64Array;
  /** A pixel's width in radii. */
  readonly step: number;
}

/** Writes the surface color (0..1) of pixel `at` of the patch into `out`; `color` is 0..255. */
export function shadePixel(shape: Shape, color: Rgb, patch: Patch, at: number, out: Float64Array): void {
  const { size, distance } = patch;
  const row = Math.trunc(at / size);
  const column = at - row * size;
  const gx = column > 0 && column < size - 1 ? distance[at + 1]! - distance[at - 1]! : 0;
  const gy = row > 0 && row < size - 1 ? distance[at + size]! - distance[at - size]! : 0;
  const steepness = Math.sqrt(gx * gx + gy * gy) + 1e-6;
  const rim = 1 - clip01(-distance[at]! / (ROUNDNESS[shape] ?? FLAT_ROUNDNESS));
  const along = ((gx * LIGHT[0] + gy * LIGHT[1]) / steepness) * rim;
  const facing = Math.sqrt(Math.max(1 - rim * rim, 0));
  const shade = 0.6 + 0.5 * Math.max(along + facing * LIGHT[2], 0);
  const gloss = clip01(along * 1.05 + facing * 0.62 - 0.86) * 2.2;
  for (let c = 0; c < 3; c++) out[c] = color[c]! / 255;
  tintParts(shape, patch.x[at]!, patch.y[at]!, 1 / patch.step, color, out);
  for (let c = 0; c < 3; c++) out[c] = clip01(out[c]! * shade + gloss * 0.55 * (1 - out[c]! * 0.5));
}

/** Parts are tints of the object's own color: seen before any ground. */
function tintParts(shape: Shape, x: number, y: number, sharp: number, color: Rgb, out: Float64Array): void {
  if (shape === 'car') {
    over(out, color, lightTint, soft(Math.max(carWindow(x, y), 0.04 - Math.abs(x + 0.04)), sharp));
    over(out, color, darkTint, soft(carWheels(x, y), sharp));
    over(out, color, lightTint, soft(carWheels(x, y) + 0.15, sharp));
  } else if (shape === 'boat') {
    over(out, color, lightTint, soft(Math.max(y - 0.3, 0.1 - x), sharp));
  } else if (shape === 'balloon') {
    over(out, color, basketTint, soft(0.63 - y, sharp));
  }
}

const soft = (distance: number, sharp: number) => clip01(0.5 - distance * sharp);
const lightTint = (value: number) => value + (1 - value) * 0.5;
const darkTint = (value: number) => value * 0.3 + 0.05;
const basketTint = (value: number) => darkTint(value) + value * 0.2;

function over(out: Float64Array, color: Rgb, tint: (value: number) => number, alpha: number): void {
  if (alpha === 0) return;
  for (let c = 0; c < 3; c++) out[c] = out[c]! * (1 - alpha) + tint(color[c]! / 255) * alpha;
}
