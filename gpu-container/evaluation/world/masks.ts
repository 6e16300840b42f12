/** @file Where a clip shows something that is not its ground: masks [F, 128, 128] of 0 and 1. */
import { type FramesRead, READ_SIDE } from './frames-read.ts';
import { colorCell } from './prototypes.ts';

const PIXELS = READ_SIDE * READ_SIDE;
/** Two objects are told apart by an empty line in this part of the picture. */
const [MIDDLE_FROM, MIDDLE_TO] = [Math.trunc(0.38 * READ_SIDE), Math.trunc(0.62 * READ_SIDE)];

/** What lies in which frame at which of 128 x 128 places. */
export interface Masks {
  readonly count: number;
  readonly cells: Uint8Array;
}

/** Marks what has no color of the ground's table: a majority of 3x3, so neither specks nor pinholes. */
export function masksOf({ count, pixels }: FramesRead, groundColors: Uint8Array): Masks {
  const away = new Uint8Array(count * PIXELS);
  for (let i = 0; i < away.length; i++)
    away[i] = 1 - groundColors[colorCell(pixels[i * 3]!, pixels[i * 3 + 1]!, pixels[i * 3 + 2]!)]!;
  const cells = new Uint8Array(away.length);
  const three = new Uint8Array(PIXELS + 2 * READ_SIDE); // with an empty row above and below
  for (let f = 0; f < count; f++) {
    const frame = away.subarray(f * PIXELS, (f + 1) * PIXELS);
    for (let i = 0; i < PIXELS; i++) {
      const column = i % READ_SIDE;
      const left = column > 0 ? frame[i - 1]! : 0;
      three[i + READ_SIDE] = left + frame[i]! + (column < READ_SIDE - 1 ? frame[i + 1]! : 0);
    }
    for (let i = 0; i < PIXELS; i++) {
      const around = three[i]! + three[i + READ_SIDE]! + three[i + 2 * READ_SIDE]!;
      cells[f * PIXELS + i] = around >= 5 ? 1 : 0;
    }
  }
  return { count, cells };
}

/** A frame's mask, a view [128, 128]. */
export const maskAt = ({ cells }: Masks, frame: number) => cells.subarray(frame * PIXELS, (frame + 1) * PIXELS);

/** A line between two objects: which way they lie, and in every frame the first column (or row) behind it. */
interface Split {
  readonly place: 'beside' | 'stacked';
  readonly lines: readonly number[];
  /** The part of the frames in which the line is empty and has something on either side. */
  readonly good: number;
}

/** The masks of the objects, one or two of them, and how they lie. */
export function splitMasks(masks: Masks): { place: 'single' | Split['place']; parts: readonly Masks[] } {
  const [beside, stacked] = [splitBy(masks, 'beside'), splitBy(masks, 'stacked')];
  const better = stacked.good > beside.good ? stacked : beside;
  if (better.good < 0.7) return { place: 'single', parts: [masks] };
  return { place: better.place, parts: [cut(masks, better, true), cut(masks, better, false)] };
}

function splitBy(masks: Masks, place: Split['place']): Split {
  let good = 0;
  const lines: number[] = [];
  for (let f = 0; f < masks.count; f++) {
    const mask = maskAt(masks, f);
    const mass = new Float64Array(READ_SIDE);
    for (let row = 0, i = 0; row < READ_SIDE; row++)
      for (let column = 0; column < READ_SIDE; column++, i++) {
        const at = place === 'beside' ? column : row;
        mass[at] = mass[at]! + mask[i]!;
      }
    const total = Math.max(
      mass.reduce((sum, value) => sum + value, 0),
      1,
    );
    const { line, cost } = emptiestLine(mass, total);
    const before = mass.subarray(0, line).reduce((sum, value) => sum + value, 0) / total;
    if (cost < 0.02 && before > 0.13 && before < 0.87) good += 1;
    lines.push(line);
  }
  return { place, lines, good: good / masks.count };
}

/** The emptiest line about the middle, and of those the one nearest to it. */
function emptiestLine(mass: Float64Array, total: number): { line: number; cost: number } {
  let best = { line: MIDDLE_FROM, cost: Number.POSITIVE_INFINITY };
  for (let line = MIDDLE_FROM; line < MIDDLE_TO; line++) {
    const wide = mass[line - 1]! + mass[line]! + mass[line + 1]! + mass[line + 2]!;
    const cost = wide / total + Math.abs(line - READ_SIDE / 2) * 1e-5;
    if (cost < best.cost) best = { line, cost };
  }
  return best;
}

function cut(masks: Masks, { place, lines }: Split, before: boolean): Masks {
  const cells = masks.cells.slice();
  for (let f = 0; f < masks.count; f++)
    for (let i = 0; i < PIXELS; i++) {
      const at = place === 'beside' ? i % READ_SIDE : Math.trunc(i / READ_SIDE);
      if (at < lines[f]! !== before) cells[f * PIXELS + i] = 0;
    }
  return { count: masks.count, cells };
}
