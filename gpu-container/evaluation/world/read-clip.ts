/**
 * @file The oracle: reads ground, camera, number and places of the objects, and color, shape and motion of each back from pixels.
 *
 * It knows the palettes, the outlines and the sceneries, never the prompt. The ground is the nearest of prototypes, compared where they
 * agree best; an object is what has no color of that ground; its outline is compared with templates, its way is measured with the
 * camera's undone. The same answers as exporter/train/scenes/oracle.py.
 */
import type { Clip } from '../clip.ts';
import { type FramesRead, framesToRead, READ_SIDE, THUMB_SIDE } from './frames-read.ts';
import { type Masks, masksOf, splitMasks } from './masks.ts';
import { CAMERA_FRAMES, cameraPrototypes, groundColors, groundPrototypes } from './prototypes.ts';
import { readThing } from './read-thing.ts';
import type { Reading } from './readings.ts';
import { type Background, type Camera, FRAMES, isPlain } from './scene.ts';
import { roundHalfEven } from './templates.ts';

const THUMB_PIXELS = THUMB_SIDE * THUMB_SIDE;
/** A ground is compared by this part of its pixels: objects cover the rest. */
const COMPARED = Math.trunc((THUMB_PIXELS * 6) / 10);
/** A thumbnail's pixel shows the ground where objects cover less of it. */
const FREE_BELOW = 0.02;
/** Sums of differences this near are equal but for rounding: to a clip that stands still, a pan to either side is as near. */
const TIE = 0.01;

/**
 * What a clip shows. RangeError unless it is a square whose side is a multiple of 128 pixels.
 *
 * Some 0.1 s for 25 frames; the first clip of a scenery costs as much again.
 */
export function readClip(clip: Clip): Reading {
  const frames = framesToRead(clip);
  const background = readBackground(frames);
  const masks = masksOf(frames, groundColors(background));
  const camera = readCamera(frames, masks, background);
  const { place, parts } = splitMasks(masks);
  return { background, camera, place, things: parts.map(part => readThing(frames, part, camera)) };
}

function readBackground({ count, thumbs }: FramesRead): Background {
  const middle = medianOverTime(thumbs, count);
  let best: { name: Background; away: number } | undefined;
  const away = new Float64Array(THUMB_PIXELS);
  for (const { name, pixels } of groundPrototypes()) {
    for (let i = 0; i < THUMB_PIXELS; i++) away[i] = pixelDistance(middle, i, pixels, i);
    const sum = away
      .sort()
      .subarray(0, COMPARED)
      .reduce((total, value) => total + value, 0);
    if (best === undefined || sum < best.away) best = { name, away: sum };
  }
  return best!.name;
}

/** Mean difference of red, green and blue. */
function pixelDistance(a: Float32Array, at: number, b: Float32Array, bt: number): number {
  const red = Math.abs(a[at * 3]! - b[bt * 3]!);
  const green = Math.abs(a[at * 3 + 1]! - b[bt * 3 + 1]!);
  return (red + green + Math.abs(a[at * 3 + 2]! - b[bt * 3 + 2]!)) / 3;
}

function medianOverTime(values: Float32Array, count: number): Float32Array {
  const size = values.length / count;
  const column = new Float32Array(count);
  const [low, high] = [Math.trunc((count - 1) / 2), Math.trunc(count / 2)];
  return Float32Array.from({ length: size }, (_, i) => {
    for (let f = 0; f < count; f++) column[f] = values[f * size + i]!;
    column.sort();
    return (column[low]! + column[high]!) / 2;
  });
}

/** The camera whose prototype is nearest where no object is; plain grounds show none. */
function readCamera({ count, thumbs }: FramesRead, masks: Masks, background: Background): Camera {
  if (isPlain(background)) return 'static';
  const moments = CAMERA_FRAMES.map(frame => roundHalfEven((frame * (count - 1)) / (FRAMES - 1)));
  const free = moments.map(frame => freeOf(masks, frame));
  const found = cameraPrototypes(background).map(({ name, pixels }) => {
    let away = 0;
    for (const [k, frame] of moments.entries())
      for (let i = 0; i < THUMB_PIXELS; i++)
        if (free[k]![i]) away += pixelDistance(thumbs, frame * THUMB_PIXELS + i, pixels, k * THUMB_PIXELS + i);
    return { name, away };
  });
  const least = Math.min(...found.map(({ away }) => away));
  return found.find(({ away }) => away <= least + TIE)!.name;
}

/** 1 for every pixel of a thumbnail that shows the ground. */
function freeOf({ cells }: Masks, frame: number): Uint8Array {
  const factor = READ_SIDE / THUMB_SIDE;
  const covered = new Uint8Array(THUMB_PIXELS);
  for (let i = 0; i < READ_SIDE * READ_SIDE; i++) {
    const thumb = Math.trunc(i / READ_SIDE / factor) * THUMB_SIDE + Math.trunc((i % READ_SIDE) / factor);
    covered[thumb] = covered[thumb]! + cells[frame * READ_SIDE * READ_SIDE + i]!;
  }
  return covered.map(cells => (cells / (factor * factor) < FREE_BELOW ? 1 : 0));
}
