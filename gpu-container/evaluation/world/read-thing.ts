/** @file One object's color, shape and motion from its masks. */
import { type FramesRead, READ_SIDE } from './frames-read.ts';
import { type Masks, maskAt } from './masks.ts';
import { cameraAt, ZOOM_CENTER_Y } from './movement.ts';
import type { ThingReading } from './readings.ts';
import { type Camera, COLORS, type Color, FRAMES, type Motion, SHAPES, type Shape } from './scene.ts';
import { ANGLES, bestOverlap, normalised, roundHalfEven } from './templates.ts';

/** An object is there where it covers this part of a frame … */
const LEAST_AREA = 0.003;
/** … and in a clip where it is there in this part of the frames. */
const LEAST_FRAMES = 0.75;
/** The shades in which a surface shows its color. */
const SHADES = [0.62, 0.78, 0.93, 1.08] as const;
/** After which part of a full turn a shape looks the same again, as one over it; what is not here is not seen to turn. */
const FOLDS: Readonly<Partial<Record<Shape, number>>> = { square: 4, triangle: 3, star: 5, heart: 1, moon: 1 };
const PALETTE = Object.entries(COLORS).flatMap(([name, color]) =>
  SHADES.map(shade => ({ name: name as Color, color: color.map(value => Math.min((value / 255) * shade, 1)) })),
);

/** What a mask says of the object in one frame: centre in pixels, part of the frame. */
interface Sight {
  readonly frame: number;
  readonly x: number;
  readonly y: number;
  readonly area: number;
}

/** Reads one object; 'none' throughout where it is missing in more than a quarter of the frames. */
export function readThing(frames: FramesRead, masks: Masks, camera: Camera): ThingReading {
  const sights = Array.from({ length: masks.count }, (_, frame) => sightOf(maskAt(masks, frame), frame)).filter(
    ({ area }) => area > LEAST_AREA,
  );
  if (sights.length < LEAST_FRAMES * masks.count) return { color: 'none', shape: 'none', motion: 'none' };
  const outlines = sights.filter((_, i) => i % 2 === 0).map(({ frame }) => normalised(maskAt(masks, frame), READ_SIDE));
  const shape = shapeOf(outlines);
  return {
    color: colorOf(frames, masks, sights),
    shape,
    motion: pathOf(sights, masks.count, camera) ?? sizeOrTurnOf(sights, outlines, shape, masks.count, camera),
  };
}

function sightOf(mask: Uint8Array, frame: number): Sight {
  let [count, x, y] = [0, 0, 0];
  for (let i = 0; i < mask.length; i++)
    if (mask[i]) {
      count += 1;
      x += i % READ_SIDE;
      y += Math.trunc(i / READ_SIDE);
    }
  return { frame, x: x / count, y: y / count, area: count / mask.length };
}

/** The color that most pixels are nearest to, at any of its shades. */
function colorOf({ pixels }: FramesRead, masks: Masks, sights: readonly Sight[]): Color {
  const votes = new Map<Color, number>(Object.keys(COLORS).map(name => [name as Color, 0]));
  for (const { frame } of sights.filter((_, i) => i % 3 === 0)) {
    const mask = maskAt(masks, frame);
    let seen = 0;
    for (let i = 0; i < mask.length; i++) {
      if (!mask[i] || seen++ % 7 !== 0) continue;
      const name = nearestColor(pixels, (frame * mask.length + i) * 3);
      votes.set(name, votes.get(name)! + 1);
    }
  }
  return [...votes].reduce((best, vote) => (vote[1] > best[1] ? vote : best))[0];
}

function nearestColor(pixels: Float32Array, at: number): Color {
  let best = PALETTE[0]!;
  let least = Number.POSITIVE_INFINITY;
  for (const entry of PALETTE) {
    const [red, green, blue] = entry.color;
    const away = (pixels[at]! - red!) ** 2 + (pixels[at + 1]! - green!) ** 2 + (pixels[at + 2]! - blue!) ** 2;
    if (away < least) [best, least] = [entry, away];
  }
  return best.name;
}

