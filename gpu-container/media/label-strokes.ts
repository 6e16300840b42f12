/**
 * @file The characters of the labels that laws ask for, as strokes of our own: no font is shipped, and the same text has the same pixels on
 * every machine. Units are of the height of a capital; x to the right, y up from the baseline.
 */

/** [x, y] */
type Point = readonly [x: number, y: number];
/** Points that a pen of constant width joins. */
type Stroke = readonly Point[];

/** One character. */
export interface Glyph {
  /** How far the next one begins. */
  readonly advance: number;
  readonly strokes: readonly Stroke[];
}

const TURN = 2 * Math.PI;

/** Part of an ellipse, angles in turns, counterclockwise from the right. */
function arc([x, y]: Point, [rx, ry]: Point, from: number, to: number): Stroke {
  const steps = Math.max(2, Math.ceil(Math.abs(to - from) * 24));
  return Array.from({ length: steps + 1 }, (_, i) => {
    const angle = TURN * (from + ((to - from) * i) / steps);
    return [x + rx * Math.cos(angle), y + ry * Math.sin(angle)] as const;
  });
}

const bowl = (x: number) => arc([x, 0.34], [0.26, 0.34], 0, 1);

const latin: Readonly<Record<string, Glyph>> = {
  ' ': { advance: 0.36, strokes: [] },
  '-': {
    advance: 0.5,
    strokes: [
      [
        [0.08, 0.36],
        [0.4, 0.36],
      ],
    ],
  },
  A: {
    advance: 0.84,
    strokes: [
      [
        [0.04, 0],
        [0.4, 1],
        [0.76, 0],
      ],
      [
        [0.17, 0.34],
        [0.63, 0.34],
      ],
    ],
  },
  G: {
    advance: 0.92,
    strokes: [[...arc([0.44, 0.5], [0.38, 0.5], 0.1, 0.93), [0.8, 0.44], [0.5, 0.44]]],
  },
  I: {
    advance: 0.34,
    strokes: [
      [
        [0.15, 0],
        [0.15, 1],
      ],
    ],
  },
  a: {
    advance: 0.68,
    strokes: [
      bowl(0.32),
      [
        [0.58, 0.68],
        [0.58, 0],
      ],
    ],
  },
  b: {
    advance: 0.7,
    strokes: [
      bowl(0.36),
      [
        [0.1, 1],
        [0.1, 0],
      ],
    ],
  },
  d: {
    advance: 0.7,
    strokes: [
      bowl(0.32),
      [
        [0.58, 1],
        [0.58, 0],
      ],
    ],
  },
  e: { advance: 0.66, strokes: [[[0.06, 0.36], [0.57, 0.36], ...arc([0.32, 0.34], [0.26, 0.34], 0.02, 0.88)]] },
  g: {
    advance: 0.7,
    strokes: [bowl(0.32), [[0.58, 0.68], [0.58, -0.04], ...arc([0.33, -0.04], [0.25, 0.22], 1, 0.58)]],
  },
  n: {
    advance: 0.66,
    strokes: [
      [
        [0.1, 0.68],
        [0.1, 0],
      ],
      [...arc([0.32, 0.44], [0.22, 0.24], 0.5, 0), [0.54, 0]],
    ],
  },
  r: {
    advance: 0.46,
    strokes: [
      [
        [0.1, 0.68],
        [0.1, 0],
      ],
      arc([0.34, 0.4], [0.24, 0.28], 0.5, 0.2),
    ],
  },
  t: {
    advance: 0.46,
    strokes: [
      [[0.2, 0.92], [0.2, 0.14], ...arc([0.34, 0.14], [0.14, 0.14], 0.5, 0.75)],
      [
        [0.02, 0.68],
        [0.4, 0.68],
      ],
    ],
  },
  y: {
    advance: 0.62,
    strokes: [
      [
        [0.04, 0.68],
        [0.31, 0],
      ],
      [
        [0.56, 0.68],
        [0.26, -0.16],
        [0.08, -0.26],
      ],
    ],
  },
};

const han: Readonly<Record<string, Glyph>> = {
  // Falling stroke, three levels and the upright: "to live, to give birth to".
  生: {
    advance: 1.12,
    strokes: [
      [
        [0.3, 1.02],
        [0.2, 0.78],
        [0.06, 0.6],
      ],
      [
        [0.24, 0.8],
        [0.94, 0.8],
      ],
      [
        [0.55, 1.08],
        [0.55, -0.02],
      ],
      [
        [0.2, 0.42],
        [0.92, 0.42],
      ],
      [
        [0.04, -0.02],
        [1.04, -0.02],
      ],
    ],
  },
  // The left half, the long hook across it, its dot: "to become".
  成: {
    advance: 1.12,
    strokes: [
      [
        [0.16, 0.8],
        [1.0, 0.8],
      ],
      [
        [0.18, 0.8],
        [0.17, 0.36],
        [0.03, -0.06],
      ],
      [
        [0.18, 0.5],
        [0.46, 0.5],
        [0.44, 0.14],
        [0.32, 0.12],
      ],
      [
        [0.58, 1.08],
        [0.62, 0.62],
        [0.74, 0.2],
        [0.94, -0.06],
        [1.02, 0.14],
      ],
      [
        [0.9, 0.56],
        [0.76, 0.26],
        [0.5, -0.02],
      ],
      [
        [0.74, 1.04],
        [0.86, 0.94],
      ],
    ],
  },
};

const glyphs: Readonly<Record<string, Glyph>> = { ...latin, ...han };

/** The glyphs of a text. RangeError for a character that no label has. */
export function glyphsOf(text: string): readonly Glyph[] {
  return [...text].map(character => {
    const glyph = Object.hasOwn(glyphs, character) ? glyphs[character] : undefined;
    if (glyph === undefined) throw new RangeError(`label: there are no strokes for "${character}".`);
    return glyph;
  });
}
