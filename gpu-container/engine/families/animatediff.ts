/**
 * @file AnimateDiff (Stable Diffusion 1.5 with a motion module) as diffusers' AnimateDiffPipeline and
 * AnimateDiffVideoToVideoPipeline run it: latents [1, C, F, h, w], a VAE that knows single frames, guidance as a batch of two.
 */
import { expectDims, posteriorSample, videoFromRgb } from '../pixels.ts';
import { concat, elementCount, type FloatTensor, filled, floats, repeatBatch, swapAxes } from '../tensor.ts';
import { readConfigOf } from './config-reader.ts';
import type { ClipShape, Family, FamilySource, Run, RunMeans, RunRequest, TextEmbedding } from './family.ts';
import { rememberTexts } from './text-tensor.ts';

interface Sizes {
  readonly channels: number;
  readonly spatial: number;
  readonly scalingFactor: number;
  /** The UNet halves the latent this many times over; an exported one doubles it back exactly. */
  readonly unetScale: number;
}

const ANY = undefined;
/** diffusers encodes a reference this many frames at a time and draws its noise for each part. */
const FRAMES_A_DRAW = 16;

/** The family of a bundle whose model_index.json names an AnimateDiff pipeline. RangeError naming file and key. */
export function createAnimateDiff(source: FamilySource): Family {
  const sizes = readSizes(source);
  const { channels, spatial } = sizes;
  const dimsOf = ({ frames, height, width }: ClipShape) => [1, channels, frames, height / spatial, width / spatial];
  return {
    name: 'animatediff',
    tasks: source.components.has('vae_encoder') ? ['t2v', 'v2v'] : ['t2v'],
    text: { cleaning: 'none', zeroPadRows: false, masked: false },
    pixelMultiple: spatial * sizes.unetScale,
    frameRule: { first: 1, step: 1 },
    decoder: { spatialScale: spatial },
    denoiserInputs: {
      sample: [ANY, channels, ANY, ANY, ANY],
      timestep: [1],
      encoder_hidden_states: [ANY, source.maxTokens, source.textWidth],
    },
    denoiserOutput: 'out_sample',
    sampleDims: dimsOf,
    scheduleOptions: ({ steps }) => ({ steps, eta: 0 }), // as diffusers passes it to whatever takes one
    start: (request, means) => startRun(sizes, dimsOf(request), request, means),
  };
}

function readSizes({ configs }: FamilySource): Sizes {
  const vae = readConfigOf('vae_decoder/config.json', configs.vae_decoder);
  const scaleOf = (levels: unknown, otherwise: number) =>
    Array.isArray(levels) && levels.length > 0 ? 2 ** (levels.length - 1) : otherwise;
  return {
    channels: readConfigOf('unet/config.json', configs.unet).count('in_channels', 4),
    spatial: scaleOf(configs.vae_decoder?.block_out_channels, 8),
    unetScale: scaleOf(configs.unet?.block_out_channels, 8),
    scalingFactor: vae.number('scaling_factor', 0.18215),
  };
}

async function startRun(sizes: Sizes, dims: number[], request: RunRequest, means: RunMeans): Promise<Run> {
  const { guidance, frames } = request;
  const clean = request.task === 'v2v' ? await encodeClean(sizes, dims, request, means) : undefined; // draws before the noise
  const drawn = means.draw(elementCount(dims));
  const plane = dims[3]! * dims[4]!;
  // Video-to-video draws frame by frame, [1, F, C, h, w].
  const noise = clean === undefined ? drawn : swapAxes(drawn, frames, sizes.channels, plane);
  const inverse = Math.fround(1 / sizes.scalingFactor);
  const text = rememberTexts(texts => textPerFrame(texts, frames));
  return {
    noise,
    ...(clean && { clean }),
    batchedGuidance: true,
    component: () => 'unet',
    guidance: () => guidance,
    feeds: ({ sample, timestep, texts }) => ({
      sample: floats(repeatBatch(sample, texts.length), [texts.length, ...dims.slice(1)]),
      timestep: filled(timestep, [1]),
      encoder_hidden_states: text(texts),
    }),
    finish: sample => ({
      latent: floats(
        sample.map(value => value * inverse),
        dims,
      ),
    }),
  };
}

/** Each text once a frame: [B · F, tokens, width]. */
function textPerFrame(texts: readonly TextEmbedding[], frames: number): FloatTensor {
  const { tokens, width } = texts[0]!;
  const rows = texts.map(({ embeds }) => repeatBatch(embeds, frames));
  return floats(concat(rows), [texts.length * frames, tokens, width]);
}

/** Every frame's latent, sampled and scaled, [1, C, F, h, w]. */
async function encodeClean(sizes: Sizes, dims: number[], request: RunRequest, means: RunMeans): Promise<Float32Array> {
  const { reference, frames, height, width } = request;
  if (reference === undefined) throw new RangeError('reference: v2v needs one.');
  const plane = dims[3]! * dims[4]!;
  const size = 3 * height * width;
  const parts: Float32Array[] = [];
  for (let from = 0; from < frames; from += FRAMES_A_DRAW) {
    const count = Math.min(FRAMES_A_DRAW, frames - from);
    const rgb = reference.subarray(from * size, (from + count) * size);
    const parameters = await means.encodeVideo(videoFromRgb(rgb, count, height, width));
    expectDims('vae_encoder', parameters, [1, 2 * sizes.channels, count, ...dims.slice(3)]);
    const noise = swapAxes(means.draw(count * sizes.channels * plane), count, sizes.channels, plane); // drawn [f, C, h, w]
    const latent = posteriorSample(parameters, noise); // [1, C, f, h, w]
    parts.push(swapAxes(latent.data, sizes.channels, count, plane));
  }
  const factor = Math.fround(sizes.scalingFactor);
  return swapAxes(concat(parts), frames, sizes.channels, plane).map(value => value * factor);
}
