import type { Governance } from './governance/statement.ts';
import type { WatermarkStrength } from './job.ts';
import type { ModelNeeds } from './provider.ts';

/**
 * What a model bundle offers: the limits a request is checked against and the defaults that fill it. Read from bundle.json; the
 * doors never see a graph.
 */
export interface ModelCard {
  readonly id: string;
  /** Unix seconds. */
  readonly created: number;
  readonly owned_by: string;
  readonly license: string;
  readonly description: string;
  /** sha256 over the bundle's file list: names the exact weights a job ran on. */
  readonly digest: string;
  /** sha256 of the bundle.json that this card was made from, where a deployment binds its workers to that very one. */
  readonly manifest?: string;
  readonly tasks: readonly Task[];
  /** "WIDTHxHEIGHT", in pixels. */
  readonly sizes: readonly string[];
  /** Allowed frame counts: min..max in steps of `step`. */
  readonly frames: IntegerRange;
  readonly fps: IntegerRange;
  readonly num_inference_steps: IntegerRange;
  readonly guidance_scale: { readonly min: number; readonly max: number };
  readonly maxPromptChars: number;
  readonly defaults: ModelDefaults;
  /** Settings that a request may ask for by name, "fast" for one. */
  readonly presets: Readonly<Record<string, ModelPreset>>;
  /** Two networks share the steps: `guidance_scale_2` is the second one's. */
  readonly hasTwoExperts: boolean;
  /** Of the machine that renders it. */
  readonly requires?: ModelNeeds;
  /** By size: what the file has, which a small clip is enlarged to, and what the watermark of it withstands. */
  readonly delivery?: Readonly<Record<string, { readonly size: string; readonly watermark: WatermarkStrength }>>;
  /** What its makers state of it. */
  readonly governance?: Governance;
}

/** What a preset stands for; what it leaves out is the model's default. */
export interface ModelPreset {
  readonly num_inference_steps?: number;
  readonly guidance_scale?: number;
  readonly flow_shift?: number;
  readonly strength?: number;
}

/** Text, image or video to video. */
export type Task = 't2v' | 'i2v' | 'v2v';

const TASK_WORDS: Readonly<Record<Task, string>> = {
  t2v: 'text-to-video',
  i2v: 'image-to-video',
  v2v: 'video-to-video',
};

/** Tasks in words, for messages. */
export function describeTasks(tasks: readonly Task[]): string {
  return tasks.map(task => TASK_WORDS[task]).join(', ');
}

/** min, min + step, … up to max. */
export interface IntegerRange {
  readonly min: number;
  readonly max: number;
  readonly step: number;
}

/** What a request that says nothing gets. */
export interface ModelDefaults {
  readonly size: string;
  readonly frames: number;
  readonly fps: number;
  readonly num_inference_steps: number;
  readonly guidance_scale: number;
  readonly negative_prompt: string;
  /** How far a video-to-video request goes from its video, 0 to 1; DEFAULT_STRENGTH where the model says nothing. */
  readonly strength?: number;
  /** Set where the model's schedule has a shift that a request may change. */
  readonly flow_shift?: number;
}

/** What the field's own pipelines use (diffusers 0.42, WanVideoToVideoPipeline and CogVideoXVideoToVideoPipeline). */
export const DEFAULT_STRENGTH = 0.8;

/** The models a server offers; the first is the default. */
export type ModelCatalog = readonly ModelCard[];

/** Whether a value is one of the range. */
export function inRange(range: IntegerRange, value: number): boolean {
  return Number.isInteger(value) && value >= range.min && value <= range.max && (value - range.min) % range.step === 0;
}

/** The range in words, for messages. */
export function describeRange(range: IntegerRange): string {
  if (range.min === range.max) return `${range.min}`;
  const step = range.step === 1 ? '' : ` in steps of ${range.step}`;
  return `${range.min} to ${range.max}${step}`;
}

/**
 * Lengths to offer in a form or list in an error, in seconds, ascending: the model's usual one and the whole ones that some allowed
 * pair of frames and fps gives, or, for a model that has none (4k+1 frames at a fixed rate), each frame count at the default rate. To
 * two decimals.
 */
export function offeredSeconds(card: ModelCard): number[] {
  const { frames: usual, fps: usualRate } = card.defaults;
  const atUsualRate = (frames: number) => Math.round((100 * frames) / usualRate) / 100;
  const whole = new Set<number>();
  const all = new Set<number>();
  for (let frames = card.frames.min; frames <= card.frames.max; frames += card.frames.step) {
    all.add(atUsualRate(frames));
    for (let fps = card.fps.min; fps <= card.fps.max; fps += card.fps.step)
      if (frames % fps === 0) whole.add(frames / fps);
  }
  return [...(whole.size > 0 ? whole.add(atUsualRate(usual)) : all)].sort((a, b) => a - b);
}

/** Half of the last digit that `offeredSeconds` keeps: what it offers is accepted. */
const SECONDS_TOLERANCE = 0.005;

/**
 * Frames and fps for a wish in seconds: the default fps if it gives an allowed frame count, else the nearest fps that does.
 * undefined when no pair fits.
 */
export function framesForSeconds(
  card: ModelCard,
  seconds: number,
  fps?: number,
): { frames: number; fps: number } | undefined {
  const rates: number[] = [];
  for (let rate = card.fps.min; rate <= card.fps.max; rate += card.fps.step) rates.push(rate);
  rates.sort((a, b) => Math.abs(a - card.defaults.fps) - Math.abs(b - card.defaults.fps));
  for (const rate of fps === undefined ? rates : [fps]) {
    const frames = Math.round(seconds * rate);
    if (Math.abs(frames / rate - seconds) <= SECONDS_TOLERANCE + 1e-9 && inRange(card.frames, frames))
      return { frames, fps: rate };
  }
  return undefined;
}
