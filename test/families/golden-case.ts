/** @file One golden case through the engine, from its seed, compared with diffusers number by number. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { VideoRequest } from '#core/video-request.ts';
import type { SampleState } from '#gpu-container/engine/sampler.ts';
import { generateFrames } from '#gpu-container/render/generate-frames.ts';
import type { Model } from '#gpu-container/render/model.ts';
import { type GoldenTensor, readSafetensors } from './safetensors.ts';

export interface GoldenCase {
  readonly name: string;
  readonly file: string;
  readonly task: 't2v' | 'i2v' | 'v2v';
  readonly request: Partial<VideoRequest> & { readonly size: string };
}

/** What is promised: docs/engine.md. */
export const TOLERANCES = { noise: 2e-6, embeds: 1e-5, timesteps: 1e-6, latents: 1e-4, frames: 1e-3 };

/** Largest differences; latents relative to their largest value, frames in 0..1. */
export interface Differences {
  readonly embeds: number;
  readonly timesteps: number;
  readonly noise: number;
  /** One a step. */
  readonly latents: readonly number[];
  readonly frames: number;
}

export async function goldenCases(folder: string): Promise<readonly GoldenCase[]> {
  return JSON.parse(await readFile(join(folder, 'golden/golden.json'), 'utf8')).cases;
}

/** The request of a case as a door would have filled it in. */
export function requestOfCase(model: Model, { task, request }: GoldenCase): VideoRequest {
  const { card } = model.bundle;
  return {
    model: card.id,
    prompt: '',
    negative_prompt: '',
    seconds: 1,
    num_frames: card.defaults.frames,
    fps: card.defaults.fps,
    num_inference_steps: card.defaults.num_inference_steps,
    guidance_scale: card.defaults.guidance_scale,
    seed: 0,
    metadata: {},
    strength: null,
    reference: null,
    guidance_scale_2: null,
    flow_shift: null,
    step_cache: null,
    residency: 'standard',
    ...request,
    task,
  };
}

/** The model with a card that offers what a case asks for: cases go beyond the card's sizes. */
export function widened(model: Model, request: VideoRequest): Model {
  const card = { ...model.bundle.card, sizes: [request.size], frames: { min: 1, max: 1_000, step: 1 } };
  return { ...model, bundle: { ...model.bundle, card } };
}

export async function compareCase(model: Model, folder: string, one: GoldenCase): Promise<Differences> {
  const golden = await readSafetensors(join(folder, one.file));
  const request = requestOfCase(model, one);
  const states: SampleState[] = [];
  const seen: { embeds: number; noise: number } = { embeds: 0, noise: 0 };
  const watched: Model = {
    ...widened(model, request),
    async embed(text) {
      const embedding = await model.embed(text);
      const name = text === request.prompt ? 'prompt_embeds' : 'negative_embeds';
      seen.embeds = Math.max(seen.embeds, relative(embedding.embeds, golden[name]!));
      return embedding;
    },
  };
  const run: { shown?: (sample: Float32Array) => Float32Array } = {};
  const start: Model['family']['start'] = async (wanted, means) => {
    let drawn = new Float32Array(0);
    const draw = (count: number) => {
      drawn = Float32Array.from(means.draw(count));
      return drawn;
    };
    const started = await model.family.start(wanted, { ...means, draw });
    seen.noise = relative(drawn, golden.noise!); // the last draw before the steps
    Object.assign(run, started.shown && { shown: started.shown });
    return started;
  };
  const reference = golden.image?.data ?? golden.video?.data;
  const [height, width] = golden.picture?.shape ?? [];
  const rgb = golden.picture?.data as Uint8Array;
  const generation = await generateFrames({ ...watched, family: { ...model.family, start } }, request, {
    reference: reference as Uint8Array | undefined,
    picture: golden.picture && { rgb, height: height!, width: width! },
    checkpoint: async state => void (state && states.push({ scheduler: state.scheduler, cache: null })),
  });
  const steps = golden.latents!.shape[0]!;
  const size = golden.latents!.data.length / steps;
  const taken = states.slice(-steps);
  const latents = taken.map(({ scheduler }, i) => {
    const expected = { shape: [], data: golden.latents!.data.subarray(i * size, (i + 1) * size) };
    return relative(run.shown?.(scheduler.sample) ?? scheduler.sample, expected);
  });
  const { clip, chunks } = generation;
  const cells = clip.height * clip.width;
  let frames = 0;
  let at = 0;
  for await (const chunk of chunks) {
    for (let t = 0; t < chunk.frames; t++, at++)
      for (let i = 0; i < cells; i++)
        for (let color = 0; color < 3; color++) {
          const value = Math.min(1, Math.max(0, chunk.sample[(color * chunk.frames + t) * cells + i]! / 2 + 0.5));
          frames = Math.max(frames, Math.abs(value - golden.frames!.data[(at * cells + i) * 3 + color]!));
        }
  }
  const scheduler = model.scheduler({ ...clip, task: one.task, steps: request.num_inference_steps, guidance: 1 });
  const from = scheduler.timesteps.length - golden.timesteps!.data.length;
  const timesteps = relative(Float32Array.from(scheduler.timesteps.subarray(from)), golden.timesteps!);
  return { ...seen, timesteps, latents, frames: at * cells * 3 === golden.frames!.data.length ? frames : Infinity };
}

/** Largest difference over the largest value expected; Infinity where the lengths differ. */
export function relative(got: ArrayLike<number>, { data }: GoldenTensor): number {
  if (got.length !== data.length) return Infinity;
  let [worst, scale] = [0, 0];
  for (let i = 0; i < data.length; i++) {
    worst = Math.max(worst, Math.abs(got[i]! - data[i]!));
    scale = Math.max(scale, Math.abs(data[i]!));
  }
  return Number.isNaN(worst) ? Infinity : worst / (scale || 1);
}
