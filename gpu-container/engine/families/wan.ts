/**
 * @file Wan 2.1 and 2.2 as diffusers' WanPipeline, WanImageToVideoPipeline and WanVideoToVideoPipeline run them.
 *
 * Latents are [1, C, T, h, w] with T = (F - 1) / 4 + 1. Guidance takes two runs. Three ways to take a first frame: TI2V-5B
 * (`expand_timesteps`) puts its latent into frame 0 before each step, at timestep 0 for its tokens; 2.1 I2V concatenates a mask
 * and the latent of the frame with gray behind it; both may be split over two experts at `boundary_ratio` (A14B).
 */
import { expectDims, posteriorMean, videoFromRgb } from '../pixels.ts';
import { concat, elementCount, type FloatTensor, filled, floats } from '../tensor.ts';
import { readConfigOf } from './config-reader.ts';
import type { ClipShape, Family, FamilySource, Run, RunMeans, RunRequest, Task } from './family.ts';
import { denormalizeLatent, type LatentStatistics, normalizeLatent } from './latent-statistics.ts';
import { textTensor } from './text-tensor.ts';

interface Sizes {
  readonly channels: number;
  readonly inputChannels: number;
  readonly temporal: number;
  readonly spatial: number;
  readonly patch: number;
  readonly statistics: LatentStatistics;
  readonly expandTimesteps: boolean;
  /** In timesteps; null with one expert. */
  readonly boundary: number | null;
  /** The transformer takes an embedding of the image too. */
  readonly takesImage: boolean;
}

/** The family of a bundle whose model_index.json names a Wan pipeline. RangeError naming file and key where a size is missing. */
export function createWan(source: FamilySource): Family {
  const sizes = readSizes(source);
  const { inputChannels, spatial, patch, temporal } = sizes;
  const { textWidth, maxTokens } = source;
  const latentDims = (clip: ClipShape) => latentDimsOf(sizes, clip);
  return {
    name: 'wan',
    tasks: tasksOf(sizes, source.components),
    text: { cleaning: 'web', zeroPadRows: true, masked: true },
    pixelMultiple: spatial * patch,
    frameRule: { first: 1, step: temporal },
    decoder: { spatialScale: spatial },
    denoiserInputs: {
      hidden_states: [1, inputChannels, undefined, undefined, undefined],
      timestep: sizes.expandTimesteps ? [1, undefined] : [1],
      encoder_hidden_states: [1, maxTokens, textWidth],
      ...(sizes.takesImage && { encoder_hidden_states_image: [1, undefined, undefined] }),
    },
    denoiserOutput: 'out_hidden_states',
    sampleDims: latentDims,
    scheduleOptions: ({ steps }) => ({ steps }),
    start: (request, means) => startRun(sizes, latentDims(request), request, means),
  };
}

function latentDimsOf({ channels, temporal, spatial }: Sizes, { frames, height, width }: ClipShape): number[] {
  return [1, channels, (frames - 1) / temporal + 1, height / spatial, width / spatial];
}

function readSizes({ modelIndex, configs, scheduler, components }: FamilySource): Sizes {
  const transformer = readConfigOf('transformer/config.json', configs.transformer);
  const vae = readConfigOf('vae_decoder/config.json', configs.vae_decoder);
  const index = readConfigOf('model_index.json', modelIndex);
  const channels = vae.count('z_dim', 16);
  const boundaryRatio = index.optionalNumber('boundary_ratio');
  if ((boundaryRatio !== null) !== components.has('transformer_2'))
    throw new RangeError(
      `model_index.json: boundary_ratio: got ${boundaryRatio}; it goes with a transformer_2 and is needed there.`,
    );
  const patches = (configs.transformer?.patch_size ?? [1, 2, 2]) as unknown;
  if (!Array.isArray(patches) || patches.length !== 3 || patches[0] !== 1 || patches[1] !== 2 || patches[2] !== 2)
    throw new RangeError(
      `transformer/config.json: patch_size: got ${JSON.stringify(patches)}; [1, 2, 2] is supported.`,
    );
  return {
    channels,
    inputChannels: transformer.count('in_channels', 16),
    temporal: vae.count('scale_factor_temporal', 4),
    spatial: vae.count('scale_factor_spatial', 8),
    patch: 2,
    statistics: { mean: vae.numbers('latents_mean', channels), std: vae.numbers('latents_std', channels) },
    expandTimesteps: index.flag('expand_timesteps', false),
    boundary:
      boundaryRatio === null
        ? null
        : boundaryRatio * readConfigOf('scheduler_config.json', scheduler).count('num_train_timesteps', 1000),
    takesImage: transformer.optionalCount('image_dim') !== null,
  };
}

function tasksOf(sizes: Sizes, components: ReadonlySet<string>): Task[] {
  const { channels, inputChannels, expandTimesteps, boundary } = sizes;
  const encodes = components.has('vae_encoder');
  if (inputChannels === channels)
    return [
      't2v',
      ...(encodes && expandTimesteps ? (['i2v'] as const) : []),
      ...(encodes && !expandTimesteps && boundary === null ? (['v2v'] as const) : []),
    ];
  if (inputChannels !== 2 * channels + sizes.temporal)
    throw new RangeError(
      `transformer/config.json: in_channels: got ${inputChannels}; ${channels} or ${2 * channels + sizes.temporal} fit this VAE.`,
    );
  const missing = [...(encodes ? [] : ['vae_encoder']), ...imageEncoderMissing(sizes, components)];
  if (missing.length > 0)
    throw new RangeError(`the bundle has no ${missing.join(' and no ')}; image-to-video needs it.`);
  return ['i2v'];
}

