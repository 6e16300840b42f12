/** @file What `reelay eval` found, as plain data: the rows of single clips, and what they come to together. */
import type { Defects } from './metrics/defects.ts';
import type { Flicker } from './metrics/flicker.ts';
import { type ClipFigures, FIGURES } from './metrics/judge-clip.ts';
import { attributeRates, type Rates, ratesOf } from './world/rates.ts';
import type { Marks, Reading } from './world/readings.ts';

/** Rises when a field changes its meaning or goes; new fields may come. */
export const REPORT_VERSION = 1;

/** What was judged. Nothing in it depends on the machine but what the clips depend on. */
export interface Subject {
  readonly model: string;
  /** The bundle's digest, lower-case hex; null where a server does not tell. */
  readonly bundle: string | null;
  /** Version of Reelay. */
  readonly engine: string;
  /** Version of ONNX Runtime; null through a server. */
  readonly ort: string | null;
  /** cpu or cuda; null through a server. */
  readonly provider: string | null;
  /** What the denoiser's weights are kept in, as the bundle says; null where it does not. */
  readonly precision: string | null;
  /** Of one inference; null through a server. */
  readonly threads: number | null;
  /** A bundle's frames are as the model made them; a server's were enlarged, marked, encoded and decoded. */
  readonly through: 'bundle' | 'server';
}

/** What every clip was asked for. */
export interface EvalSettings {
  readonly task: 't2v' | 'i2v' | 'v2v';
  readonly preset: string | null;
  readonly steps: number;
  readonly guidance: number;
  readonly size: string;
  readonly frames: number;
  readonly fps: number;
}

/** One prompt and its clip. */
export interface EvalRow {
  /** From 0, in the order of the prompts. */
  readonly index: number;
  readonly prompt: string;
  readonly seed: number;
  /** Words that rows are grouped by, "unseen", "paraphrase" and the like. */
  readonly groups: readonly string[];
  /** Why there is no clip; null where there is one. */
  readonly error: string | null;
  readonly framesSha256: string | null;
  readonly figures: ClipFigures | null;
  readonly defects: Defects | null;
  /** What the clip should show; null where nobody said. */
  readonly want: Reading | null;
  /** What the oracle read; null where it was not asked. */
  readonly got: Reading | null;
  readonly marks: Marks | null;
  /** i2v from a drawn picture: PSNR of the first frame against it, dB; else null. */
  readonly firstFramePsnr: number | null;
  /** Of the drawn clip of the prompt's scene, as large and as long; null where there is none. */
  readonly drawnFlicker: Flicker | null;
  /** Of that clip after the model's own encoder and decoder; null where nobody looked. */
  readonly recodedFlicker: Flicker | null;
}

/** A figure over all clips. */
export interface Spread {
  readonly mean: number;
  /** Standard deviation over n - 1; 0 for one clip. */
  readonly deviation: number;
  readonly least: number;
  readonly most: number;
}

/** Clips with a defect, by number of rows. */
export interface DefectCounts {
  readonly failed: number;
  readonly blank: number;
  readonly frozen: number;
  readonly duplicates: number;
  readonly cuts: number;
}

/** Means of flicker over the clips of prompts that have a scene. */
export interface BesideDrawn {
  readonly clips: number;
  /** The model's own clips, and the drawn ones. */
  readonly made: Flicker;
  readonly drawn: Flicker;
  /** Drawn clips, and the same after the model's own encoder and decoder: what of `made` no denoiser could help. Null where nobody looked. */
  readonly recoded: { readonly clips: number; readonly drawn: Flicker; readonly recoded: Flicker } | null;
}

/** The whole. */
export interface EvalReport {
  readonly reelayEval: typeof REPORT_VERSION;
  readonly subject: Subject;
  readonly settings: EvalSettings;
  readonly figures: Readonly<Record<keyof ClipFigures, Spread>> | null;
  /** First that of all clips, then by group; null where no prompt says what is wanted. */
  readonly adherence: Readonly<Record<string, Rates>> | null;
  /** The same by what is asked for: "background sea", "motion up" and the like. */
  readonly adherenceByAttribute: Readonly<Record<string, Rates>> | null;
  readonly defects: DefectCounts;
  /** Of the rows that have one; null where none has. */
  readonly firstFramePsnr: Spread | null;
  /** Means over the drawn clips of the prompts that have a scene, and over the model's own of the same prompts; null where none has. */
  readonly besideDrawn: BesideDrawn | null;
  /** Against the drawn scenes of the same prompts. */
  readonly rfvd: { readonly value: number; readonly clips: number } | null;
  /** In the order of the prompts; `worstFirst` sorts them. */
  readonly rows: readonly EvalRow[];
}

/** The name of the group that all rows are in. */
export const ALL = 'all';

/** Groups of the fixed prompts, in the order in which they are told; others follow by name. */
export const GROUPS = ['seen', 'unseen', 'plain', 'paraphrase', 'one object', 'two beside', 'two stacked'] as const;

