/** @file Where the objects and the camera are in every frame. */
import { FRAMES, type Place, type Scene, SIZES, type Thing } from './scene.ts';

/** The camera in one frame: how far it has panned, in widths, and how much it magnifies. */
export interface CameraAt {
  readonly pan: number;
  readonly zoom: number;
}

/** An object in one frame: centre, radius (fractions of the width) and angle (radians). */
export interface ThingAt {
  readonly x: number;
  readonly y: number;
  readonly radius: number;
  readonly angle: number;
}

/** The height at which a zoom stays, in the scene as in the picture. */
export const ZOOM_CENTER_Y = 0.56;

/** 0 in a clip's first frame, 1 in its last. */
export const timeOf = (frame: number) => frame / (FRAMES - 1);

/** The camera of a scene in frame 0..FRAMES-1. */
export function cameraAt(camera: Scene['camera'], frame: number): CameraAt {
  const u = timeOf(frame);
  if (camera === 'pan right') return { pan: 0.3 * (u - 0.5), zoom: 1 };
  if (camera === 'pan left') return { pan: 0.3 * (0.5 - u), zoom: 1 };
  if (camera === 'zoom in') return { pan: 0, zoom: 1 + 0.45 * u };
  if (camera === 'zoom out') return { pan: 0, zoom: 1.45 - 0.45 * u };
  return { pan: 0, zoom: 1 };
}

/** Object `which` in a frame, as the camera sees it. */
export function thingAt(scene: Scene, which: number, frame: number): ThingAt {
  const { x, y, radius, angle } = inTheWorld(scene, which, timeOf(frame));
  const { pan, zoom } = cameraAt(scene.camera, frame);
  return {
    x: (x - 0.5 - pan) * zoom + 0.5,
    y: (y - ZOOM_CENTER_Y) * zoom + ZOOM_CENTER_Y,
    radius: radius * zoom,
    angle,
  };
}

function radiusOf(scene: Scene, thing: Thing): number {
  const zooms = scene.camera.startsWith('zoom');
  const size = scene.place === 'single' ? SIZES[thing.size] * (zooms ? 0.82 : 1) : 0.15;
  return size * (1 + 0.04 * thing.jitter[2]);
}

function middleOf(place: Place, which: number): readonly [number, number] {
  if (place === 'single') return [0.5, 0.5];
  if (place === 'beside') return [which === 0 ? 0.26 : 0.74, 0.5];
  return [0.5, which === 0 ? 0.27 : 0.73];
}

function inTheWorld(scene: Scene, which: number, u: number): ThingAt {
  const thing = scene.things[which]!;
  const [dx, dy, , travel, phase] = thing.jitter;
  const radius = radiusOf(scene, thing);
  const [middleX, middleY] = middleOf(scene.place, which);
  const reach = Math.min(0.235 * (1 + 0.06 * travel), 0.48 - radius);
  const rest = { x: middleX + 0.015 * dx, y: middleY + 0.015 * dy, radius, angle: 0 };
  switch (thing.motion) {
    case 'right':
      return { ...rest, x: 0.5 + reach * (2 * u - 1) };
    case 'left':
      return { ...rest, x: 0.5 - reach * (2 * u - 1) };
    case 'down':
      return { ...rest, y: 0.5 + reach * (2 * u - 1) };
    case 'up':
      return { ...rest, y: 0.5 - reach * (2 * u - 1) };
    case 'bounce': // slow at the top, fast at the floor, which it touches at half time
      return { ...rest, y: 0.5 - reach + 2 * reach * (1 - Math.abs(2 * u - 1)) ** 1.7 };
    case 'orbit': {
      const turn = (2 * Math.PI * u * FRAMES) / (FRAMES + 1) - Math.PI / 2 + 0.15 * phase;
      return { ...rest, x: 0.5 + reach * 0.9 * Math.cos(turn), y: 0.5 + reach * 0.9 * Math.sin(turn) };
    }
    case 'grow':
    case 'shrink': {
      const [small, large] = scene.place === 'single' ? [0.5, 1.45] : [0.5, 1.3];
      return { ...rest, radius: radius * (small + (large - small) * (thing.motion === 'grow' ? u : 1 - u)) };
    }
    case 'spin':
      return { ...rest, angle: (165 * Math.PI * u) / 180 + 0.2 * phase };
    case 'still':
      return rest;
  }
}
