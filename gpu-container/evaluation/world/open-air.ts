/** @file Sceneries under an open sky: sky, sea, meadow and night. */
import { addLight, bell, below, fade, fillRows, paint, rgb, type Spot, sumSpots, type View } from './layers.ts';
import { numpyUniforms } from './numpy-uniforms.ts';
import type { Rgb } from './scene.ts';
import { clip01 } from './surfaces.ts';

/** Clouds that drift by themselves, painted over a picture; `height` is that of their lower edge at most. */
function paintClouds(
  picture: Float64Array,
  view: View,
  layout: number,
  { near, color, height, amount }: { near: number; color: Rgb; height: number; amount: number },
): void {
  const uniform = numpyUniforms([5, layout]);
  const spots: Spot[] = [];
  for (let k = 0; k < 5; k++) {
    const x = -0.35 + 0.42 * k + uniform(-0.08, 0.08);
    const y = height * uniform(0.25, 1);
    const width = uniform(0.11, 0.16);
    spots.push({ x, y, width, height: 0.032, strength: 0.9 });
    spots.push({ x: x - 0.05, y: y - 0.025, width: width * 0.5, height: 0.035, strength: 0.9 });
    spots.push({ x: x + 0.06, y: y - 0.015, width: width * 0.45, height: 0.03, strength: 0.8 });
  }
  const cover = sumSpots(view, view.x(near, (0.06 * view.time) / Math.max(near, 0.1)), spots);
  for (let i = 0; i < cover.length; i++) {
    const thick = clip01((cover[i]! - 0.4) * 2);
    cover[i] = thick * thick * (3 - 2 * thick) * amount;
  }
  paint(picture, color, cover);
}

/** Two waves about a base line, [side]; `at` are the columns' places on the layer of that depth. */
export function hills(view: View, near: number, base: number, height: number, layout: number): Float64Array {
  const uniform = numpyUniforms([7, layout, Math.trunc(near * 100)]);
  const [long, short] = [uniform(0, 6.28), uniform(0, 6.28)];
  return view.x(near).map(x => base + height * (0.5 * Math.sin(6 * x + long) + 0.5 * Math.sin(11 * x + short)));
}

/** A blue sky with clouds. */
export function sky(view: View, layout: number): Float64Array {
  const picture = fillRows(fade(view.grid, rgb(64, 138, 218), rgb(186, 222, 246)));
  paintClouds(picture, view, layout, { near: 0.6, color: rgb(250, 251, 253), height: 0.9, amount: 0.85 });
  return picture;
}

/** The sea, with islands at its horizon and a swell. */
export function sea(view: View, layout: number): Float64Array {
  const horizon = 0.44;
  const picture = fillRows(fade(view.y, rgb(126, 190, 232), rgb(226, 238, 240), 0, horizon));
  paintClouds(picture, view, layout, { near: 0.35, color: rgb(250, 250, 250), height: 0.28, amount: 0.75 });
  const center = numpyUniforms([9, layout])(0.1, 0.9);
  const islands = view
    .x(0.5)
    .map(x => horizon + 0.005 - 0.085 * (bell((x - center) / 0.13) + 0.7 * bell((x - center - 0.75) / 0.1)));
  paint(picture, rgb(92, 130, 140), below(view, islands));
  paintWater(picture, view, horizon);
  return picture;
}

function paintWater(picture: Float64Array, view: View, horizon: number): void {
  const { side, y, sharp, time } = view;
  const water = fade(y, rgb(52, 140, 176), rgb(14, 74, 126), horizon, 1);
  const across = view.x(0.9).map(x => Math.cos(7 * x + 2 * time));
  for (let i = 0; i < side; i++) {
    const alpha = clip01((y[i]! - horizon) * sharp + 0.5);
    if (alpha === 0) continue;
    const depth = Math.sqrt(Math.min(Math.max((y[i]! - horizon) / (1 - horizon), 0.001), 2));
    const band = 0.055 * depth * Math.sin(10 * depth * 3.2 - 5 * time);
    for (let j = 0; j < side; j++)
      for (let c = 0; c < 3; c++) {
        const at = (i * side + j) * 3 + c;
        picture[at] = picture[at]! + (water[i * 3 + c]! + band * across[j]! - picture[at]!) * alpha;
      }
  }
}

/** Grassy hills under a sky with clouds. */
export function meadow(view: View, layout: number): Float64Array {
  const picture = fillRows(fade(view.grid, rgb(108, 182, 240), rgb(214, 236, 246), 0, 0.6));
  paintClouds(picture, view, layout, { near: 0.35, color: rgb(252, 252, 252), height: 0.32, amount: 0.8 });
  paint(picture, rgb(134, 178, 112), below(view, hills(view, 0.6, 0.6, 0.055, layout)));
  const grass = fade(view.y, rgb(112, 168, 66), rgb(62, 124, 44), 0.68, 1.05);
  paint(picture, grass, below(view, hills(view, 1, 0.74, 0.045, layout)));
  return picture;
}

/** Stars, a moon with its halo, dark hills. */
export function night(view: View, layout: number): Float64Array {
  const picture = fillRows(fade(view.grid, rgb(8, 12, 36), rgb(46, 50, 98), 0, 0.9));
  const uniform = numpyUniforms([13, layout]);
  const stars = Array.from({ length: 15 }, (_, k): Spot => {
    const x = -0.2 + 0.1 * k + uniform(-0.03, 0.03);
    const y = uniform(0.03, 0.62);
    return { x, y, width: 0.009, height: 0.009, strength: uniform(0.5, 0.9) };
  });
  const x = view.x(0.25);
  addLight(picture, rgb(150, 160, 190), sumSpots(view, x, stars), 0.85 + 0.15 * Math.sin(6.3 * view.time));
  paintMoon(picture, view, x, layout % 2 ? uniform(0.12, 0.3) : uniform(0.7, 0.88));
  paint(picture, rgb(14, 18, 34), below(view, hills(view, 0.8, 0.88, 0.04, layout)));
  return picture;
}

function paintMoon(picture: Float64Array, { side, y, sharp }: View, x: Float64Array, moonX: number): void {
  const moonY = 0.15;
  const halo = new Float64Array(side * side);
  const disc = new Float64Array(side * side);
  for (let i = 0; i < side; i++)
    for (let j = 0; j < side; j++) {
      const away = Math.sqrt((x[j]! - moonX) ** 2 + (y[i]! - moonY) ** 2);
      halo[i * side + j] = bell(away / 0.16);
      disc[i * side + j] = clip01((0.07 - away) * sharp + 0.5);
    }
  addLight(picture, rgb(34, 36, 44), halo);
  paint(picture, rgb(124, 138, 182), disc);
}
