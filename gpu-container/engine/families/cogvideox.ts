/**
 * @file CogVideoX 2b, 5b and 1.5 as diffusers' CogVideoXPipeline and its image- and video-to-video siblings run it.
 *
 * The scheduler steps over [1, T, C, h, w], T = (F - 1) / 4 + 1, for 1.5 padded in front to whole patches of time. Guidance is a
 * batch of two. A first frame's latent goes along the channels, zeros behind it.
 */
import { expectDims, posteriorSample, videoFromRgb } from '../pixels.ts';
import { elementCount, type FloatTensor, filled, floats, repeatBatch, swapAxes, type TensorMap } from '../tensor.ts';
import { readConfigOf } from './config-reader.ts';
import type { ClipShape, Family, FamilySource, Run, RunMeans, RunRequest, Task } from './family.ts';
import { type RotaryRule, rotaryTables } from './rotary-tables.ts';
import { rememberTexts, textTensor } from './text-tensor.ts';

interface Sizes {
  /** Of the latent; the transformer takes twice as many for image-to-video. */
  readonly channels: number;
  readonly takesImage: boolean;
  readonly spatial: number;
  readonly temporal: number;
  readonly patch: number;
  /** null before 1.5. */
  readonly timePatch: number | null;
  readonly scalingFactor: number;
  readonly invertImageScale: boolean;
  readonly rotary: RotaryRule | null;
  /** 1.5 image-to-video takes a constant. */
  readonly takesOffset: boolean;
}

const ANY = undefined;
/** diffusers' `ofs` for CogVideoX 1.5 I2V. */
const OFFSET = 2;

/** The family of a bundle whose model_index.json names a CogVideoX pipeline. RangeError naming file and key. */
export function createCogVideoX(source: FamilySource): Family {
  const sizes = readSizes(source);
  const { channels, spatial, temporal } = sizes;
  const dimsOf = ({ frames, height, width }: ClipShape) => {
    const latentFrames = (frames - 1) / temporal + 1;
    return [1, latentFrames + paddingOf(sizes, latentFrames), channels, height / spatial, width / spatial];
  };
  return {
    name: 'cogvideox',
    tasks: tasksOf(sizes, source.components),
    text: { cleaning: 'none', zeroPadRows: false, masked: false },
    pixelMultiple: spatial * sizes.patch,
    frameRule: { first: 1 + 2 * temporal, step: 2 * temporal }, // its decoder takes latent frames by 3, then by 2
    decoder: { spatialScale: spatial },
    denoiserInputs: {
      hidden_states: [ANY, ANY, channels * (sizes.takesImage ? 2 : 1), ANY, ANY],
      encoder_hidden_states: [ANY, source.maxTokens, source.textWidth],
      timestep: [ANY],
      ...(sizes.rotary && {
        image_rotary_emb_cos: [ANY, sizes.rotary.headWidth],
        image_rotary_emb_sin: [ANY, sizes.rotary.headWidth],
      }),
      ...(sizes.takesOffset && { ofs: [1] }),
    },
    denoiserOutput: 'out_hidden_states',
    sampleDims: dimsOf,
    scheduleOptions: ({ steps }) => ({ steps, eta: 0 }), // as diffusers passes it to whatever takes one
    start: (request, means) => startRun(sizes, dimsOf(request), request, means),
  };
}

function readSizes({ configs }: FamilySource): Sizes {
  const transformer = readConfigOf('transformer/config.json', configs.transformer);
  const vae = readConfigOf('vae_decoder/config.json', configs.vae_decoder);
  const channels = vae.count('latent_channels', 16);
  const inputChannels = transformer.count('in_channels', 16);
  if (inputChannels !== channels && inputChannels !== 2 * channels)
    throw new RangeError(
      `transformer/config.json: in_channels: got ${inputChannels}; ${channels} or ${2 * channels} fit this VAE.`,
    );
  const levels = configs.vae_decoder?.block_out_channels;
  const patch = transformer.count('patch_size', 2);
  const timePatch = transformer.optionalCount('patch_size_t');
  return {
    channels,
    takesImage: inputChannels === 2 * channels,
    spatial: Array.isArray(levels) ? 2 ** (levels.length - 1) : 8,
    temporal: vae.count('temporal_compression_ratio', 4),
    patch,
    timePatch,
    scalingFactor: vae.number('scaling_factor', 1.15258426),
    invertImageScale: vae.flag('invert_scale_latents', false),
    rotary: transformer.flag('use_rotary_positional_embeddings', false)
      ? {
          headWidth: transformer.count('attention_head_dim', 64),
          baseHeight: Math.floor(transformer.count('sample_height', 60) / patch),
          baseWidth: Math.floor(transformer.count('sample_width', 90) / patch),
          sliced: timePatch !== null,
        }
      : null,
    takesOffset: transformer.optionalCount('ofs_embed_dim') !== null,
  };
}

