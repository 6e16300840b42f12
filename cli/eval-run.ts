/** @file The run of `reelay eval`: every prompt to a clip, every clip to a row. */
import { stat } from 'node:fs/promises';
import { ReelayError } from '#core/errors.ts';
import { limits } from '#core/limits.ts';
import type { Clip } from '#gpu-container/evaluation/clip.ts';
import { randomFeatures } from '#gpu-container/evaluation/metrics/random-features.ts';
import { RFVD_LEAST_CLIPS, rfvdOfFeatures } from '#gpu-container/evaluation/metrics/rfvd.ts';
import { type EvalReport, type EvalRow, type EvalSettings, reportOf } from '#gpu-container/evaluation/report.ts';
import { drawClip } from '#gpu-container/evaluation/world/draw-clip.ts';
import { COLORS, type Scene } from '#gpu-container/evaluation/world/scene.ts';
import { encodeContactSheet, encodePng } from '#gpu-container/media/contact-sheet.ts';
import { encodeMp4 } from '#gpu-container/media/encode-mp4.ts';
import { evalLimits } from './eval-limits.ts';
import type { EvalPrompt } from './eval-prompts.ts';
import { drawnAsLong, rowOf } from './eval-row.ts';
import type { ClipSource, EvalAsk, EvalReference } from './eval-source.ts';
import { readUpload } from './read-upload.ts';

/** Errors that say nothing of the next clip. */
const OF_ONE_CLIP: readonly string[] = ['render_failed', 'invalid_reference'];

/** The error of one clip that others need not have; every other one ends the run. */
function ofOneClip(error: unknown): ReelayError {
  if (error instanceof ReelayError && OF_ONE_CLIP.includes(error.code)) return error;
  throw error;
}

/** What is asked of every prompt. */
export interface EvalChoice {
  readonly task: 't2v' | 'i2v' | 'v2v';
  readonly preset?: string | undefined;
  readonly steps?: number | undefined;
  readonly guidance?: number | undefined;
}

/** A run's report, and a sheet for each row that has a clip, JPEG. */
export interface EvalResult {
  readonly report: EvalReport;
  readonly sheets: ReadonlyMap<number, Uint8Array>;
}

/** All that a prompt says to the source. Throws `invalid_request` where the task needs a file that the prompt does not name. */
export async function askOf(
  prompt: EvalPrompt,
  index: number,
  choice: EvalChoice,
  source: ClipSource,
): Promise<EvalAsk> {
  const { task, preset, steps, guidance } = choice;
  const reference = task === 't2v' ? undefined : await referenceOf(prompt, index, task, source);
  return { prompt: prompt.prompt, seed: prompt.seed, preset, steps, guidance, reference };
}

/** i2v starts from the first frame of a perfect clip, v2v from one whose objects have other colors. */
async function referenceOf(
  { image, video, scene }: EvalPrompt,
  index: number,
  task: 'i2v' | 'v2v',
  { size, frames, fps }: ClipSource,
): Promise<EvalReference> {
  const [field, path, most] =
    task === 'i2v'
      ? (['image_reference', image, limits.maxReferenceImageBytes] as const)
      : (['video_reference', video, limits.maxReferenceVideoBytes] as const);
  if (path !== null) return { field, bytes: (await readUpload(`prompt ${index + 1}`, path, most)).bytes };
  if (scene === null) {
    const key = task === 'i2v' ? 'image' : 'video';
    throw new ReelayError(
      'invalid_request',
      `--task ${task}: prompt ${index + 1} starts from no ${key}; its line may name one ("${key}": "…").`,
    );
  }
  const side = Math.min(...(size.split('x').map(Number) as [number, number]));
  if (task === 'i2v') {
    const first = drawClip(scene, side, [0]);
    return { field, bytes: await encodePng(first.rgb, first) };
  }
  const clip = drawClip(otherColors(scene), side);
  if (clip.frames < frames)
    throw new ReelayError(
      'invalid_request',
      `--task v2v: the drawn clips have ${clip.frames} frames, and the model needs ${frames}.`,
    );
  const drawn = { ...clip, fps }; // drawn by a program and not generated: there is nothing to mark
  return { field, bytes: await encodeMp4(drawn, () => undefined) };
}

