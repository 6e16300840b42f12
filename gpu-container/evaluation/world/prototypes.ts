/**
 * @file What the oracle compares with: pictures of every ground and camera without objects, and every color that a ground has.
 *
 * Drawn when first asked for and kept: 30 MB of pictures when all sceneries were asked for. Pictures are THUMB_SIDE square.
 */
import { drawFrames } from './draw-clip.ts';
import { THUMB_SIDE } from './frames-read.ts';
import { BACKGROUNDS, type Background, CAMERAS, type Camera, hasFloor, isPlain, LAYOUTS, type Scene } from './scene.ts';

/** One picture, or several of one clip behind one another, and what it is a picture of. */
export interface Prototype<Name> {
  readonly name: Name;
  readonly pixels: Float32Array;
}

/** The frames by which a camera is known, of 25. */
export const CAMERA_FRAMES = [0, 12, 24] as const;
/** Cells of the color table along each of red, green and blue. */
export const COLOR_CELLS = 32;
/** How far from a color of the ground, in 8-bit RGB, something still is that color. */
const NEAR = 30;
/** A color belongs to a ground from this part of its pixels on. */
const LEAST_PART = 1e-4;
/** A ground in an object's shadow. */
const SHADES = [1, 0.86, 0.72, 0.6] as const;
const CAMERA_SHIFTS = Array.from({ length: 9 }, (_, i) => -0.12 + i * 0.03);

interface Empty {
  readonly background: Background;
  readonly layout: number;
  readonly shift?: number;
  readonly gradient?: boolean;
  readonly camera?: Camera;
}

const emptyScene = ({ background, layout, shift = 0, gradient = false, camera = 'static' }: Empty): Scene => ({
  things: [],
  place: 'single',
  background,
  gradient,
  camera,
  layout,
  shift,
});

function drawn(scene: Scene, side: number, frames: readonly number[]): Float32Array {
  const pixels = new Float32Array(frames.length * side * side * 3);
  drawFrames(scene, side, frames, (picture, index) => pixels.set(picture, index * picture.length));
  return pixels;
}

/** `make`'s answer, made once for each key. */
function kept<Key, Value>(make: (key: Key) => Value): (key: Key) => Value {
  const made = new Map<Key, Value>();
  return key => {
    const value = made.get(key) ?? make(key);
    made.set(key, value);
    return value;
  };
}

const grounds = kept((_: 'all') =>
  BACKGROUNDS.flatMap(background => {
    const scenes = isPlain(background)
      ? [0, 1].map(layout => emptyScene({ background, layout, gradient: layout === 1 }))
      : layouts().flatMap(layout => [-0.1, 0, 0.1].map(shift => emptyScene({ background, layout, shift })));
    return scenes.map((scene): Prototype<Background> => ({ name: background, pixels: drawn(scene, THUMB_SIDE, [12]) }));
  }),
);

/** Every ground in the middle of a clip, [32, 32, 3] each. */
export const groundPrototypes = (): readonly Prototype<Background>[] => grounds('all');

/** A ground under every camera at three moments, [3, 32, 32, 3] each. */
export const cameraPrototypes: (background: Background) => readonly Prototype<Camera>[] = kept(background =>
  CAMERAS.flatMap(camera =>
    layouts().flatMap(layout =>
      CAMERA_SHIFTS.map(shift => ({
        name: camera,
        pixels: drawn(emptyScene({ background, layout, shift, camera }), THUMB_SIDE, CAMERA_FRAMES),
      })),
    ),
  ),
);

/** 1 for every color that is, or is near, one of the ground's, in shadow or not: a table of 32 x 32 x 32 cells, red first. */
export const groundColors: (background: Background) => Uint8Array = kept(background => {
  const colors = commonColors(background);
  const table = new Uint8Array(COLOR_CELLS ** 3);
  const shades = hasFloor(background) ? SHADES : [1];
  for (const shade of shades)
    for (const cell of colors)
      markNear(
        table,
        [0, 1, 2].map(c => ((cellOf(cell, c) + 0.5) / COLOR_CELLS) * shade),
      );
  return table;
});

/** Cells of the colors of which a ground has more than LEAST_PART. */
function commonColors(background: Background): number[] {
  const scenes = isPlain(background)
    ? [0, 1].map(layout => emptyScene({ background, layout, gradient: layout === 1 }))
    : layouts().flatMap(layout => [-0.1, 0.1].map(shift => emptyScene({ background, layout, shift })));
  const counts = new Uint32Array(COLOR_CELLS ** 3);
  let total = 0;
  for (const scene of scenes) {
    const pixels = drawn(scene, 64, [0, 12]);
    for (let at = 0; at < pixels.length; at += 3) {
      const cell = colorCell(pixels[at]!, pixels[at + 1]!, pixels[at + 2]!);
      counts[cell] = counts[cell]! + 1;
    }
    total += pixels.length / 3;
  }
  return [...counts.keys()].filter(cell => counts[cell]! > LEAST_PART * total);
}

/** The cell of a color of 0..1. */
export function colorCell(red: number, green: number, blue: number): number {
  const cell = (value: number) => Math.min(Math.max(Math.trunc(value * (COLOR_CELLS - 0.01)), 0), COLOR_CELLS - 1);
  return (cell(red) * COLOR_CELLS + cell(green)) * COLOR_CELLS + cell(blue);
}

const cellOf = (cell: number, channel: number) => Math.trunc(cell / COLOR_CELLS ** (2 - channel)) % COLOR_CELLS;

/** Marks the cells whose middle is nearer than NEAR to a color. */
function markNear(table: Uint8Array, color: readonly number[]): void {
  const reach = NEAR / 255;
  const range = (channel: number) => {
    const low = Math.max(0, Math.floor((color[channel]! - reach) * COLOR_CELLS - 0.5));
    const high = Math.min(COLOR_CELLS - 1, Math.ceil((color[channel]! + reach) * COLOR_CELLS - 0.5));
    return Array.from({ length: high - low + 1 }, (_, i) => low + i);
  };
  const away = (cell: number, channel: number) => ((cell + 0.5) / COLOR_CELLS - color[channel]!) ** 2;
  const blues = range(2);
  for (const red of range(0))
    for (const green of range(1)) {
      const before = away(red, 0) + away(green, 1);
      for (const blue of blues)
        if (Math.sqrt(before + away(blue, 2)) * 255 < NEAR) table[(red * COLOR_CELLS + green) * COLOR_CELLS + blue] = 1;
    }
}

const layouts = () => Array.from({ length: LAYOUTS }, (_, layout) => layout);