function shapeOf(outlines: readonly Uint8Array[]): Shape {
  const scores = SHAPES.map(shape => mean(outlines.map(outline => bestOverlap(outline, shape).overlap)));
  return SHAPES[scores.indexOf(Math.max(...scores))]!;
}

/** The frame of 25 that a clip of `count` frames shows at `frame`. */
const frameOf25 = (frame: number, count: number) =>
  count === 1 ? 0 : roundHalfEven((frame * (FRAMES - 1)) / (count - 1));

/** What an object's way is called, with the camera's undone; undefined of one that stays where it is. */
function pathOf(sights: readonly Sight[], count: number, camera: Camera): Motion | 'none' | undefined {
  const ways = sights.map(({ frame, x, y }) => {
    const { pan, zoom } = cameraAt(camera, frameOf25(frame, count));
    return {
      x: (x / READ_SIDE - 0.5) / zoom + 0.5 + pan,
      y: (y / READ_SIDE - ZOOM_CENTER_Y) / zoom + ZOOM_CENTER_Y,
    };
  });
  const xs = ways.map(({ x }) => x);
  const ys = ways.map(({ y }) => y);
  const wide = Math.max(...xs) - Math.min(...xs);
  const tall = Math.max(...ys) - Math.min(...ys);
  if (Math.max(wide, tall) <= 0.12) return undefined;
  if (Math.min(wide, tall) > 0.45 * Math.max(wide, tall)) return 'orbit';
  if (wide > tall) return mean(xs.slice(-2)) > mean(xs.slice(0, 2)) ? 'right' : 'left';
  const [first, last] = [mean(ys.slice(0, 2)), mean(ys.slice(-2))];
  const half = Math.trunc(ys.length / 2);
  const middle = mean(ys.slice(half - 1, half + 1));
  if (Math.abs(last - first) < 0.5 * tall) return middle > (first + last) / 2 ? 'bounce' : 'none';
  return ys.at(-1)! > ys[0]! ? 'down' : 'up';
}

function sizeOrTurnOf(
  sights: readonly Sight[],
  outlines: readonly Uint8Array[],
  shape: Shape,
  count: number,
  camera: Camera,
): Motion {
  const areas = sights.map(({ area, frame }) => area / cameraAt(camera, frameOf25(frame, count)).zoom ** 2);
  const change = mean(areas.slice(-3)) / mean(areas.slice(0, 3));
  if (change > 1.6 || change < 1 / 1.6) return change > 1 ? 'grow' : 'shrink';
  const fold = FOLDS[shape];
  if (fold === undefined) return 'still';
  const period = (2 * Math.PI) / fold;
  const turns = outlines.map(outline => ANGLES[bestOverlap(outline, shape).index]!);
  const steps = turns.slice(1).map((turn, i) => positiveRest(turn - turns[i]! + period / 2, period) - period / 2);
  return Math.abs(pairwiseSum(steps)) > 60 * (Math.PI / 180) ? 'spin' : 'still';
}

const positiveRest = (value: number, period: number) => {
  const rest = value % period;
  return rest < 0 ? rest + period : rest;
};

/**
 * The sum in the order in which numpy adds (up to 128 values): turns are multiples of 15 degrees, so their sum may be 60 degrees but for
 * the last bit, and the two oracles should say the same then too.
 */
function pairwiseSum(values: readonly number[]): number {
  const blocks = values.length - (values.length % 8);
  const partial = Array.from({ length: 8 }, (_, lane) => sumEvery8th(values, lane, blocks));
  const [a, b, c, d, e, f, g, h] = partial as [number, number, number, number, number, number, number, number];
  const start = blocks > 0 ? a + b + (c + d) + (e + f + (g + h)) : 0;
  return values.slice(blocks).reduce((sum, value) => sum + value, start);
}

function sumEvery8th(values: readonly number[], lane: number, end: number): number {
  let sum = 0;
  for (let i = lane; i < end; i += 8) sum += values[i]!;
  return sum;
}

const mean = (values: readonly number[]) => pairwiseSum(values) / values.length;
