/**
 * Videos whose bytes tell how they were made: a state that every step changes by the request, the step's number and the state before
 * it, so that a step left out, done twice or done on another job's state ends in other bytes.
 */
import { createHash } from 'node:crypto';
import type { Variant } from '#core/job.ts';
import type { ModelCard } from '#core/models.ts';
import type { VideoRequest } from '#core/video-request.ts';
import type { Nature, Wish } from './scenario.ts';

/** The one model of the simulation. */
export const SIM_CARD: ModelCard = {
  id: 'sim',
  created: 1_795_219_200,
  owned_by: 'reelay',
  license: 'Apache-2.0',
  description: 'for simulations',
  digest: 'd'.repeat(64),
  tasks: ['t2v'],
  sizes: ['64x64'],
  frames: { min: 16, max: 16, step: 1 },
  fps: { min: 8, max: 8, step: 1 },
  num_inference_steps: { min: 1, max: 100_000, step: 1 },
  guidance_scale: { min: 1, max: 10 },
  maxPromptChars: 200,
  presets: {},
  hasTwoExperts: false,
  defaults: { size: '64x64', frames: 16, fps: 8, num_inference_steps: 10, guidance_scale: 3, negative_prompt: '' },
};

/** What the prompt tells the renderer. */
export interface Told {
  readonly name: string;
  readonly nature: Nature;
  readonly atStep: number;
  readonly stepMs: number;
}

/** The prompt of a wish. */
export function promptOf({ name, nature, atStep, stepMs }: Omit<Told, 'name'> & Pick<Wish, 'name'>): string {
  return `${name} ${nature} ${atStep} ${stepMs}`;
}

/** What a prompt says. */
export function told(request: Pick<VideoRequest, 'prompt'>): Told {
  const [name = '', nature = 'healthy', atStep, stepMs] = request.prompt.split(' ');
  return { name, nature: nature as Nature, atStep: Number(atStep), stepMs: Number(stepMs) };
}

/** The state before the first step. */
export function firstState(request: VideoRequest): number {
  let state = request.seed | 0;
  for (let i = 0; i < request.prompt.length; i++) state = Math.imul(state ^ request.prompt.charCodeAt(i), 0x01000193);
  return state;
}

/** The state after this step, counted from 0. */
export function nextState(state: number, step: number): number {
  let next = Math.imul(state ^ Math.imul(step + 1, 0x9e3779b9), 0x85ebca6b);
  next ^= next >>> 13;
  return Math.imul(next, 0xc2b2ae35) | 0;
}

/** What one variant holds after all that was done. */
export function contentOf(request: VideoRequest, state: number, variant: Variant): Uint8Array {
  return Buffer.from(`${variant} of ${request.prompt} seed ${request.seed}: ${state}`);
}

/** What one variant must hold. */
export function expectedContent(request: VideoRequest, variant: Variant): Uint8Array {
  let state = firstState(request);
  for (let step = 0; step < request.num_inference_steps; step++) state = nextState(state, step);
  return contentOf(request, state, variant);
}

/** Lower-case hex. */
export function sha256(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** A sampler's state as bytes. */
export function checkpointBytes(request: VideoRequest, step: number, state: number): Uint8Array {
  return Buffer.from(JSON.stringify({ prompt: request.prompt, seed: request.seed, step, state }));
}

/** A state that fits the request; undefined for any other. */
export function readCheckpoint(bytes: Uint8Array, request: VideoRequest): { step: number; state: number } | undefined {
  try {
    const { prompt, seed, step, state } = JSON.parse(Buffer.from(bytes).toString());
    return prompt === request.prompt && seed === request.seed ? { step, state } : undefined;
  } catch {
    return undefined;
  }
}
