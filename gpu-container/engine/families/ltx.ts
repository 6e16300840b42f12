/**
 * @file LTX-Video as diffusers' LTXPipeline and LTXImageToVideoPipeline run it.
 *
 * The scheduler steps over packed latents [1, S, C], a token a cell of T x h x w. Guidance is a batch of two. Image-to-video
 * keeps the tokens of frame 0 at the image's latent, at timestep 0. From 0.9.1 on the decoder takes a little noise off itself.
 */
import { expectDims, posteriorSample, videoFromRgb } from '../pixels.ts';
import { concat, elementCount, type FloatTensor, filled, floats, repeatBatch, type Tensor } from '../tensor.ts';
import { readConfigOf } from './config-reader.ts';
import type { ClipShape, Family, FamilySource, Run, RunMeans, RunRequest, TextEmbedding } from './family.ts';
import { type LatentStatistics, scaleFromStatistics, scaleToStatistics } from './latent-statistics.ts';
import { rememberTexts, textTensor } from './text-tensor.ts';

interface Sizes {
  readonly channels: number;
  readonly spatial: number;
  readonly temporal: number;
  readonly statistics: LatentStatistics;
  readonly scalingFactor: number;
  /** null: the decoder takes no timestep. */
  readonly decode: { readonly timestep: number; readonly noiseScale: number } | null;
}

interface Grid {
  readonly frames: number;
  readonly height: number;
  readonly width: number;
  readonly tokens: number;
}

const ANY = undefined;

/** The family of a bundle whose model_index.json names an LTX pipeline. RangeError naming file and key where a size is missing. */
export function createLtx(source: FamilySource): Family {
  const sizes = readSizes(source);
  const { channels, spatial, temporal } = sizes;
  const { textWidth, maxTokens } = source;
  const gridOf = ({ frames, height, width }: ClipShape): Grid => {
    const grid = { frames: (frames - 1) / temporal + 1, height: height / spatial, width: width / spatial };
    return { ...grid, tokens: grid.frames * grid.height * grid.width };
  };
  return {
    name: 'ltx',
    tasks: source.components.has('vae_encoder') ? ['t2v', 'i2v'] : ['t2v'],
    text: { cleaning: 'none', zeroPadRows: false, masked: false },
    pixelMultiple: spatial,
    frameRule: { first: 1, step: temporal },
    decoder: { spatialScale: spatial },
    denoiserInputs: {
      hidden_states: [ANY, ANY, channels],
      encoder_hidden_states: [ANY, maxTokens, textWidth],
      timestep: [ANY, ANY],
      encoder_attention_mask: [ANY, maxTokens],
      video_coords: [ANY, 3, ANY],
    },
    denoiserOutput: 'out_hidden_states',
    sampleDims: clip => [1, gridOf(clip).tokens, channels],
    scheduleOptions: request => ({
      steps: request.steps,
      sigmas: firstSigmas(request.steps),
      mu: shiftOf(source.scheduler, gridOf(request).tokens),
    }),
    start: (request, means) => startRun(sizes, gridOf(request), request, means),
  };
}

function readSizes({ configs }: FamilySource): Sizes {
  const transformer = readConfigOf('transformer/config.json', configs.transformer);
  const vae = readConfigOf('vae_decoder/config.json', configs.vae_decoder);
  const patch = transformer.count('patch_size', 1) * transformer.count('patch_size_t', 1);
  if (patch !== 1) throw new RangeError('transformer/config.json: patch_size: only 1 is supported.');
  const channels = transformer.count('in_channels');
  const timestep = vae.number('decode_timestep', 0);
  return {
    channels,
    spatial: vae.count('spatial_compression_ratio', 32),
    temporal: vae.count('temporal_compression_ratio', 8),
    statistics: { mean: vae.numbers('latents_mean', channels), std: vae.numbers('latents_std', channels) },
    scalingFactor: vae.number('scaling_factor', 1),
    decode: vae.flag('timestep_conditioning', false)
      ? { timestep, noiseScale: vae.optionalNumber('decode_noise_scale') ?? timestep }
      : null,
  };
}

/** numpy's linspace(1, 1/N, N). */
function firstSigmas(steps: number): number[] {
  const last = 1 / steps;
  const step = (last - 1) / (steps - 1);
  return Array.from({ length: steps }, (_, i) => (i === 0 ? 1 : i === steps - 1 ? last : 1 + i * step));
}

/** mu grows linearly with the number of tokens; the line is the scheduler's configuration. */
function shiftOf(scheduler: FamilySource['scheduler'], tokens: number): number {
  const config = readConfigOf('scheduler_config.json', scheduler);
  const [baseTokens, maxTokens] = [config.number('base_image_seq_len', 256), config.number('max_image_seq_len', 4096)];
  const [baseShift, maxShift] = [config.number('base_shift', 0.5), config.number('max_shift', 1.15)];
  const slope = (maxShift - baseShift) / (maxTokens - baseTokens);
  return tokens * slope + (baseShift - slope * baseTokens);
}

