/** @file A request's fields against the limits of its model, with the model's defaults where they say nothing. */
import type { Problem } from './errors.ts';
import { limits } from './limits.ts';
import {
  DEFAULT_STRENGTH,
  describeRange,
  describeTasks,
  framesForSeconds,
  inRange,
  type ModelCard,
  type ModelPreset,
  offeredSeconds,
  type Task,
} from './models.ts';
import { defaultResidency } from './policy/residency.ts';
import { inspectReference, type ReferenceFile } from './references/read-reference.ts';
import { got, type RawRequest } from './request-fields.ts';
import { resolveSampling } from './resolve-sampling.ts';
import type { VideoRequest } from './video-request.ts';

/** What is known of a request before its model is looked at. */
export interface Known {
  /** Used when the request names none. */
  readonly seed: number;
  readonly task: Task;
  readonly file: ReferenceFile | undefined;
  /** Set when the model does not offer the task: then the file is not looked at. */
  readonly lacking: Problem | undefined;
}

/** The request with every default filled in; undefined, with what is wrong added to `problems`, where that cannot be. */
export function resolveRequest(
  raw: RawRequest,
  card: ModelCard,
  known: Known,
  problems: Problem[],
): VideoRequest | undefined {
  const complain = (path: string, message: string) => void problems.push({ path, message: `${path}: ${message}` });
  checkTexts(raw, card, complain);
  const size = resolveSize(raw, card, complain);
  const timing = resolveTiming(raw, card, complain);
  const sampling = resolveSampling(raw, card, complain);
  const steps = sampling.settings.num_inference_steps;
  const used = raw.seed ?? known.seed;
  if (!Number.isInteger(used) || used < 0 || used > 0xffffffff)
    complain('seed', `got ${used}; a whole number from 0 to 4294967295 is allowed.`);
  const strength = resolveStrength(raw, card, { task: known.task, steps, preset: sampling.preset }, complain);
  if (known.lacking === undefined) checkFile(known.file, timing, complain);
  if (problems.length > 0 || timing === undefined || raw.prompt === undefined) return undefined;
  return {
    model: card.id,
    prompt: raw.prompt,
    negative_prompt: raw.negative_prompt ?? card.defaults.negative_prompt,
    size,
    seconds: timing.frames / timing.fps,
    num_frames: timing.frames,
    fps: timing.fps,
    ...sampling.settings,
    seed: used,
    metadata: raw.metadata ?? {},
    task: known.task,
    strength,
    reference: null,
    residency: raw.residency ?? defaultResidency,
  };
}

/** Adds a problem: where, and the sentence behind the path. */
export type Complain = (path: string, message: string) => void;

function checkTexts(raw: RawRequest, card: ModelCard, complain: Complain): void {
  const tooLong = (text: string) => `got ${text.length} characters; ${card.id} takes at most ${card.maxPromptChars}.`;
  if (raw.prompt !== undefined) {
    if (raw.prompt.trim() === '') complain('prompt', 'got an empty text; say what the video should show.');
    if (raw.prompt.length > card.maxPromptChars) complain('prompt', tooLong(raw.prompt));
  }
  if (raw.negative_prompt !== undefined && raw.negative_prompt.length > card.maxPromptChars)
    complain('negative_prompt', tooLong(raw.negative_prompt));
  const entries = Object.entries(raw.metadata ?? {});
  if (entries.length > limits.maxMetadataEntries)
    complain('metadata', `got ${entries.length} entries; at most ${limits.maxMetadataEntries} are allowed.`);
  for (const [key, value] of entries)
    if (key.length > limits.maxMetadataKeyChars || value.length > limits.maxMetadataValueChars)
      complain(
        `metadata[${key.slice(0, limits.maxMetadataKeyChars)}]`,
        `keys may have ${limits.maxMetadataKeyChars} characters and values ${limits.maxMetadataValueChars}.`,
      );
}

