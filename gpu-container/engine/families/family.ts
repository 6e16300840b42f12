/**
 * @file What a model family is to the pipeline: data and small pure functions, so that one loop renders all of them.
 *
 * A family knows shapes, packing, what a denoiser is fed, how guidance runs and how a latent is made ready for its decoder. It
 * owns no graph and draws no number: `start` is given both. Everything here follows diffusers' pipeline of the same family.
 */
import type { SchedulerOptions } from '../schedulers/scheduler.ts';
import type { FloatTensor, TensorMap } from '../tensor.ts';

/** What a video is made from: a text alone, a first frame, or a video. */
export type Task = 't2v' | 'i2v' | 'v2v';

/** Which bundle component denoises at a step. */
export type DenoiserName = 'transformer' | 'transformer_2' | 'unet';

/** The clip that a run makes, in pixels and frames. */
export interface ClipShape {
  readonly frames: number;
  readonly height: number;
  readonly width: number;
}

/** A text as the denoiser is fed it. */
export interface TextEmbedding {
  /** [1, tokens, width] */
  readonly embeds: Float32Array;
  /** 1 for a token, 0 for padding; one a token. */
  readonly mask: Uint8Array;
  readonly tokens: number;
  readonly width: number;
}

/** RGB bytes [height, width, 3]. */
export interface Picture {
  readonly rgb: Uint8Array;
  readonly height: number;
  readonly width: number;
}

/** What one run is to make. */
export interface RunRequest extends ClipShape {
  readonly task: Task;
  readonly steps: number;
  /** 1 or less: the prompt alone, in one run a step. */
  readonly guidance: number;
  /** For the second expert; `guidance` where undefined. */
  readonly guidance2?: number | undefined;
  /** Of the delivered clip; LTX positions its tokens in seconds. */
  readonly fps: number;
  /** RGB bytes at the clip's size: [H, W, 3] for i2v, [F, H, W, 3] for v2v. */
  readonly reference?: Uint8Array | undefined;
  /** i2v: the image as it was sent, for encoders that cut it in their own way; `reference` where undefined. */
  readonly picture?: Picture | undefined;
}

/** What a family may call while it starts and ends a run. */
export interface RunMeans {
  /** Standard normal values, next in the run's one generator. */
  draw(count: number): Float32Array;
  /** vae_encoder: a video [1, 3, F, H, W] in -1..1 -> its posterior's parameters [1, 2C, T, h, w]. */
  encodeVideo(video: FloatTensor): Promise<FloatTensor>;
  /** image_encoder -> embedding [1, N, D]. */
  encodeImage(picture: Picture): Promise<FloatTensor>;
}

/** One network run of a step. */
export interface DenoiserCall {
  /** The scheduler's sample, scaled for the model; the same for all of the batch. */
  readonly sample: Float32Array;
  readonly timestep: number;
  /** One a batch entry: [prompt] or [negative, prompt]. */
  readonly texts: readonly TextEmbedding[];
}

/** A run made ready: what is left is the loop, the same for all families. */
export interface Run {
  /** Standard normal, in the scheduler's layout: not yet multiplied by initNoiseSigma. */
  readonly noise: Float32Array;
  /** A clean sample to begin from in the scheduler's layout, for v2v. */
  readonly clean?: Float32Array;
  /** With guidance: one network run for [negative, prompt], or a run for each. */
  readonly batchedGuidance: boolean;
  component(timestep: number): DenoiserName;
  /** Strength of classifier-free guidance at a step. */
  guidance(timestep: number, step: number): number;
  feeds(call: DenoiserCall): TensorMap;
  /** Of a network's output what the scheduler steps with, [batch · sample]; identity where undefined. */
  output?(output: Float32Array, batch: number): Float32Array;
  /** The whole latent as diffusers' callback shows it after a step; identity where undefined. */
  shown?(sample: Float32Array): Float32Array;
  /** The last sample -> what the decoder is fed. May draw. */
  finish(sample: Float32Array): DecoderInput;
}

/** A latent ready for its decoder. */
export interface DecoderInput {
  /** [1, C, T, h, w] */
  readonly latent: FloatTensor;
  /** Only for decoders that denoise a little themselves (LTX-Video from 0.9.1 on). */
  readonly timestep?: number | undefined;
}

/** How the decoder's output relates to the latent. */
export interface DecoderRule {
  /** Pixels a latent cell. */
  readonly spatialScale: number;
}

/** How texts are made ready. */
export interface TextRule {
  /** `web`: ftfy's fixes, HTML entities, white space, as Wan's pipelines do. */
  readonly cleaning: 'none' | 'web';
  /** Rows of padding are set to zero after the encoder. */
  readonly zeroPadRows: boolean;
  /** Whether the encoder looks past padding: diffusers gives a mask in Wan's pipelines only, and then all tokens attend. */
  readonly masked: boolean;
}

/** A family with its sizes read from one bundle's configuration. */
export interface Family {
  readonly name: string;
  /** What the bundle's components permit. */
  readonly tasks: readonly Task[];
  /** Of a task that is not among them what of the bundle keeps it from being, where that is no missing component: a sentence. */
  readonly lacking?: Readonly<Partial<Record<Task, string>>>;
  readonly text: TextRule;
  /** Height and width are multiples of this. */
  readonly pixelMultiple: number;
  /** What its latents hold: first + k · step frames. A clip of another length is cut from the next one. */
  readonly frameRule: { readonly first: number; readonly step: number };
  readonly decoder: DecoderRule;
  /**
   * Dims of each denoiser input, for the check when a graph is opened: a number is of this bundle, null varies from run to run,
   * undefined is whatever the graph was exported for.
   */
  readonly denoiserInputs: Readonly<Record<string, readonly (number | null | undefined)[]>>;
  readonly denoiserOutput: 'out_hidden_states' | 'out_sample';
  /** Dims of the sample that the scheduler steps over. */
  sampleDims(clip: ClipShape, task: Task): readonly number[];
  scheduleOptions(request: RunRequest): SchedulerOptions;
  start(request: RunRequest, means: RunMeans): Promise<Run>;
}

/** What a family reads its sizes from: the bundle's small JSON files. */
export interface FamilySource {
  readonly modelIndex: Readonly<Record<string, unknown>>;
  /** config.json by component: transformer, unet, vae_decoder … */
  readonly configs: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly scheduler: Readonly<Record<string, unknown>>;
  /** Names of the components that the bundle has. */
  readonly components: ReadonlySet<string>;
  readonly textWidth: number;
  readonly maxTokens: number;
}

/** How many frames a family draws for a clip of `frames`: the least first + k · step that is enough. */
export function drawnFrames({ first, step }: Family['frameRule'], frames: number): number {
  return first + Math.max(0, Math.ceil((frames - first) / step)) * step;
}
