/**
 * @file A request to frames: the networks and nothing else. video-pipeline wraps it with files and messages, bare-inference times
 * it. The same loop for every family and task; what differs is in engine/families.
 */
import { ReelayError } from '#core/errors.ts';
import type { Phase } from '#core/job.ts';
import { inRange } from '#core/models.ts';
import type { VideoRequest } from '#core/video-request.ts';
import type { RunState } from '#gpu-container/engine/checkpoint.ts';
import {
  type ClipShape,
  type DecoderInput,
  drawnFrames,
  type Picture,
  type Run,
  type RunRequest,
  type TextEmbedding,
} from '#gpu-container/engine/families/family.ts';
import { guide } from '#gpu-container/engine/guidance.ts';
import { createTorchRng, restoreTorchRng } from '#gpu-container/engine/random/torch-cpu-rng.ts';
import { type Denoiser, type SampleStart, sample, startIndexOf } from '#gpu-container/engine/sampler.ts';
import type { Model } from './model.ts';
import type { FrameChunk } from './video-decoder.ts';

/** What a caller may watch or stop. */
export interface GenerateOptions {
  /** At the start of each phase, and after each denoising step. */
  readonly onProgress?: (phase: Phase, step: number, steps: number) => void;
  /** Awaited between any two network runs, between two steps with where the run stands; reject to stop. */
  readonly checkpoint?: (state?: RunState) => Promise<void>;
  /** Goes on from here; read-resume.ts has seen to it that it fits. */
  readonly resume?: RunState | undefined;
  /** RGB bytes at the request's size: [H, W, 3] for i2v, [F, H, W, 3] for v2v. */
  readonly reference?: Uint8Array | undefined;
  /** i2v: the image as it was sent. */
  readonly picture?: Picture | undefined;
}

/** A clip on its way: denoised, its frames still to be decoded. */
export interface Generation {
  readonly clip: ClipShape & { readonly fps: number };
  /** In time order; to be read once. */
  readonly chunks: AsyncGenerator<FrameChunk>;
  readonly encodePromptMs: number;
  readonly denoiseMs: number;
}

/**
 * Text -> embeddings -> noise of the request's seed -> steps of the bundle's scheduler -> a latent that is decoded as it is read.
 * Resumed, it skips the steps done and gives the same frames, bit by bit on the same CPU provider and threads. Throws
 * `invalid_request` for what this bundle cannot make, RangeError where its graphs give other shapes, NotFiniteError where a value is no
 * number, and what `checkpoint` rejects with; reading the chunks throws the same.
 */
export async function generateFrames(
  model: Model,
  request: VideoRequest,
  options: GenerateOptions = {},
): Promise<Generation> {
  const { onProgress, picture } = options;
  const drawn = runRequest(model, request);
  const reference = options.reference && enough(options.reference, request, drawn);
  const wanted = { ...drawn, reference, picture };
  const clip = { frames: request.num_frames, height: wanted.height, width: wanted.width, fps: request.fps };
  const between = async () => options.checkpoint?.();
  const started = performance.now();
  await between();
  onProgress?.('encoding_prompt', 0, 0);
  const texts = [await model.embed(request.prompt)];
  if (request.guidance_scale > 1) {
    await between();
    texts.unshift(await model.embed(request.negative_prompt));
  }
  const encoded = performance.now();
  const latent = await denoiseLatent(model, request, wanted, { texts, between, ...options });
  const denoised = performance.now();
  onProgress?.('decoding', 0, 0);
  return {
    clip,
    chunks: model.decode(latent, clip, between), // what was drawn beyond the clip is cut
    encodePromptMs: encoded - started,
    denoiseMs: denoised - encoded,
  };
}

/** The request in the engine's words, without its reference; `frames` are those drawn, as many as the clip has or a few more. */
export function runRequest(model: Model, request: VideoRequest): RunRequest {
  const [width, height] = checkRequest(model, request);
  const { task, num_inference_steps: steps, guidance_scale: guidance, fps } = request;
  const frames = drawnFrames(model.family.frameRule, request.num_frames);
  const guidance2 = request.guidance_scale_2 ?? undefined;
  return { task, frames, height, width, fps, steps, guidance, guidance2 };
}