function resolveSize(raw: RawRequest, card: ModelCard, complain: Complain): string {
  const sizes = card.sizes.join(', ');
  if (raw.size !== undefined && !card.sizes.includes(raw.size))
    complain('size', `got ${got(raw.size)}; ${card.id} makes ${sizes}.`);
  const [width, height] = (raw.size ?? card.defaults.size).split('x').map(Number);
  const pair = `${raw.width ?? width}x${raw.height ?? height}`;
  if (raw.width === undefined && raw.height === undefined) return raw.size ?? card.defaults.size;
  const field = raw.width === undefined ? 'height' : 'width';
  if (raw.size !== undefined && pair !== raw.size)
    complain(field, `width and height say ${pair} but size says ${got(raw.size)}; send one or make them agree.`);
  else if (raw.size === undefined && !card.sizes.includes(pair))
    complain(field, `got ${pair}; ${card.id} makes ${sizes}.`);
  return pair;
}

function resolveTiming(
  raw: RawRequest,
  card: ModelCard,
  complain: Complain,
): { frames: number; fps: number } | undefined {
  if (raw.fps !== undefined && !inRange(card.fps, raw.fps)) {
    complain('fps', `got ${raw.fps}; ${card.id} takes ${describeRange(card.fps)}.`);
    return undefined;
  }
  if (raw.num_frames !== undefined && !inRange(card.frames, raw.num_frames)) {
    complain('num_frames', `got ${raw.num_frames}; ${card.id} makes ${describeRange(card.frames)} frames.`);
    return undefined;
  }
  if (raw.seconds === undefined)
    return { frames: raw.num_frames ?? card.defaults.frames, fps: raw.fps ?? card.defaults.fps };
  if (raw.num_frames !== undefined) {
    const fps = raw.fps ?? raw.num_frames / raw.seconds;
    if (Math.abs(raw.num_frames / fps - raw.seconds) < 1e-6 && inRange(card.fps, fps))
      return { frames: raw.num_frames, fps };
    complain('seconds', `got ${raw.seconds}, which disagrees with num_frames ${raw.num_frames}; send one of them.`);
    return undefined;
  }
  const found = framesForSeconds(card, raw.seconds, raw.fps);
  if (found === undefined) {
    const at = raw.fps === undefined ? '' : ` at ${raw.fps} fps`;
    complain('seconds', `got ${raw.seconds}${at}; ${card.id} makes ${offeredSeconds(card).join(', ')} seconds.`);
  }
  return found;
}

function resolveStrength(
  raw: RawRequest,
  card: ModelCard,
  { task, steps, preset }: { task: Task; steps: number; preset: ModelPreset },
  complain: Complain,
): number | null {
  if (task !== 'v2v') {
    if (raw.strength !== undefined)
      complain('strength', `only ${describeTasks(['v2v'])} has one; send a video with it, or leave it out.`);
    return null;
  }
  const strength = raw.strength ?? preset.strength ?? card.defaults.strength ?? DEFAULT_STRENGTH;
  if (strength < 0 || strength > 1) complain('strength', `got ${strength}; 0 to 1 is allowed.`);
  // The sampler starts that far before its end: of too little of too few steps nothing is left.
  else if (Math.floor(steps * strength) < 1)
    complain(
      'strength',
      `got ${strength}; of ${steps} steps it leaves none: at least ${roundUp(1 / steps)} is needed.`,
    );
  return strength;
}

function roundUp(value: number): number {
  return Math.ceil(value * 1000) / 1000;
}

function checkFile(
  file: ReferenceFile | undefined,
  timing: { frames: number; fps: number } | undefined,
  complain: Complain,
): void {
  if (file === undefined) return;
  const facts = inspectReference(file);
  if (typeof facts === 'string') complain(file.path, `${facts}.`);
  if (typeof facts === 'string' || facts.seconds === null || timing === undefined) return;
  const lastSeconds = (timing.frames - 1) / timing.fps;
  if (facts.seconds >= lastSeconds) return;
  const asked = `${timing.frames} frames at ${timing.fps} a second`;
  complain(
    file.path,
    `got ${facts.seconds.toFixed(2)} seconds of video and ${asked} are asked for; send a longer one.`,
  );
}