function otherColors(scene: Scene): Scene {
  const names = Object.keys(COLORS) as (keyof typeof COLORS)[];
  const next = (color: keyof typeof COLORS) => names[(names.indexOf(color) + 3) % names.length]!;
  return { ...scene, things: scene.things.map(thing => ({ ...thing, color: next(thing.color) })) };
}

/** What of a run can be watched. */
export interface EvalWatch {
  readonly onClip: (done: number, of: number) => void;
}

/** Makes and judges the clips of all prompts, one after the other; a clip that cannot be made is a row that says why. */
export async function runEval(
  source: ClipSource,
  prompts: readonly EvalPrompt[],
  choice: EvalChoice,
  { onClip }: EvalWatch,
): Promise<EvalResult> {
  await checkPrompts(source, prompts, choice);
  const rows: EvalRow[] = [];
  const sheets = new Map<number, Uint8Array>();
  const features: { made: Float64Array[]; drawn: Float64Array[] } = { made: [], drawn: [] };
  let settings: EvalSettings | undefined;
  let failure: ReelayError | undefined;
  const wantsDistance = prompts.filter(one => one.scene !== null).length >= RFVD_LEAST_CLIPS;
  for (const [index, prompt] of prompts.entries()) {
    const ask = await askOf(prompt, index, choice, source);
    settings ??= source.check(ask) ?? undefined;
    const made = await source.make(ask, { keepLatents: false }).catch((error: unknown) => {
      failure = ofOneClip(error);
      return failure;
    });
    const recode = async (clip: Clip) => {
      const isEnough = rows.filter(row => row.recodedFlicker !== null).length >= evalLimits.recodedClips;
      return isEnough ? undefined : source.recode?.(ask, clip).catch((error: unknown) => void ofOneClip(error));
    };
    rows.push(await rowOf({ prompt, index, task: choice.task, made, recode }));
    if (!(made instanceof ReelayError)) {
      settings ??= made.settings;
      sheets.set(index, await sheetOf([made.clip]));
      if (wantsDistance && prompt.scene !== null) takeFeatures(features, made.clip, prompt.scene);
    }
    onClip(index + 1, prompts.length);
  }
  if (settings === undefined) throw failure; // of a server: nothing is known of what it did
  const { made, drawn } = features;
  const value = made.length === 0 ? null : rfvdOfFeatures(made, drawn);
  const rfvd = value === null ? null : { value, clips: made.length };
  return { report: reportOf(source.subject, settings, rows, rfvd), sheets };
}

/**
 * What the model would refuse, or a file that is not there, is found before an hour of rendering. Of references that are drawn the first
 * stands for all.
 */
async function checkPrompts(source: ClipSource, prompts: readonly EvalPrompt[], choice: EvalChoice): Promise<void> {
  for (const [index, prompt] of prompts.entries()) {
    const isDrawn = choice.task !== 't2v' && prompt.scene !== null;
    if (isDrawn && index > 0) continue;
    const ask = await askOf(prompt, index, choice, source);
    try {
      source.check(ask);
    } catch (error) {
      if (!(error instanceof ReelayError)) throw error;
      throw new ReelayError(error.code, `prompt ${index + 1}: ${error.message}`, { cause: error });
    }
  }
}

function takeFeatures(features: { made: Float64Array[]; drawn: Float64Array[] }, clip: Clip, scene: Scene): void {
  const drawn = drawnAsLong(scene, clip.frames);
  if (drawn === undefined) return;
  features.made.push(randomFeatures(clip));
  features.drawn.push(randomFeatures(drawn));
}

/** A row of frames for each clip, JPEG. */
export function sheetOf(clips: readonly Clip[]): Promise<Uint8Array> {
  const { sheetColumns: columns, sheetCellWidth: cellWidth } = evalLimits;
  return encodeContactSheet(clips, { columns, cellWidth });
}

/** How many times a difference is enlarged to be seen. */
const DIFFERENCE_TIMES = 4;

/** The golden clip, the new one, and four times their difference under one another; without it where the shapes differ. */
export function sideBySide(golden: Clip, made: Clip): Promise<Uint8Array> {
  if (golden.rgb.length !== made.rgb.length || golden.width !== made.width) return sheetOf([golden, made]);
  const rgb = golden.rgb.map((byte, i) => Math.min(255, DIFFERENCE_TIMES * Math.abs(byte - made.rgb[i]!)));
  return sheetOf([golden, made, { ...golden, rgb }]);
}

/** Whether a path is a folder. */
export async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() === true;
}
