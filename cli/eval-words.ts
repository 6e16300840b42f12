import type { Flicker } from '#gpu-container/evaluation/metrics/flicker.ts';
import type { ClipFigures } from '#gpu-container/evaluation/metrics/judge-clip.ts';
import { FIGURES } from '#gpu-container/evaluation/metrics/judge-clip.ts';
import { RFVD_LEAST_CLIPS } from '#gpu-container/evaluation/metrics/rfvd.ts';
import {
  ALL,
  ATTRIBUTES,
  type EvalReport,
  type EvalRow,
  type EvalSettings,
  isFrozen,
  worstFirst,
  wrongAttributes,
} from '#gpu-container/evaluation/report.ts';
import type { Reading, ThingReading } from '#gpu-container/evaluation/world/readings.ts';

/** Rows of cells, the header first. */
export type EvalTable = readonly (readonly string[])[];

/** What a figure is called before people, and what it is measured in. */
export const FIGURE_WORDS: Readonly<Record<keyof ClipFigures, readonly [name: string, unit: string]>> = {
  flicker: ['flicker', 'levels'],
  flickerSecond: ['flicker, second difference', 'levels'],
  warpError: ['warp error', 'levels'],
  visible: ['visible in both frames', 'share'],
  dynamicDegree: ['dynamic degree', '% of the side a frame'],
  sharpness: ['sharpness', 'levels²'],
};

const TASKS = { t2v: 'text-to-video', i2v: 'image-to-video', v2v: 'video-to-video' } as const;

/** What was judged, in two lines. */
export function headlines({ subject, settings, rows }: EvalReport): readonly [string, string] {
  const { model, bundle, engine, ort, provider, precision, threads, through } = subject;
  const runtime =
    through === 'server'
      ? 'through a server: enlarged, marked, encoded and decoded again'
      : `ONNX Runtime ${ort}, ${provider}, ${precision ?? 'precision not stated'}, ${threads} ${threads === 1 ? 'thread' : 'threads'}`;
  return [
    `${model}, bundle ${bundle?.slice(0, 12) ?? 'not told'}; reelay ${engine}, ${runtime}`,
    settingsLine(settings, rows.length),
  ];
}

/** What was asked for of so many prompts, in a line. */
export function settingsLine(settings: EvalSettings, prompts: number): string {
  const { task, preset, steps, guidance, size, frames } = settings;
  const by = preset === null ? '' : `, preset ${preset}`;
  const count = prompts === 1 ? '1 prompt' : `${prompts} prompts`;
  return `${TASKS[task]}, ${steps} ${steps === 1 ? 'step' : 'steps'}, guidance ${guidance}${by}; ${frames} frames of ${size}; ${count}`;
}

/** A figure as it is shown: so many digits that count. */
export function shownNumber(value: number, counting = 4): string {
  if (value === 0) return '0';
  const digits = Math.max(0, counting - 1 - Math.floor(Math.log10(Math.abs(value))));
  return value.toFixed(Math.min(digits, 5));
}

/** Figures over all clips, and where the worst is; only a header where no clip could be made. */
export function figureTable({ figures, rows, besideDrawn }: EvalReport): EvalTable {
  const again = besideDrawn?.recoded ?? null;
  const codec = again === null ? [] : ['codec over drawn'];
  const header = ['figure', 'unit', 'mean', 'deviation', 'least', 'most', 'most in prompt', 'over drawn', ...codec];
  if (figures === null) return [header];
  return [
    header,
    ...FIGURES.map(name => {
      const { mean, deviation, least, most } = figures[name];
      const where = rows.find(row => row.figures?.[name] === most);
      const numbers = [mean, deviation, least, most].map(value => shownNumber(value));
      const place = where === undefined ? '' : `#${where.index + 1}`;
      const over = besideDrawn === null ? '' : overDrawn(name, besideDrawn.made, besideDrawn.drawn);
      const ofCodec = again === null ? [] : [overDrawn(name, again.recoded, again.drawn)];
      return [...FIGURE_WORDS[name], ...numbers, place, over, ...ofCodec];
    }),
  ];
}

/** How much more than in the drawn clips of the same prompts; nothing of a figure that is not compared. */
function overDrawn(name: keyof ClipFigures, more: Flicker, drawn: Flicker): string {
  if ((name !== 'flicker' && name !== 'flickerSecond') || drawn[name] === 0) return '';
  return `${shownNumber(more[name] / drawn[name], 3)} ×`;
}

