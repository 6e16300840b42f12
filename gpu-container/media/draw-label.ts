/** @file A label in the picture: white strokes on a dark plate in the lower left corner, drawn into the frames before they are marked. */
import { type Glyph, glyphsOf } from './label-strokes.ts';

/** Half of the pen's width, by the height of a capital. */
const PEN = 0.062;
/** Around the text, by the height of a capital. */
const PADDING = 0.45;
/** Of what hangs below the baseline. */
const DESCENT = 0.28;
/** Between plate and the frame's edges, by the shorter side. */
const MARGIN = 0.03;
/** How much of the picture the plate lets through. */
const PLATE = 0.62;
/** GB 45438-2025 counts the height of the text; a little more than the least, so that no rounding goes below it. */
const TEXT_SHARE = 0.055;

/** A label for frames of one size. */
export interface Label {
  /** Draws into RGB bytes [H, W, 3], in place. */
  draw(frame: Uint8Array): void;
  /** In pixels: where it lies, and how high its capitals are. */
  readonly box: { readonly x: number; readonly y: number; readonly width: number; readonly height: number };
  readonly textHeight: number;
}

/**
 * Prepares a text for frames of a size, in pixels. `leastShare`: height of the capitals by the shorter side. Too long for the frame: it
 * gets smaller, but not below that share; RangeError where it does not fit then, and for a character without strokes.
 */
export function prepareLabel(text: string, width: number, height: number, leastShare = 0): Label {
  const short = Math.min(width, height);
  const glyphs = glyphsOf(text);
  const advance = glyphs.reduce((sum, glyph) => sum + glyph.advance, 0);
  const least = Math.max(5, Math.ceil(short * leastShare));
  const margin = Math.round(short * MARGIN);
  const most = Math.floor((width - 2 * margin) / (advance + 2 * PADDING));
  const textHeight = Math.min(Math.max(least, Math.ceil(short * TEXT_SHARE)), most);
  const boxWidth = Math.ceil((advance + 2 * PADDING) * textHeight);
  const boxHeight = Math.ceil((1 + DESCENT + 2 * PADDING) * textHeight);
  if (textHeight < least || boxHeight + margin > height)
    throw new RangeError(`label: "${text}" does not fit into ${width}x${height}.`);
  const box = { x: margin, y: height - margin - boxHeight, width: boxWidth, height: boxHeight };
  const ink = inkOf(glyphs, box, textHeight);
  return {
    box,
    textHeight,
    draw: frame => {
      for (let y = 0; y < box.height; y++)
        for (let x = 0; x < box.width; x++) {
          const white = ink[y * box.width + x]!;
          const at = ((box.y + y) * width + box.x + x) * 3;
          for (let c = 0; c < 3; c++) {
            const plate = frame[at + c]! * (1 - PLATE);
            frame[at + c] = Math.round(plate + (255 - plate) * white);
          }
        }
    },
  };
}

/** 0 to 1 a pixel: how much of it the pen covers. */
function inkOf(glyphs: readonly Glyph[], box: Label['box'], textHeight: number): Float32Array {
  const ink = new Float32Array(box.width * box.height);
  const baseline = box.height - (PADDING + DESCENT) * textHeight;
  let left = PADDING * textHeight;
  for (const { advance, strokes } of glyphs) {
    for (const stroke of strokes)
      for (let i = 1; i < stroke.length; i++) {
        const from = [left + stroke[i - 1]![0] * textHeight, baseline - stroke[i - 1]![1] * textHeight] as const;
        const to = [left + stroke[i]![0] * textHeight, baseline - stroke[i]![1] * textHeight] as const;
        drawSegment(ink, box, from, to, Math.max(0.6, PEN * textHeight));
      }
    left += advance * textHeight;
  }
  return ink;
}

type Place = readonly [x: number, y: number];

function drawSegment(ink: Float32Array, box: Label['box'], from: Place, to: Place, pen: number): void {
  const reach = pen + 1;
  const [left, right] = [Math.min(from[0], to[0]) - reach, Math.max(from[0], to[0]) + reach];
  const [top, bottom] = [Math.min(from[1], to[1]) - reach, Math.max(from[1], to[1]) + reach];
  for (let y = Math.max(0, Math.floor(top)); y < Math.min(box.height, Math.ceil(bottom)); y++)
    for (let x = Math.max(0, Math.floor(left)); x < Math.min(box.width, Math.ceil(right)); x++) {
      const covered = Math.min(1, Math.max(0, pen + 0.5 - distance([x + 0.5, y + 0.5], from, to)));
      const at = y * box.width + x;
      if (covered > ink[at]!) ink[at] = covered;
    }
}

/** From a point to a segment. */
function distance([x, y]: Place, [ax, ay]: Place, [bx, by]: Place): number {
  const [dx, dy] = [bx - ax, by - ay];
  const length = dx * dx + dy * dy;
  const t = length === 0 ? 0 : Math.min(1, Math.max(0, ((x - ax) * dx + (y - ay) * dy) / length));
  return Math.hypot(x - ax - t * dx, y - ay - t * dy);
}
