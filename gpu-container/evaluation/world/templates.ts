/** @file Outlines by which shapes are known: masks brought to one size, and the templates that they are held against. */
import { OUTLINES, type Outline, PLAIN_PARTS } from './outlines.ts';
import { SHAPES, type Shape } from './scene.ts';

/** Cells of a side of an outline brought to size. */
const GRID = 48;
/** Points of a side at which a template is drawn, over -1.5..1.5 radii. */
const DRAWN = 192;
/** What always stands upright. */
const UPRIGHT: readonly Shape[] = ['ball', 'ring', 'boat', 'balloon', 'car'];

/** The angles at which templates are turned, in radians. */
export const ANGLES: readonly number[] = Array.from({ length: 24 }, (_, i) => i * 15 * (Math.PI / 180));

/** A mask [48, 48] centred on its centroid and scaled to a fixed area; all 0 of an empty one. */
export function normalised(mask: Uint8Array, side: number): Uint8Array {
  let [count, sumX, sumY] = [0, 0, 0];
  for (let i = 0; i < mask.length; i++)
    if (mask[i]) {
      count += 1;
      sumX += i % side;
      sumY += Math.trunc(i / side);
    }
  const small = new Uint8Array(GRID * GRID);
  if (count === 0) return small;
  const places = (mean: number) =>
    Array.from({ length: GRID }, (_, i) => roundHalfEven(mean + ((i + 0.5) / GRID - 0.5) * Math.sqrt(count) * 1.9));
  const [columns, rows] = [places(sumX / count), places(sumY / count)];
  for (let i = 0; i < GRID; i++)
    for (let j = 0; j < GRID; j++) {
      const [row, column] = [rows[i]!, columns[j]!];
      const inside = row >= 0 && row < side && column >= 0 && column < side;
      small[i * GRID + j] = inside ? mask[row * side + column]! : 0;
    }
  return small;
}

/** To the nearest whole number, and to the even one of two: as numpy rounds. */
export function roundHalfEven(value: number): number {
  const down = Math.floor(value);
  const over = value - down;
  return over < 0.5 || (over === 0.5 && down % 2 === 0) ? down : down + 1;
}

/** The part that two outlines have in common of all that either has. */
export function overlap(a: Uint8Array, b: Uint8Array): number {
  let [both, either] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    both += a[i]! & b[i]!;
    either += a[i]! | b[i]!;
  }
  return both / Math.max(either, 1);
}

/** The best overlap of an outline with a shape's templates, and which template that is: of those that turn, its place in ANGLES. */
export function bestOverlap(outline: Uint8Array, shape: Shape): { overlap: number; index: number } {
  let best = { overlap: -1, index: 0 };
  templates()[shape].forEach((template, index) => {
    const value = overlap(outline, template);
    if (value > best.overlap) best = { overlap: value, index };
  });
  return best;
}

let made: Readonly<Record<Shape, readonly Uint8Array[]>> | undefined;

/** Every shape's outlines [48, 48]: turned where the shape may turn, and without its tinted part where it has one. */
function templates(): Readonly<Record<Shape, readonly Uint8Array[]>> {
  made ??= Object.fromEntries(SHAPES.map(shape => [shape, templatesOf(shape)])) as Record<Shape, Uint8Array[]>;
  return made;
}

function templatesOf(shape: Shape): Uint8Array[] {
  const angles = UPRIGHT.includes(shape) ? [0] : ANGLES;
  const part = PLAIN_PARTS[shape];
  return [...angles.map(angle => template(OUTLINES[shape], angle)), ...(part ? [template(part, 0)] : [])];
}

function template(outline: Outline, angle: number): Uint8Array {
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const mask = new Uint8Array(DRAWN * DRAWN);
  const at = (i: number) => ((i + 0.5) / DRAWN) * 3 - 1.5;
  for (let i = 0; i < DRAWN; i++)
    for (let j = 0; j < DRAWN; j++) {
      const [x, y] = [at(j), at(i)];
      mask[i * DRAWN + j] = outline(cos * x + sin * y, cos * y - sin * x) < 0 ? 1 : 0;
    }
  return normalised(mask, DRAWN);
}