const imageEncoderMissing = (sizes: Sizes, components: ReadonlySet<string>): string[] =>
  sizes.takesImage && !components.has('image_encoder') ? ['image_encoder'] : [];

async function startRun(sizes: Sizes, dims: number[], request: RunRequest, means: RunMeans): Promise<Run> {
  const noise = means.draw(elementCount(dims));
  const base = plainRun(sizes, dims, request, noise);
  if (request.task === 'v2v') return { ...base, clean: await encodeClean(sizes, request, means) };
  if (request.task === 't2v') return base;
  if (sizes.expandTimesteps) return firstFrameRun(sizes, dims, base, await encodeFrames(sizes, request, 1, means));
  return concatenatedRun(sizes, dims, base, request, means);
}

/** Text-to-video; the other tasks change parts of it. */
function plainRun(sizes: Sizes, dims: number[], request: RunRequest, noise: Float32Array): Run {
  const { boundary, statistics, expandTimesteps } = sizes;
  const second = request.guidance2 ?? request.guidance;
  const isSecond = (timestep: number) => boundary !== null && timestep < boundary;
  return {
    noise,
    batchedGuidance: false,
    component: timestep => (isSecond(timestep) ? 'transformer_2' : 'transformer'),
    guidance: timestep => (isSecond(timestep) ? second : request.guidance),
    feeds: ({ sample, timestep, texts }) => ({
      hidden_states: floats(sample, dims),
      timestep: expandTimesteps ? filled(timestep, [1, tokensOf(dims)]) : filled(timestep, [1]),
      encoder_hidden_states: textTensor(texts),
    }),
    finish: sample => ({ latent: floats(denormalizeLatent(sample, statistics), dims) }),
  };
}

/** Patches of 2x2 latent cells over all latent frames. */
const tokensOf = (dims: readonly number[]) => dims[2]! * (dims[3]! / 2) * (dims[4]! / 2);

/** v2v: the posterior's mean of the whole video, normalized. */
async function encodeClean(sizes: Sizes, request: RunRequest, means: RunMeans): Promise<Float32Array> {
  return (await encodeFrames(sizes, request, request.frames, means)).data;
}

async function encodeFrames(sizes: Sizes, request: RunRequest, frames: number, means: RunMeans): Promise<FloatTensor> {
  const { height, width } = request;
  const mean = posteriorMean(await means.encodeVideo(videoFromRgb(referenceOf(request), frames, height, width)));
  expectDims('vae_encoder', mean, latentDimsOf(sizes, { frames, height, width }));
  return floats(normalizeLatent(mean.data, sizes.statistics), mean.dims);
}

/** TI2V-5B: latent frame 0 is the image's at every step, its tokens at timestep 0, and again at the end. */
function firstFrameRun(sizes: Sizes, dims: number[], base: Run, image: FloatTensor): Run {
  const [, channels, latentFrames, height, width] = dims as [number, number, number, number, number];
  const cells = height * width;
  const withImage = (sample: Float32Array) => {
    const out = sample.slice();
    for (let c = 0; c < channels; c++)
      out.set(image.data.subarray(c * cells, (c + 1) * cells), c * latentFrames * cells);
    return out;
  };
  const tokens = tokensOf(dims);
  return {
    ...base,
    feeds: call => {
      const timesteps = filled(call.timestep, [1, tokens]);
      timesteps.data.fill(0, 0, tokens / latentFrames);
      return { ...base.feeds({ ...call, sample: withImage(call.sample) }), timestep: timesteps };
    },
    finish: sample => ({ latent: floats(denormalizeLatent(withImage(sample), sizes.statistics), dims) }),
  };
}

/** 2.1 I2V: noise, four mask channels and the latent of the frame followed by mid gray, along the channels. */
async function concatenatedRun(
  sizes: Sizes,
  dims: number[],
  base: Run,
  request: RunRequest,
  means: RunMeans,
): Promise<Run> {
  const { frames, height, width } = request;
  const reference = referenceOf(request);
  const still = videoFromRgb(reference, 1, height, width);
  const video = new Float32Array(3 * frames * height * width); // zero is mid gray in -1..1
  for (let color = 0; color < 3; color++)
    video.set(
      still.data.subarray(color * height * width, (color + 1) * height * width),
      color * frames * height * width,
    );
  const mean = posteriorMean(await means.encodeVideo(floats(video, [1, 3, frames, height, width])));
  expectDims('vae_encoder', mean, dims);
  const plane = dims[2]! * dims[3]! * dims[4]!;
  const mask = new Float32Array(sizes.temporal * plane);
  for (let c = 0; c < sizes.temporal; c++) mask.fill(1, c * plane, c * plane + dims[3]! * dims[4]!);
  const condition = concat([mask, normalizeLatent(mean.data, sizes.statistics)]);
  const embedding = sizes.takesImage
    ? await means.encodeImage(request.picture ?? { rgb: reference, height, width })
    : undefined;
  const inputDims = [1, sizes.inputChannels, ...dims.slice(2)];
  return {
    ...base,
    feeds: call => ({
      ...base.feeds(call),
      hidden_states: floats(concat([call.sample, condition]), inputDims),
      ...(embedding && { encoder_hidden_states_image: embedding }),
    }),
  };
}

function referenceOf({ reference, task }: RunRequest): Uint8Array {
  if (reference === undefined) throw new RangeError(`reference: ${task} needs one.`);
  return reference;
}