function tasksOf({ takesImage }: Sizes, components: ReadonlySet<string>): Task[] {
  const encodes = components.has('vae_encoder');
  if (takesImage && !encodes) throw new RangeError('the bundle has no vae_encoder; image-to-video needs it.');
  if (takesImage) return ['i2v'];
  return encodes ? ['t2v', 'v2v'] : ['t2v'];
}

/** Latent frames that 1.5 adds in front. */
function paddingOf({ timePatch }: Sizes, latentFrames: number): number {
  return timePatch === null ? 0 : (timePatch - (latentFrames % timePatch)) % timePatch;
}

async function startRun(sizes: Sizes, dims: number[], request: RunRequest, means: RunMeans): Promise<Run> {
  const [, frames, channels, height, width] = dims as [number, number, number, number, number];
  const padding = paddingOf(sizes, (request.frames - 1) / sizes.temporal + 1);
  if (padding > 0 && request.task === 'v2v')
    throw new RangeError(`num_frames: got ${request.frames}; v2v of this model takes only whole patches of time.`);
  const clean = request.task === 'v2v' ? await encodeReference(sizes, request, request.frames, means) : undefined;
  const image = request.task === 'i2v' ? await encodeReference(sizes, request, 1, means) : undefined;
  const noise = means.draw(elementCount(dims));
  const text = rememberTexts(textTensor);
  const constants = constantFeeds(sizes, frames, height, width);
  const imageFrames = image && withZerosBehind(image, elementCount(dims));
  const plane = height * width;
  const inverse = Math.fround(1 / sizes.scalingFactor);
  return {
    noise,
    ...(clean && { clean }),
    batchedGuidance: true,
    component: () => 'transformer',
    guidance: () => request.guidance,
    feeds: ({ sample, timestep, texts }) => ({
      ...constants,
      hidden_states: hiddenStates(sample, imageFrames, dims, texts.length),
      encoder_hidden_states: text(texts),
      timestep: filled(timestep, [texts.length]),
    }),
    finish: sample => {
      const kept = sample.subarray(padding * channels * plane).map(value => value * inverse);
      const latentFrames = frames - padding;
      return {
        latent: floats(swapAxes(kept, latentFrames, channels, plane), [1, channels, latentFrames, height, width]),
      };
    },
  };
}

function constantFeeds(sizes: Sizes, frames: number, height: number, width: number): TensorMap {
  const { rotary, patch, timePatch, takesOffset } = sizes;
  const offset = takesOffset ? { ofs: filled(OFFSET, [1]) } : {};
  if (rotary === null) return offset;
  const grid = { frames: frames / (timePatch ?? 1), height: height / patch, width: width / patch };
  const { cos, sin } = rotaryTables(rotary, grid);
  const dims = [grid.frames * grid.height * grid.width, rotary.headWidth];
  return { ...offset, image_rotary_emb_cos: floats(cos, dims), image_rotary_emb_sin: floats(sin, dims) };
}

/** Latents of the reference, sampled and scaled, [T, C, h, w]. */
async function encodeReference(
  sizes: Sizes,
  request: RunRequest,
  frames: number,
  means: RunMeans,
): Promise<Float32Array> {
  const { reference, task, height, width } = request;
  if (reference === undefined) throw new RangeError(`reference: ${task} needs one.`);
  const parameters = await means.encodeVideo(videoFromRgb(reference, frames, height, width));
  const cells = [height / sizes.spatial, width / sizes.spatial];
  expectDims('vae_encoder', parameters, [1, 2 * sizes.channels, (frames - 1) / sizes.temporal + 1, ...cells]);
  const latent = posteriorSample(parameters, means.draw(parameters.data.length / 2));
  const [, channels, latentFrames, h, w] = latent.dims as [number, number, number, number, number];
  const inverted = task === 'i2v' && sizes.invertImageScale;
  const factor = Math.fround(inverted ? 1 / sizes.scalingFactor : sizes.scalingFactor);
  return swapAxes(latent.data, channels, latentFrames, h * w).map(value => value * factor);
}

function withZerosBehind(frame: Float32Array, length: number): Float32Array {
  const out = new Float32Array(length);
  out.set(frame);
  return out;
}

/** [B, T, C, h, w], or with an image [B, T, 2C, h, w]. */
function hiddenStates(
  sample: Float32Array,
  image: Float32Array | undefined,
  dims: readonly number[],
  batch: number,
): FloatTensor {
  if (image === undefined) return floats(repeatBatch(sample, batch), [batch, ...dims.slice(1)]);
  const [, frames, channels, height, width] = dims as [number, number, number, number, number];
  const size = channels * height * width;
  const joined = new Float32Array(2 * sample.length);
  for (let t = 0; t < frames; t++) {
    joined.set(sample.subarray(t * size, (t + 1) * size), 2 * t * size);
    joined.set(image.subarray(t * size, (t + 1) * size), (2 * t + 1) * size);
  }
  return floats(repeatBatch(joined, batch), [batch, frames, 2 * channels, height, width]);
}
