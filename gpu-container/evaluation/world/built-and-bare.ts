/** @file Sceneries in which nothing moves by itself: city, desert and snow. */
import { addBand, below, fade, fillRows, paint, paintCrossing, rgb, type View } from './layers.ts';
import { numpyUniforms } from './numpy-uniforms.ts';
import { hills } from './open-air.ts';
import type { Rgb } from './scene.ts';

/** A row of houses: its depth, its color, and between which heights they end. */
interface HouseRow {
  readonly near: number;
  readonly tint: Rgb;
  readonly low: number;
  readonly high: number;
}

/** Two rows of houses at dusk, the nearer one with lit windows. */
export function city(view: View, layout: number): Float64Array {
  const picture = fillRows(fade(view.grid, rgb(62, 72, 128), rgb(204, 168, 176), 0, 0.85));
  paintHouses(picture, view, layout, { near: 0.5, tint: rgb(96, 92, 134), low: 0.4, high: 0.62 });
  paintHouses(picture, view, layout, { near: 0.85, tint: rgb(40, 42, 66), low: 0.52, high: 0.8 });
  paint(picture, rgb(70, 70, 84), below(view, new Float64Array(view.side).fill(0.9)));
  return picture;
}

function paintHouses(picture: Float64Array, view: View, layout: number, { near, tint, low, high }: HouseRow): void {
  const uniform = numpyUniforms([17, layout, Math.trunc(near * 100)]);
  const x = view.x(near);
  for (let left = -0.5; left < 1.5; ) {
    const wide = uniform(0.12, 0.19);
    const top = uniform(low, high);
    const across = new Float64Array(view.side);
    const down = new Float64Array(view.side);
    addBand(across, x, left, left + wide - 0.012, view.sharp);
    addBand(down, view.y, top, 2, view.sharp);
    paintCrossing(picture, tint, down, across);
    if (near > 0.6) paintWindows(picture, view, x, left, wide, top);
    left += wide;
  }
}

/** Lit windows in a grid. */
function paintWindows(
  picture: Float64Array,
  { side, y, sharp }: View,
  x: Float64Array,
  left: number,
  wide: number,
  top: number,
): void {
  const columns = new Float64Array(side);
  const rows = new Float64Array(side);
  for (const a of steps(0.02, wide - 0.035, 0.042)) addBand(columns, x, left + a, left + a + 0.02, sharp);
  for (const b of steps(top + 0.03, 0.9, 0.055)) addBand(rows, y, b, b + 0.022, sharp);
  paintCrossing(picture, rgb(186, 150, 92), rows, columns);
}

/** From `start` in equal steps, below `end`. */
export function steps(start: number, end: number, step: number): number[] {
  return Array.from({ length: Math.max(0, Math.ceil((end - start) / step)) }, (_, i) => start + i * step);
}

/** Three pyramids behind dunes. */
export function desert(view: View, layout: number): Float64Array {
  const picture = fillRows(fade(view.grid, rgb(150, 196, 218), rgb(248, 230, 200), 0, 0.6));
  const peak = 0.38 + 0.25 * (layout % 2);
  const x = view.x(0.5);
  for (const [at, size] of [
    [peak, 0.2],
    [peak + 0.38, 0.12],
    [peak - 0.62, 0.16],
  ] as const)
    paint(
      picture,
      rgb(206, 178, 136),
      below(
        view,
        x.map(column => 0.62 - size + Math.abs(column - at) * 0.8),
      ),
    );
  paint(picture, rgb(224, 188, 130), below(view, hills(view, 0.7, 0.62, 0.035, layout)));
  const sand = fade(view.y, rgb(214, 172, 108), rgb(176, 130, 76), 0.7, 1.05);
  paint(picture, sand, below(view, hills(view, 1, 0.76, 0.05, layout)));
  return picture;
}

/** Snowy hills with firs. */
export function snow(view: View, layout: number): Float64Array {
  const picture = fillRows(fade(view.grid, rgb(132, 164, 200), rgb(212, 222, 234), 0, 0.6));
  paint(picture, rgb(190, 204, 222), below(view, hills(view, 0.5, 0.52, 0.1, layout)));
  const uniform = numpyUniforms([19, layout]);
  const x = view.x(0.8);
  for (let k = 0; k < 7; k++) {
    const at = -0.3 + 0.27 * k + uniform(-0.06, 0.06);
    const size = uniform(0.13, 0.19);
    const cover = below(
      view,
      x.map(column => 0.7 - size + Math.abs(column - at) * 2.6),
    );
    for (let i = 0; i < view.side; i++) if (view.y[i]! >= 0.78) cover.fill(0, i * view.side, (i + 1) * view.side);
    paint(picture, rgb(62, 92, 92), cover);
  }
  paint(picture, rgb(224, 231, 240), below(view, hills(view, 0.8, 0.68, 0.045, layout)));
  const near = fade(view.y, rgb(240, 243, 248), rgb(206, 217, 232), 0.75, 1.05);
  paint(picture, near, below(view, hills(view, 1, 0.8, 0.03, layout)));
  return picture;
}