/** Rows to the report. */
export function reportOf(
  subject: Subject,
  settings: EvalSettings,
  rows: readonly EvalRow[],
  rfvd: EvalReport['rfvd'] = null,
): EvalReport {
  const figures = rows.flatMap(row => (row.figures === null ? [] : [row.figures]));
  const firsts = rows.flatMap(row => row.firstFramePsnr ?? []);
  const count = (has: (row: EvalRow) => boolean) => rows.filter(has).length;
  return {
    reelayEval: REPORT_VERSION,
    subject,
    settings,
    figures: figures.length === 0 ? null : spreads(figures),
    ...adherenceOf(rows),
    defects: {
      failed: count(row => row.error !== null),
      blank: count(row => (row.defects?.blankFrames ?? 0) > 0),
      frozen: count(isFrozen),
      duplicates: count(row => (row.defects?.duplicateFrames ?? 0) > 0),
      cuts: count(row => (row.defects?.cuts.length ?? 0) > 0),
    },
    firstFramePsnr: firsts.length === 0 ? null : spreadOf(firsts),
    besideDrawn: besideDrawn(rows),
    rfvd,
    rows,
  };
}

function besideDrawn(rows: readonly EvalRow[]): BesideDrawn | null {
  const pairs = rows.flatMap(({ figures: made, drawnFlicker: drawn, recodedFlicker: recoded }) =>
    made === null || drawn === null ? [] : [{ made, drawn, recoded }],
  );
  if (pairs.length === 0) return null;
  const again = pairs.flatMap(({ drawn, recoded }) => (recoded === null ? [] : [{ drawn, recoded }]));
  return {
    clips: pairs.length,
    made: meanFlicker(pairs.map(pair => pair.made)),
    drawn: meanFlicker(pairs.map(pair => pair.drawn)),
    recoded:
      again.length === 0
        ? null
        : {
            clips: again.length,
            drawn: meanFlicker(again.map(pair => pair.drawn)),
            recoded: meanFlicker(again.map(pair => pair.recoded)),
          },
  };
}

function meanFlicker(all: readonly Flicker[]): Flicker {
  const mean = (name: keyof Flicker) => all.reduce((sum, one) => sum + one[name], 0) / all.length;
  return { flicker: mean('flicker'), flickerSecond: mean('flickerSecond') };
}

function spreads(figures: readonly ClipFigures[]): Record<keyof ClipFigures, Spread> {
  const of = (name: keyof ClipFigures) => spreadOf(figures.map(one => one[name]));
  return Object.fromEntries(FIGURES.map(name => [name, of(name)])) as Record<keyof ClipFigures, Spread>;
}

/** Mean, deviation and ends of one value or more. */
export function spreadOf(values: readonly number[]): Spread {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const deviation = values.length < 2 ? 0 : Math.sqrt(squares / (values.length - 1));
  return { mean, deviation, least: Math.min(...values), most: Math.max(...values) };
}

function adherenceOf(rows: readonly EvalRow[]): Pick<EvalReport, 'adherence' | 'adherenceByAttribute'> {
  // A clip that cannot be read says nothing; one that could not be made is none of what was asked.
  const judged = rows.flatMap(({ want, got, error, groups }) =>
    want !== null && (got !== null || error !== null) ? [{ want, got, groups }] : [],
  );
  if (judged.length === 0) return { adherence: null, adherenceByAttribute: null };
  const found = new Set(judged.flatMap(row => row.groups));
  const groups = [ALL, ...GROUPS.filter(name => found.delete(name)), ...[...found].sort()];
  const adherence = Object.fromEntries(
    groups.map(name => [name, ratesOf(judged.filter(row => name === ALL || row.groups.includes(name)))]),
  );
  return { adherence, adherenceByAttribute: attributeRates(judged) };
}

/** The attributes, the whole first. */
export const ATTRIBUTES = ['all', 'background', 'camera', 'place', 'color', 'shape', 'motion'] as const;

/**
 * The rows that a reader should look at first: without a clip, blank or frozen, with most attributes wrong, with most warp error.
 * Equal ones stay in order.
 */
export function worstFirst(rows: readonly EvalRow[]): EvalRow[] {
  return [...rows].sort((a, b) => {
    const [x, y] = [badness(a), badness(b)];
    for (const [i, value] of x.entries()) if (value !== y[i]!) return y[i]! - value;
    return a.index - b.index;
  });
}

function badness(row: EvalRow): number[] {
  const { error, defects, marks, figures } = row;
  const broken = defects === null ? 0 : Number(isFrozen(row)) + Number(defects.blankFrames > 0);
  const wrong = marks === null ? 0 : wrongAttributes(marks).length;
  return [Number(error !== null), broken, wrong, figures?.warpError ?? 0];
}

/** Whether nothing moves where something should: of a prompt that asks for stillness it is no defect. */
export function isFrozen({ defects, want }: EvalRow): boolean {
  const isStill = want?.camera === 'static' && want.things.every(({ motion }) => motion === 'still');
  return defects?.frozen === true && !isStill;
}

/** The names of the attributes that are not as asked; `all` is no attribute. */
export function wrongAttributes(marks: Marks): (keyof Marks)[] {
  return ATTRIBUTES.filter(name => name !== 'all' && !marks[name]);
}
