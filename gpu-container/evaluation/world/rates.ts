/** @file How much of what prompts ask for their clips show, in percent, by groups of prompts. */
import { compareReading, type Marks, type Reading, rightThings } from './readings.ts';

/** A prompt and what was read in its clip. */
export interface JudgedPrompt {
  readonly want: Reading;
  readonly got: Reading;
  readonly unseen: boolean;
  readonly paraphrase: boolean;
}

/** What is right in a group's clips, in percent with one decimal. */
export interface GroupRates {
  readonly group: string;
  readonly clips: number;
  readonly percent: Readonly<Record<keyof Marks, number>>;
  /** Of the objects of prompts that ask for two, those right in color, shape and motion, in percent; absent where none asks for two. */
  readonly eachOfTwo?: number;
}

type Groups = readonly (readonly [name: string, isIn: (row: JudgedPrompt) => boolean])[];

const MAIN_GROUPS: Groups = [
  ['all prompts', () => true],
  ['plain', row => !row.paraphrase],
  ['paraphrase', row => row.paraphrase],
  ['seen', row => !row.unseen],
  ['unseen', row => row.unseen],
  ['one object', row => row.want.things.length === 1],
  ['two objects', row => row.want.things.length === 2],
];

/** All prompts, then by phrasing, by whether training saw the combination, and by the number of objects. Groups without a clip are left out. */
export function groupRates(rows: readonly JudgedPrompt[]): GroupRates[] {
  return ratesOf(rows, MAIN_GROUPS);
}

/** By what is asked for: every background, camera and place, then shape and motion of objects that are alone, in the order of the rows. */
export function attributeRates(rows: readonly JudgedPrompt[]): GroupRates[] {
  const asked = (key: string, of: (row: JudgedPrompt) => string | undefined): Groups =>
    [...new Set(rows.map(of))]
      .filter(value => value !== undefined)
      .map(value => [`${key} ${value}`, row => of(row) === value] as const);
  const alone = ({ want }: JudgedPrompt) => (want.things.length === 1 ? want.things[0] : undefined);
  return ratesOf(rows, [
    ...asked('background', row => row.want.background),
    ...asked('camera', row => row.want.camera),
    ...asked('place', row => row.want.place),
    ...asked('shape', row => alone(row)?.shape),
    ...asked('motion', row => alone(row)?.motion),
  ]);
}

function ratesOf(rows: readonly JudgedPrompt[], groups: Groups): GroupRates[] {
  return groups.flatMap(([group, isIn]) => {
    const some = rows.filter(isIn);
    return some.length === 0 ? [] : [{ group, clips: some.length, ...rightOf(some) }];
  });
}

function rightOf(rows: readonly JudgedPrompt[]): Pick<GroupRates, 'percent' | 'eachOfTwo'> {
  const marks = rows.map(({ want, got }) => compareReading(want, got));
  const keys = Object.keys(marks[0]!) as (keyof Marks)[];
  const percent = Object.fromEntries(
    keys.map(key => [key, percentOf(marks.filter(mark => mark[key]).length, rows.length)]),
  ) as Record<keyof Marks, number>;
  const pairs = rows.filter(({ want }) => want.things.length === 2);
  const right = pairs.reduce((sum, { want, got }) => sum + rightThings(want, got), 0);
  return pairs.length === 0 ? { percent } : { percent, eachOfTwo: percentOf(right, 2 * pairs.length) };
}

const percentOf = (part: number, whole: number) => Math.round((1000 * part) / whole) / 10;
