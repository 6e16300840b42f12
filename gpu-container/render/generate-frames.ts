/**
 * @file Prompt to frames: the networks and nothing else. text-to-video wraps it with files and messages, bare-inference times it.
 */
import { ReelayError } from '#core/errors.ts';
import type { Phase } from '#core/job.ts';
import { inRange } from '#core/models.ts';
import type { VideoRequest } from '#core/video-request.ts';
import type { RunState } from '#gpu-container/engine/checkpoint.ts';
import { framesFromSample } from '#gpu-container/engine/frames.ts';
import { guide } from '#gpu-container/engine/guidance.ts';
import { elementCount, latentDims, stack } from '#gpu-container/engine/latents.ts';
import { createTorchRng, restoreTorchRng } from '#gpu-container/engine/random/torch-cpu-rng.ts';
import { type Denoiser, sample } from '#gpu-container/engine/sampler.ts';
import type { Clip } from '#gpu-container/media/clip.ts';
import type { Model } from './model.ts';

/** What a caller may watch or stop. */
export interface GenerateOptions {
  /** At the start of each phase, and after each denoising step. */
  readonly onProgress?: (phase: Phase, step: number, steps: number) => void;
  /** Awaited between any two network runs, while denoising with where the run stands; reject to stop. */
  readonly checkpoint?: (state?: RunState) => Promise<void>;
  /** Goes on from here; read-resume.ts has seen to it that it fits. */
  readonly resume?: RunState | undefined;
}

/** The frames of a clip and how long each part took. */
export interface Generated {
  readonly clip: Clip;
  readonly encodePromptMs: number;
  readonly denoiseMs: number;
  readonly decodeMs: number;
}

/** A text's embedding [1, maxTokens, width]; a remembered one must not be changed. */
export type Embed = (text: string) => Promise<Float32Array>;

/**
 * Text -> embeddings -> noise of the request's seed -> flow-matching steps -> decoder -> RGB. Resumed, it skips the steps done and
 * gives the same frames, bit by bit on the same CPU provider and threads. Throws `invalid_request` for what this bundle cannot
 * make, and what `checkpoint` rejects with.
 */
export async function generateFrames(
  model: Model,
  embed: Embed,
  request: VideoRequest,
  options: GenerateOptions = {},
): Promise<Generated> {
  const { onProgress, checkpoint } = options;
  const [width, height] = checkRequest(model, request);
  const times = [performance.now()];
  await checkpoint?.();
  onProgress?.('encoding_prompt', 0, 0);
  const denoise = await guidedDenoiser(model, embed, request);
  times.push(performance.now());
  const latent = await denoiseLatent(model, request, denoise, options);
  times.push(performance.now());
  onProgress?.('decoding', 0, 0);
  const decoded = await model.decode(latent);
  const rgb = framesFromSample(decoded, { frames: request.num_frames, height, width });
  times.push(performance.now());
  const [encodePromptMs, denoiseMs, decodeMs] = times.slice(1).map((time, i) => time - times[i]!);
  return {
    clip: { rgb, frames: request.num_frames, width, height, fps: request.fps },
    encodePromptMs: encodePromptMs!,
    denoiseMs: denoiseMs!,
    decodeMs: decodeMs!,
  };
}

/** All steps that are left. The generator that drew the first noise also draws in the steps, where the scheduler asks for it. */
function denoiseLatent(model: Model, request: VideoRequest, denoise: Denoiser, options: GenerateOptions) {
  const { onProgress, checkpoint, resume } = options;
  const scheduler = model.scheduler(request.num_inference_steps);
  const steps = scheduler.timesteps.length;
  const values = elementCount(latentDims(model.latent, 1));
  const rng = resume?.rng ? restoreTorchRng(resume.rng) : createTorchRng(request.seed);
  const noise = resume?.rng ? new Float32Array(0) : rng.randn(values); // a run without a saved generator has drawn this and no more
  const start = resume ? { resumeFrom: resume.scheduler } : { noise };
  onProgress?.('denoising', resume?.step ?? 0, steps);
  return sample({
    ...start,
    scheduler,
    denoise,
    drawNoise: () => rng.randn(values),
    onStep: step => onProgress?.('denoising', step, steps),
    ...(checkpoint && {
      checkpoint: state => checkpoint({ step: state.index, steps, scheduler: state, rng: rng.save() }),
    }),
  });
}

/**
 * One function for both kinds of step: with guidance, [negative, prompt] as a batch of two in one run; at guidance 1, where the
 * negative prompt has no weight, the prompt alone.
 */
async function guidedDenoiser(model: Model, embed: Embed, request: VideoRequest): Promise<Denoiser> {
  const prompt = await embed(request.prompt);
  const scale = request.guidance_scale;
  if (scale === 1) return (latents, timestep) => model.velocity(1, latents, timestep, prompt);
  const both = stack([await embed(request.negative_prompt), prompt]);
  return async (latents, timestep) => {
    const velocity = await model.velocity(2, stack([latents, latents]), timestep, both);
    const half = velocity.length / 2;
    return guide(velocity.subarray(0, half), velocity.subarray(half), scale);
  };
}

/** The doors have checked this against the same card; a message from an older front, or for another model, ends here. */
function checkRequest(model: Model, request: VideoRequest): [width: number, height: number] {
  const { card } = model.bundle;
  const refuse = (field: string, got: unknown) =>
    new ReelayError('invalid_request', `${field}: got ${got}; the bundle ${card.id} does not make that.`);
  if (request.model !== card.id) throw refuse('model', request.model);
  if (!card.sizes.includes(request.size)) throw refuse('size', request.size);
  if (!inRange(card.frames, request.num_frames)) throw refuse('num_frames', request.num_frames);
  if (!inRange(card.fps, request.fps)) throw refuse('fps', request.fps);
  if (!inRange(card.num_inference_steps, request.num_inference_steps))
    throw refuse('num_inference_steps', request.num_inference_steps);
  const [width, height] = request.size.split('x').map(Number);
  return [width!, height!];
}