/** What is as asked, in percent; nothing where no prompt says what is wanted. */
export function adherenceTable({ adherence }: EvalReport): EvalTable {
  if (adherence === null) return [];
  return [
    ['as asked, %', 'clips', ...ATTRIBUTES, 'each of two'],
    ...Object.entries(adherence).map(([group, { clips, percent, eachOfTwo }]) => [
      group === ALL ? 'all prompts' : group,
      String(clips),
      ...ATTRIBUTES.map(name => percent[name].toFixed(1)),
      eachOfTwo?.toFixed(1) ?? '',
    ]),
  ];
}

/** Defects in a sentence. */
export function defectWords({ defects, rows }: EvalReport): string {
  const words: readonly (readonly [number, string])[] = [
    [defects.failed, 'could not be made'],
    [defects.blank, 'with blank frames'],
    [defects.frozen, 'frozen'],
    [defects.duplicates, 'with repeated frames'],
    [defects.cuts, 'with hard cuts'],
  ];
  const found = words.flatMap(([count, what]) => (count === 0 ? [] : [`${count} ${what}`]));
  return found.length === 0 ? 'none' : `of ${rows.length} clips ${found.join(', ')}`;
}

/** rFVD in a sentence. */
export function rfvdWords({ rfvd, rows }: EvalReport): string {
  if (rfvd !== null)
    return `${shownNumber(rfvd.value)} against ${rfvd.clips} drawn clips (no FVD: see docs/evaluation.md)`;
  if (rows.length < RFVD_LEAST_CLIPS)
    return `not told of ${rows.length === 1 ? '1 clip' : `${rows.length} clips`}; ${RFVD_LEAST_CLIPS} are needed`;
  return 'not told: there are too few clips whose scene can be drawn in their length';
}

/** How near first frames are to their pictures, in a sentence; none where none was drawn. */
export function firstFrameWords({ firstFramePsnr }: EvalReport): string[] {
  if (firstFramePsnr === null) return [];
  const { mean, least } = firstFramePsnr;
  return [`first frame against the picture: PSNR ${mean.toFixed(1)} dB, ${least.toFixed(1)} at least`];
}

/** A reading in a few words: "red ball right, blue star up, beside, meadow, static". */
export function readingWords({ things, place, background, camera }: Reading): string {
  const objects = things.map(thing => (isNothing(thing) ? 'nothing' : `${thing.color} ${thing.shape} ${thing.motion}`));
  return [...objects, ...(place === 'single' ? [] : [place]), background, camera].join(', ');
}

/** Whether no object could be read. */
export function isNothing({ color, shape, motion }: ThingReading): boolean {
  return color === 'none' && shape === 'none' && motion === 'none';
}

/** What is wrong with a clip; '' where nothing is. */
export function rowProblems(row: EvalRow): string[] {
  const { error, defects, marks } = row;
  if (error !== null) return [`not made: ${error}`];
  const cuts = defects?.cuts ?? [];
  return [
    ...(isFrozen(row) ? ['frozen'] : []),
    ...((defects?.blankFrames ?? 0) > 0 ? [`${defects?.blankFrames} blank frames`] : []),
    ...((defects?.duplicateFrames ?? 0) > 0 ? [`${defects?.duplicateFrames} repeated frames`] : []),
    ...(cuts.length > 0 ? [`cut at frame ${cuts.join(', ')}`] : []),
    ...(marks === null ? [] : wrongAttributes(marks).map(name => `wrong ${name}`)),
  ];
}

/** How many prompts a terminal is told of. */
const WORST = 5;

/** The report for a terminal. */
export function evalText(report: EvalReport): string {
  const worst = worstFirst(report.rows).filter(row => rowProblems(row).length > 0);
  const parts = [
    headlines(report).join('\n'),
    aligned(adherenceTable(report)),
    aligned(figureTable(report)),
    [`defects: ${defectWords(report)}`, `rFVD: ${rfvdWords(report)}`, ...firstFrameWords(report)].join('\n'),
    worst.length === 0
      ? ''
      : `worst of ${worst.length} with something wrong:\n${worst.slice(0, WORST).map(rowText).join('\n')}`,
  ];
  return `${parts.filter(part => part !== '').join('\n\n')}\n`;
}

function rowText(row: EvalRow): string {
  const read =
    row.want === null || row.got === null
      ? ''
      : `\n     asked: ${readingWords(row.want)}\n     read:  ${readingWords(row.got)}`;
  return `  #${row.index + 1} ${row.prompt}\n     ${rowProblems(row).join('; ')}${read}`;
}

/** Cells under one another, the first column to the left. */
export function aligned(table: EvalTable): string {
  const widths = (table[0] ?? []).map((_, column) => Math.max(...table.map(cells => cells[column]?.length ?? 0)));
  return table
    .map(cells =>
      cells
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