/** A video of the clip's length, its last frame repeated for the frames that will be cut. */
export function enough(
  reference: Uint8Array,
  { task, num_frames }: VideoRequest,
  { frames, height, width }: RunRequest,
) {
  if (task !== 'v2v' || frames === num_frames) return reference;
  const bytes = 3 * height * width;
  const longer = new Uint8Array(frames * bytes);
  for (let i = 0; i < frames; i++) {
    const from = Math.min(i, num_frames - 1) * bytes;
    longer.set(reference.subarray(from, from + bytes), i * bytes);
  }
  return longer;
}

/** The steps that are left. The generator that drew the first noise also draws in the steps and before decoding. */
async function denoiseLatent(
  model: Model,
  request: VideoRequest,
  wanted: RunRequest,
  options: GenerateOptions & Texts,
): Promise<DecoderInput> {
  const { onProgress, checkpoint, resume, between } = options;
  const scheduler = model.scheduler(wanted, request.flow_shift);
  const steps = scheduler.timesteps.length;
  let rng = createTorchRng(request.seed);
  const run = await model.family.start(wanted, {
    draw: count => rng.randn(count), // later too: `finish` may draw
    encodeVideo: video => model.encodeVideo(video, between),
    encodeImage: model.encodeImage,
  });
  if (resume?.rng) rng = restoreTorchRng(resume.rng);
  onProgress?.('denoising', resume?.step ?? 0, steps);
  const firstStep = run.clean && startIndexOf(request.strength ?? 1, request.num_inference_steps, scheduler);
  const sampled = await sample({
    ...startOf(run, firstStep ?? 0, resume),
    firstStep,
    scheduler,
    stepCache: request.step_cache ?? undefined,
    denoise: guidedDenoiser(model, run, options),
    drawNoise: () => rng.randn(run.noise.length),
    onStep: step => onProgress?.('denoising', step, steps),
    ...(checkpoint && {
      checkpoint: state => checkpoint({ step: state.scheduler.index, steps, rng: rng.save(), ...state }),
    }),
  });
  return run.finish(sampled);
}

function startOf({ noise, clean }: Run, startIndex: number, resume: RunState | undefined): SampleStart {
  if (resume !== undefined) return { resumeFrom: { scheduler: resume.scheduler, cache: resume.cache } };
  return clean === undefined ? { noise } : { clean, noise, startIndex };
}

/** With two texts classifier-free guidance: both as one batch or one after the other, as the family's graphs are exported. */
function guidedDenoiser(model: Model, run: Run, { texts, between }: Texts): Denoiser {
  return async (sample, timestep, step) => {
    const component = run.component(timestep);
    const output = async (batch: readonly TextEmbedding[]) => {
      const raw = await model.denoise(component, run.feeds({ sample, timestep, texts: batch }));
      const used = run.output?.(raw, batch.length) ?? raw;
      const values = batch.length * sample.length;
      if (used.length !== values)
        throw new RangeError(`${component}: it gave ${used.length} values; the scheduler's sample has ${values}.`);
      return used;
    };
    if (texts.length === 1) return output(texts);
    const scale = run.guidance(timestep, step);
    if (run.batchedGuidance) {
      const both = await output(texts);
      const half = both.length / 2;
      return guide(both.subarray(0, half), both.subarray(half), scale);
    }
    const [negative, prompt] = texts as [TextEmbedding, TextEmbedding];
    const conditional = await output([prompt]);
    await between();
    return guide(await output([negative]), conditional, scale);
  };
}

/** The embeddings of a run, [prompt] or [negative, prompt], and what is awaited between two network runs. */
interface Texts {
  readonly texts: readonly TextEmbedding[];
  readonly between: () => Promise<void>;
}

/** The doors have checked this against the same card; a message from an older front, or for another model, ends here. */
function checkRequest(model: Model, request: VideoRequest): [width: number, height: number] {
  const { card } = model.bundle;
  const refuse = (field: string, got: unknown) =>
    new ReelayError('invalid_request', `${field}: got ${got}; the bundle ${card.id} does not make that.`);
  if (request.model !== card.id) throw refuse('model', request.model);
  if (!card.tasks.includes(request.task)) throw refuse('task', request.task);
  if (!card.sizes.includes(request.size)) throw refuse('size', request.size);
  if (!inRange(card.frames, request.num_frames)) throw refuse('num_frames', request.num_frames);
  if (!inRange(card.fps, request.fps)) throw refuse('fps', request.fps);
  if (!inRange(card.num_inference_steps, request.num_inference_steps))
    throw refuse('num_inference_steps', request.num_inference_steps);
  const [width, height] = request.size.split('x').map(Number);
  return [width!, height!];
}
