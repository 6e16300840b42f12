import { ReelayError } from '#core/errors.ts';
import type { Picture } from '#gpu-container/engine/families/family.ts';
import { concatFrames, type FloatTensor, floats, swapAxes } from '#gpu-container/engine/tensor.ts';
import { cropLatent } from '#gpu-container/engine/tiling.ts';
import type { Backend } from '#gpu-container/runtime/backend.ts';
import type { Bundle } from '#gpu-container/runtime/load-bundle.ts';
import { type CausalStream, floatsOf, openStream } from './causal-stream.ts';
import { createImagePreprocessor } from './image-preprocessor.ts';

/** What image- and video-to-video need: the VAE's encoder, and the image encoder of Wan 2.1. */
export interface ReferenceEncoder {
  /** A video [1, 3, F, H, W] in -1..1 -> its posterior's parameters [1, 2C, T, h, w]. */
  /** `between` is awaited before each run of the graph. */
  encodeVideo(video: FloatTensor, between?: () => Promise<void>): Promise<FloatTensor>;
  /** A picture -> [1, N, D]. */
  encodeImage(picture: Picture): Promise<FloatTensor>;
  release(): Promise<void>;
}

const ANY = undefined;

interface Encoder<Input extends readonly unknown[]> {
  encode(...input: Input): Promise<FloatTensor>;
  release(): Promise<void>;
}

/** Opens those of the two that the bundle has; asking for the other rejects with `unsupported_operation`. */
export async function openReferenceEncoder(bundle: Bundle, backend: Backend): Promise<ReferenceEncoder> {
  const missing = (component: string) => async () => {
    const message = `${bundle.name}: there is no ${component}; the bundle takes no reference.`;
    throw new ReelayError('unsupported_operation', message);
  };
  const video = await openVideoEncoder(bundle, backend);
  const image = await openImageEncoder(bundle, backend);
  return {
    encodeVideo: video?.encode ?? missing('vae_encoder'),
    encodeImage: image?.encode ?? missing('image_encoder'),
    async release() {
      await video?.release();
      await image?.release();
    },
  };
}

async function openVideoEncoder(
  bundle: Bundle,
  backend: Backend,
): Promise<Encoder<[video: FloatTensor, between?: () => Promise<void>]> | undefined> {
  const { vae_encoder } = bundle.manifest.components;
  if (vae_encoder === undefined) return undefined;
  const names = { input: 'sample', output: 'latent_parameters' };
  if (vae_encoder.plan === 'streaming') {
    const stream = await openStream(bundle, backend, { component: 'vae_encoder', ...names });
    return { encode: (video, between) => encodeInParts(stream, video, between), release: stream.release };
  }
  const perFrame = bundle.manifest.components.vae_decoder.plan === 'per-frame'; // a VAE of pictures is one both ways
  const session = await backend.createSession(bundle.graphs.vae_encoder!, {
    name: `${bundle.name}: vae_encoder`,
    knownInputs: { sample: { type: 'float32', dims: perFrame ? [ANY, 3, ANY, ANY] : [1, 3, ANY, ANY, ANY] } },
    neededOutputs: ['latent_parameters'],
  });
  const encode = async (sample: FloatTensor) =>
    floatsOf('latent_parameters', (await session.run({ sample })).latent_parameters);
  return {
    encode: perFrame ? async video => framesLast(await encode(framesFirst(video))) : encode,
    release: () => session.release(),
  };
}

/** [1, C, F, H, W] -> [F, C, H, W]. */
function framesFirst({ data, dims }: FloatTensor): FloatTensor {
  const [, channels, frames, height, width] = dims as [number, number, number, number, number];
  return floats(swapAxes(data, channels, frames, height * width), [frames, channels, height, width]);
}

/** [F, C, h, w] -> [1, C, F, h, w]. */
function framesLast({ data, dims }: FloatTensor): FloatTensor {
  const [frames, channels, height, width] = dims as [number, number, number, number];
  return floats(swapAxes(data, frames, channels, height * width), [1, channels, frames, height, width]);
}

/** As many frames a run as the graphs take; the latent frames joined. */
async function encodeInParts(
  stream: CausalStream,
  video: FloatTensor,
  between?: () => Promise<void>,
): Promise<FloatTensor> {
  const next = stream.open();
  const [, channels, frames, height, width] = video.dims as [number, number, number, number, number];
  const whole = { row: 0, column: 0, top: 0, left: 0, height, width };
  const parts: FloatTensor[] = [];
  for (let from = 0; from < frames; ) {
    const to = Math.min(frames, from + (from === 0 ? stream.firstFrames : stream.nextFrames));
    const part = cropLatent(video.data, video.dims, [from, to], whole);
    await between?.();
    parts.push(await next(floats(part, [1, channels, to - from, height, width])));
    from = to;
  }
  return concatFrames(parts);
}

async function openImageEncoder(bundle: Bundle, backend: Backend): Promise<Encoder<[picture: Picture]> | undefined> {
  const path = bundle.graphs.image_encoder;
  if (path === undefined) return undefined;
  const preprocess = createImagePreprocessor(bundle.configs.image_processor);
  const session = await backend.createSession(path, {
    name: `${bundle.name}: image_encoder`,
    knownInputs: { pixel_values: { type: 'float32', dims: [ANY, ANY, ANY, ANY] } },
    neededOutputs: ['last_hidden_state'],
  });
  return {
    encode: async picture => {
      const results = await session.run({ pixel_values: preprocess(picture.rgb, picture) });
      return floatsOf('last_hidden_state', results.last_hidden_state);
    },
    release: () => session.release(),
  };
}
