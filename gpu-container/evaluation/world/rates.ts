/** @file How much of what prompts ask for their clips show, in percent. */
import { compareReading, type Marks, type Reading, rightThings } from './readings.ts';

/** What a prompt asks for and what was read in its clip; null where there is no clip, so that nothing of it is right. */
export interface JudgedPrompt {
  readonly want: Reading;
  readonly got: Reading | null;
}

/** What is right in some clips, in percent with one decimal. */
export interface Rates {
  readonly clips: number;
  readonly percent: Readonly<Record<keyof Marks, number>>;
  /** Of the objects of prompts that ask for two, those right in color, shape and motion, in percent; null where none asks for two. */
  readonly eachOfTwo: number | null;
}

const MARKS: readonly (keyof Marks)[] = ['background', 'camera', 'place', 'color', 'shape', 'motion', 'all'];

/** The rates of one prompt or more. */
export function ratesOf(rows: readonly JudgedPrompt[]): Rates {
  const marks = rows.map(({ want, got }) => (got === null ? null : compareReading(want, got)));
  const share = (key: keyof Marks) => percentOf(marks.filter(mark => mark?.[key] === true).length, rows.length);
  const pairs = rows.filter(({ want }) => want.things.length === 2);
  const right = pairs.reduce((sum, { want, got }) => sum + (got === null ? 0 : rightThings(want, got)), 0);
  return {
    clips: rows.length,
    percent: Object.fromEntries(MARKS.map(key => [key, share(key)])) as Rates['percent'],
    eachOfTwo: pairs.length === 0 ? null : percentOf(right, 2 * pairs.length),
  };
}

/** The rates by what is asked for: every background, camera and place, then shape and motion of objects that are alone. */
export function attributeRates<Row extends JudgedPrompt>(rows: readonly Row[]): Record<string, Rates> {
  const found = new Map<string, Row[]>();
  const kinds = ['background', 'camera', 'place', 'shape', 'motion'] as const;
  for (const kind of kinds)
    for (const row of rows) {
      const alone = row.want.things.length === 1 ? row.want.things[0] : undefined;
      const value = kind === 'shape' || kind === 'motion' ? alone?.[kind] : row.want[kind];
      const name = `${kind} ${value}`;
      if (value !== undefined) found.set(name, [...(found.get(name) ?? []), row]);
    }
  return Object.fromEntries([...found].map(([name, some]) => [name, ratesOf(some)]));
}

const percentOf = (part: number, whole: number) => Math.round((1000 * part) / whole) / 10;