async function startRun(sizes: Sizes, grid: Grid, request: RunRequest, means: RunMeans): Promise<Run> {
  const image = request.task === 'i2v' ? await encodeImage(sizes, request, means) : undefined; // draws before the noise
  const dims = [1, sizes.channels, grid.frames, grid.height, grid.width];
  const noise = pack(means.draw(elementCount(dims)), sizes.channels);
  const packedImage = image && pack(image.data, sizes.channels);
  const withImage = (sample: Float32Array) => {
    if (packedImage === undefined) return sample;
    const out = sample.slice();
    out.set(packedImage); // the tokens of frame 0 come first
    return out;
  };
  const text = rememberTexts(textTensor);
  const coords = videoCoords(sizes, grid, request.fps);
  return {
    noise,
    batchedGuidance: true,
    component: () => 'transformer',
    guidance: () => request.guidance,
    shown: withImage,
    feeds: ({ sample, timestep, texts }) => {
      const batch = texts.length;
      const timesteps = filled(timestep, [1, grid.tokens]);
      if (packedImage !== undefined) timesteps.data.fill(0, 0, grid.height * grid.width);
      return {
        hidden_states: floats(repeatBatch(withImage(sample), batch), [batch, grid.tokens, sizes.channels]),
        encoder_hidden_states: text(texts),
        timestep: floats(repeatBatch(timesteps.data, batch), [batch, grid.tokens]),
        encoder_attention_mask: maskTensor(texts),
        video_coords: floats(repeatBatch(coords, batch), [batch, 3, grid.tokens]),
      };
    },
    finish: sample => toDecoder(sizes, dims, withImage(sample), means),
  };
}

async function encodeImage(sizes: Sizes, request: RunRequest, means: RunMeans): Promise<FloatTensor> {
  const { reference, height, width } = request;
  if (reference === undefined) throw new RangeError('reference: i2v needs one.');
  const parameters = await means.encodeVideo(videoFromRgb(reference, 1, height, width));
  const { channels, spatial } = sizes;
  expectDims('vae_encoder', parameters, [1, 2 * channels, 1, height / spatial, width / spatial]);
  const latent = posteriorSample(parameters, means.draw(parameters.data.length / 2));
  return floats(scaleToStatistics(latent.data, sizes.statistics, 1), latent.dims);
}

/** [1, C, T, h, w] -> [1, S, C]: patches are single cells, so it is a transpose. */
function pack(latent: Float32Array, channels: number): Float32Array {
  const tokens = latent.length / channels;
  const out = new Float32Array(latent.length);
  for (let c = 0; c < channels; c++) for (let s = 0; s < tokens; s++) out[s * channels + c] = latent[c * tokens + s]!;
  return out;
}

function unpack(packed: Float32Array, channels: number): Float32Array {
  const tokens = packed.length / channels;
  const out = new Float32Array(packed.length);
  for (let c = 0; c < channels; c++) for (let s = 0; s < tokens; s++) out[c * tokens + s] = packed[s * channels + c]!;
  return out;
}

/** Where each token is: seconds, and pixels down and right; [3, S]. */
function videoCoords({ temporal, spatial }: Sizes, grid: Grid, fps: number): Float32Array {
  const { frames, height, width, tokens } = grid;
  const secondsAFrame = Math.fround(temporal / fps);
  const out = new Float32Array(3 * tokens);
  let at = 0;
  for (let f = 0; f < frames; f++)
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++, at++) {
        out[at] = f * secondsAFrame;
        out[tokens + at] = y * spatial;
        out[2 * tokens + at] = x * spatial;
      }
  return out;
}

function maskTensor(texts: readonly TextEmbedding[]): Tensor {
  const masks = texts.map(({ mask }) => Float32Array.from(mask));
  return floats(concat(masks), [texts.length, texts[0]!.tokens]);
}

function toDecoder(sizes: Sizes, dims: number[], sample: Float32Array, means: RunMeans) {
  const latent = scaleFromStatistics(unpack(sample, sizes.channels), sizes.statistics, sizes.scalingFactor);
  if (sizes.decode === null) return { latent: floats(latent, dims) };
  const { timestep, noiseScale } = sizes.decode;
  const noise = means.draw(latent.length);
  const [kept, added] = [Math.fround(1 - Math.fround(noiseScale)), Math.fround(noiseScale)];
  for (let i = 0; i < latent.length; i++) latent[i] = Math.fround(kept * latent[i]!) + Math.fround(added * noise[i]!);
  return { latent: floats(latent, dims), timestep };
}
