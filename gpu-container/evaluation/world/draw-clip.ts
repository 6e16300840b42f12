/** @file Scenes drawn as the training clips are: the ground, the objects' shadows, the objects. */
import type { Clip } from '../clip.ts';
import { drawGround, standsStill } from './grounds.ts';
import { type View, viewOf } from './layers.ts';
import { cameraAt, type ThingAt, thingAt, timeOf } from './movement.ts';
import { OUTLINES } from './outlines.ts';
import { COLORS, FRAMES, hasFloor, type Scene, type Thing } from './scene.ts';
import { clip01, type Patch, shadePixel } from './surfaces.ts';

/** Where the shadow of an object falls. */
const FLOOR = 0.88;
const FLOOR_CENTER = 0.56;
/** Half the side of the patch that an object is drawn into, in radii. */
const PATCH_REACH = 1.08;
const ALL_FRAMES: readonly number[] = Array.from({ length: FRAMES }, (_, frame) => frame);

/**
 * A scene as a clip of `side` by `side` pixels: all its 25 frames, or those that are named.
 *
 * Within rounding of exporter/train/scenes/world.py (there in float32, here in float64): no byte differs by more than one.
 */
export function drawClip(scene: Scene, side = 256, frames: readonly number[] = ALL_FRAMES): Clip {
  const rgb = new Uint8Array(frames.length * side * side * 3);
  drawFrames(scene, side, frames, (picture, index) => {
    const from = index * picture.length;
    for (let i = 0; i < picture.length; i++) rgb[from + i] = Math.round(picture[i]! * 255);
  });
  return { frames: frames.length, height: side, width: side, rgb };
}

/** Gives every named frame to `take` as a picture [side, side, 3] in 0..1 that is drawn over for the next. */
export function drawFrames(
  scene: Scene,
  side: number,
  frames: readonly number[],
  take: (picture: Float64Array, index: number) => void,
): void {
  let still: Float64Array | undefined;
  frames.forEach((frame, index) => {
    const view = viewOf(side, cameraAt(scene.camera, frame), scene.shift, timeOf(frame));
    const ground = still ?? drawGround(scene, view);
    if (standsStill(scene)) still = ground;
    const picture = still ? ground.slice() : ground;
    const places = scene.things.map((_, which) => thingAt(scene, which, frame));
    if (hasFloor(scene.background)) for (const at of places) castShadow(picture, view, at);
    scene.things.forEach((thing, which) => {
      putThing(picture, side, thing, places[which]!);
    });
    take(picture, index);
  });
}

/** A soft ellipse on the floor under an object, fainter and wider the higher it is. */
function castShadow(picture: Float64Array, { side, grid, sharp }: View, { x, y, radius }: ThingAt): void {
  const zoom = sharp / side;
  const floor = Math.max((FLOOR - FLOOR_CENTER) * zoom + FLOOR_CENTER, y + 0.92 * radius);
  const height = clip01((floor - y - 0.92 * radius) / 0.5);
  const wide = radius * (0.85 + 0.3 * height);
  const high = radius * (0.15 + 0.06 * height);
  const across = grid.map(column => Math.exp(-(((column - x) / wide) ** 4)));
  for (let i = 0; i < side; i++) {
    const down = Math.exp(-(((grid[i]! - floor) / high) ** 2)) * 0.42 * (1 - 0.65 * height);
    if (down < 1e-9) continue;
    for (let j = 0; j < side; j++) {
      const light = 1 - down * across[j]!;
      const at = (i * side + j) * 3;
      for (let c = 0; c < 3; c++) picture[at + c] = picture[at + c]! * light;
    }
  }
}

function putThing(picture: Float64Array, side: number, thing: Thing, at: ThingAt): void {
  const left = Math.round((at.x - PATCH_REACH * at.radius) * side) - 1;
  const top = Math.round((at.y - PATCH_REACH * at.radius) * side) - 1;
  const patch = patchOf(thing, at, side, left, top);
  const surface = new Float64Array(3);
  for (let i = Math.max(0, -top); i < Math.min(patch.size, side - top); i++)
    for (let j = Math.max(0, -left); j < Math.min(patch.size, side - left); j++) {
      const inPatch = i * patch.size + j;
      const alpha = clip01(0.5 - patch.distance[inPatch]! / patch.step);
      if (alpha === 0) continue;
      shadePixel(thing.shape, COLORS[thing.color], patch, inPatch, surface);
      const pixel = ((top + i) * side + left + j) * 3;
      for (let c = 0; c < 3; c++)
        picture[pixel + c] = picture[pixel + c]! + (surface[c]! - picture[pixel + c]!) * alpha;
    }
}

function patchOf(thing: Thing, at: ThingAt, side: number, left: number, top: number): Patch {
  const size = Math.ceil(2 * PATCH_REACH * at.radius * side) + 3;
  const [cos, sin] = [Math.cos(at.angle), Math.sin(at.angle)];
  const outline = OUTLINES[thing.shape];
  const x = new Float64Array(size * size);
  const y = new Float64Array(size * size);
  const distance = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    const v = ((top + i + 0.5) / side - at.y) / at.radius;
    for (let j = 0; j < size; j++) {
      const u = ((left + j + 0.5) / side - at.x) / at.radius;
      const to = i * size + j;
      x[to] = cos * u + sin * v;
      y[to] = cos * v - sin * u;
      distance[to] = outline(x[to]!, y[to]!);
    }
  }
  return { size, x, y, distance, step: 1 / (side * at.radius) };
}
