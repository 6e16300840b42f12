import { createHash } from 'node:crypto';
import type { ModelCard } from '#core/models.ts';
import type { Provider } from '#core/provider.ts';
import type { VideoRequest } from '#core/video-request.ts';
import { loadBundle } from '#gpu-container/runtime/load-bundle.ts';
import { createOrtBackend } from '#gpu-container/runtime/ort-backend.ts';
import { type Generation, generateFrames } from './generate-frames.ts';
import { type Model, openModel } from './model.ts';
import { readReference } from './read-reference.ts';
import { reconstructFrames } from './reconstruct-frames.ts';
import { translated } from './translate-error.ts';
import { rgbOf } from './video-decoder.ts';

/** A clip as the model made it: before it is enlarged, marked and encoded. */
export interface ObservedClip {
  readonly frames: number;
  readonly height: number;
  readonly width: number;
  /** [F, H, W, 3] */
  readonly rgb: Uint8Array;
  /** sha256 over the bytes above, lower-case hex: what a job of the same request tells as `frames_sha256`. */
  readonly framesSha256: string;
  /** The sample after each step, in order; empty unless they were asked for. */
  readonly latents: readonly Float32Array[];
}

/** A loaded bundle whose runs can be looked into. Blocks the event loop while it renders. */
export interface ObservedRender {
  readonly card: ModelCard;
  /** What the denoiser's weights are kept in, as bundle.json says; null where it does not. */
  readonly precision: string | null;
  /**
   * The run that a render child makes of a request. Throws what a job of it would fail with: `render_failed` where a value is no
   * number, `invalid_request`, `invalid_reference`, `bundle_invalid`.
   */
  run(request: VideoRequest, options: ObserveOptions): Promise<ObservedClip>;
  /** A video [F, H, W, 3] of the request's size and length through the model's own encoder and decoder. Throws as `reconstructFrames`. */
  reconstruct(request: VideoRequest, video: Uint8Array): Promise<Uint8Array>;
  release(): Promise<void>;
}

/** What a run starts from, and what is kept of it. */
export interface ObserveOptions {
  /** The bytes of an image or a video in a local file; undefined for t2v. */
  readonly referencePath?: string | undefined;
  readonly keepLatents: boolean;
}

/** For `reelay eval`: the pipeline of the product without what follows the frames. */
export async function openObservedRender(options: {
  readonly folder: string;
  readonly threads: number;
  readonly provider: Provider;
}): Promise<ObservedRender> {
  const { folder, threads, provider } = options;
  const model = await openModel(await loadBundle(folder), createOrtBackend({ threads, provider }));
  const { transformer, unet } = model.bundle.manifest.components;
  return {
    card: model.bundle.card,
    precision: (transformer ?? unet)?.precision ?? null,
    run: (request, wanted) => observe(model, request, wanted).catch(error => translated(model, error)),
    reconstruct: (request, video) =>
      reconstructFrames(model, request, video)
        .then(wholeOf)
        .catch(error => translated(model, error)),
    release: () => model.release(),
  };
}

async function observe(
  model: Model,
  request: VideoRequest,
  { referencePath, keepLatents }: ObserveOptions,
): Promise<ObservedClip> {
  const latents: Float32Array[] = [];
  let last: number | undefined;
  const pixels = await readReference(request, referencePath);
  const { clip, chunks } = await generateFrames(model, request, {
    ...pixels,
    // Told before each step and after the last; the first time nothing was done yet.
    checkpoint: async state => {
      if (keepLatents && state !== undefined && last !== undefined && state.step > last)
        latents.push(state.scheduler.sample.slice());
      last = state?.step ?? last;
    },
  });
  const { frames, height, width } = clip;
  const rgb = await wholeOf({ clip, chunks });
  return { frames, height, width, rgb, latents, framesSha256: createHash('sha256').update(rgb).digest('hex') };
}

/** All frames [F, H, W, 3]. */
async function wholeOf({ clip, chunks }: Pick<Generation, 'clip' | 'chunks'>): Promise<Uint8Array> {
  const rgb = new Uint8Array(3 * clip.frames * clip.height * clip.width);
  let at = 0;
  for await (const chunk of chunks) {
    const bytes = rgbOf(chunk, clip);
    rgb.set(bytes, at);
    at += bytes.length;
  }
  return rgb;
}
