/**
 * @file One frame's view of the world, and the ways to paint a layer of it: every layer is a product of a function of x and one of y,
 * or what lies below a height line over x.
 *
 * Pictures are [side, side, 3] in 0..1, coverage is [side, side] in 0..1.
 */
import { type CameraAt, ZOOM_CENTER_Y } from './movement.ts';
import type { Rgb } from './scene.ts';
import { clip01 } from './surfaces.ts';

/** What the camera sees in one frame. */
export interface View {
  readonly side: number;
  /** Pixel centres on the screen, 0..1, [side]: of columns and of rows alike. */
  readonly grid: Float64Array;
  /** The rows' heights in the world, [side]. */
  readonly y: Float64Array;
  /** 1 over a pixel's width in the world. */
  readonly sharp: number;
  /** 0 in the first frame, 1 in the last. */
  readonly time: number;
  /** The columns' places in the world for a layer that moves by `near` (0 the sky, 1 where the objects are), [side]. */
  x(near: number, drift?: number): Float64Array;
}

/** The view of a frame; `shift` is the scene's. */
export function viewOf(side: number, { pan, zoom }: CameraAt, shift: number, time: number): View {
  const grid = Float64Array.from({ length: side }, (_, i) => (i + 0.5) / side);
  return {
    side,
    grid,
    y: grid.map(row => (row - ZOOM_CENTER_Y) / zoom + ZOOM_CENTER_Y),
    sharp: side * zoom,
    time,
    x: (near, drift = 0) => grid.map(column => (column - 0.5) / zoom + 0.5 + (pan + drift) * near + shift * near),
  };
}

/** A color of 0..255 as 0..1. */
export const rgb = (red: number, green: number, blue: number): Rgb => [red / 255, green / 255, blue / 255];

/** Colors by row, [side, 3]. */
export type RowColors = Float64Array;

/** From `top` at height `low` to `bottom` at height `high`. */
export function fade(rows: Float64Array, top: Rgb, bottom: Rgb, low = 0, high = 1): RowColors {
  const colors = new Float64Array(rows.length * 3);
  rows.forEach((row, i) => {
    const k = clip01((row - low) / (high - low));
    for (let c = 0; c < 3; c++) colors[i * 3 + c] = top[c]! * (1 - k) + bottom[c]! * k;
  });
  return colors;
}

/** A picture of rows of one color each. */
export function fillRows(colors: RowColors): Float64Array {
  const side = colors.length / 3;
  const picture = new Float64Array(side * side * 3);
  for (let i = 0; i < side; i++)
    for (let j = 0; j < side; j++) for (let c = 0; c < 3; c++) picture[(i * side + j) * 3 + c] = colors[i * 3 + c]!;
  return picture;
}

/** Paints a color, or rows of colors, over the picture where it is covered. */
export function paint(picture: Float64Array, color: Rgb | RowColors, cover: Float64Array): void {
  const side = Math.sqrt(cover.length);
  const isRows = color.length > 3;
  for (let i = 0, at = 0; i < side; i++) {
    const from = isRows ? i * 3 : 0;
    const [red, green, blue] = [color[from]!, color[from + 1]!, color[from + 2]!];
    for (let j = 0; j < side; j++, at++) {
      const alpha = cover[at]!;
      if (alpha === 0) continue;
      picture[at * 3] = picture[at * 3]! + (red - picture[at * 3]!) * alpha;
      picture[at * 3 + 1] = picture[at * 3 + 1]! + (green - picture[at * 3 + 1]!) * alpha;
      picture[at * 3 + 2] = picture[at * 3 + 2]! + (blue - picture[at * 3 + 2]!) * alpha;
    }
  }
}

/** Paints a color where a row and a column meet, each weighed: houses and their windows. */
export function paintCrossing(picture: Float64Array, color: Rgb, down: Float64Array, across: Float64Array): void {
  const side = down.length;
  for (let i = 0; i < side; i++) {
    if (down[i] === 0) continue;
    for (let j = 0; j < side; j++) {
      const alpha = down[i]! * across[j]!;
      const at = (i * side + j) * 3;
      if (alpha !== 0)
        for (let c = 0; c < 3; c++) picture[at + c] = picture[at + c]! + (color[c]! - picture[at + c]!) * alpha;
    }
  }
}

/** Adds light of a color, times `strength`. */
export function addLight(picture: Float64Array, color: Rgb, amount: Float64Array, strength = 1): void {
  amount.forEach((value, at) => {
    if (value !== 0)
      for (let c = 0; c < 3; c++) picture[at * 3 + c] = picture[at * 3 + c]! + value * color[c]! * strength;
  });
}

/** Coverage of what lies below a height line [side], softened to a pixel. */
export function below({ side, y, sharp }: View, line: Float64Array): Float64Array {
  const cover = new Float64Array(side * side);
  for (let i = 0; i < side; i++)
    for (let j = 0; j < side; j++) cover[i * side + j] = clip01((y[i]! - line[j]!) * sharp + 0.5);
  return cover;
}

/** Adds to `sum` 1 between low and high along one axis, softened to a pixel. */
export function addBand(sum: Float64Array, places: Float64Array, low: number, high: number, sharp: number): void {
  for (let i = 0; i < sum.length; i++)
    sum[i] = sum[i]! + clip01(Math.min(places[i]! - low, high - places[i]!) * sharp + 0.5);
}

/** A Gaussian spot: centre, width and height of its bell, strength. */
export interface Spot {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly strength: number;
}

/** Less than this of a spot is seen by nobody, and most rows have less. */
const FAINTEST = 1e-9;

/** The sum of spots on a layer whose columns lie at `x`, [side, side]. */
export function sumSpots({ side, y }: View, x: Float64Array, spots: readonly Spot[]): Float64Array {
  const sum = new Float64Array(side * side);
  for (const spot of spots) {
    const across = x.map(column => bell((column - spot.x) / spot.width) * spot.strength);
    for (let i = 0; i < side; i++) {
      const down = bell((y[i]! - spot.y) / spot.height);
      if (down < FAINTEST) continue;
      for (let j = 0; j < side; j++) sum[i * side + j] = sum[i * side + j]! + down * across[j]!;
    }
  }
  return sum;
}

/** exp(-t²). */
export const bell = (t: number) => Math.exp(-t * t);
