/** @file What is behind the objects: the plain grounds, and which scenery is drawn by whom. */
import { city, desert, snow } from './built-and-bare.ts';
import { fillRows, type View } from './layers.ts';
import { meadow, night, sea, sky } from './open-air.ts';
import { isPlain, PLAIN_GROUNDS, type PlainGround, type Scene, type Scenery } from './scene.ts';
import { clip01 } from './surfaces.ts';

/** Draws a scenery's picture [side, side, 3], not yet held within 0..1. */
type DrawScenery = (view: View, layout: number) => Float64Array;

const SCENERY: Readonly<Record<Scenery, DrawScenery>> = { sky, sea, meadow, night, city, desert, snow };
/** Nothing in them moves by itself. */
const STILL_SCENERIES: readonly string[] = ['city', 'desert', 'snow'];

/** Whether a scene's ground looks the same in every frame. */
export function standsStill({ background, camera }: Scene): boolean {
  return isPlain(background) || (STILL_SCENERIES.includes(background) && camera === 'static');
}

/** The ground of a scene without its objects, [side, side, 3] in 0..1. */
export function drawGround({ background, gradient, layout }: Scene, view: View): Float64Array {
  if (isPlain(background)) return drawPlain(background, gradient, view);
  const picture = SCENERY[background](view, layout);
  for (let i = 0; i < picture.length; i++) picture[i] = clip01(picture[i]!);
  return picture;
}

function drawPlain(background: PlainGround, gradient: boolean, { grid }: View): Float64Array {
  const colors = new Float64Array(grid.length * 3);
  grid.forEach((row, i) => {
    const lift = gradient ? 0.16 * (1 - 2 * row) : 0;
    for (let c = 0; c < 3; c++) {
      const value = PLAIN_GROUNDS[background][c]! / 255;
      colors[i * 3 + c] = lift > 0 ? value + (1 - value) * lift : value * (1 + 1.5 * lift);
    }
  });
  return fillRows(colors);
}
