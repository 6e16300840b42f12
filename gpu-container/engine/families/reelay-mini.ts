/**
 * @file The bundled family: fixed latents [1, C, T, h, w], flow matching, guidance as a batch of two, no statistics.
 *
 * Its transformer takes a timestep for the clip, or one for each latent frame. Latent frame 0 is one picture, so image-to-video holds
 * it at the latent of the picture, at timestep 0. Video-to-video starts from the latent of the video, later.
 */
import { expectDims, posteriorMean, videoFromRgb } from '../pixels.ts';
import { elementCount, type FloatTensor, filled, floats, repeatBatch } from '../tensor.ts';
import type { ClipShape, Family, FamilySource, Run, RunMeans, RunRequest, Task } from './family.ts';
import { rememberTexts, textTensor } from './text-tensor.ts';

/** A clip's latent, without the batch. */
export interface LatentShape {
  readonly channels: number;
  readonly frames: number;
  readonly height: number;
  readonly width: number;
}

/** What the family reads off a bundle. */
export type MiniSource = Pick<FamilySource, 'textWidth' | 'maxTokens' | 'components'> & {
  /** Whether the transformer's `timestep` is [B, T], one a latent frame, and not [B]. */
  readonly perFrame: boolean;
};

/** `latents` is bundle.json's; `clip` the one size that it stands for. */
export function createReelayMini(source: MiniSource, latents: LatentShape, clip: ClipShape): Family {
  const dims = [1, latents.channels, latents.frames, latents.height, latents.width];
  const { perFrame, maxTokens, textWidth } = source;
  return {
    name: 'reelay-mini',
    tasks: tasksOf(source),
    lacking: { i2v: heldFrame(latents) },
    text: { cleaning: 'none', zeroPadRows: false, masked: true },
    pixelMultiple: clip.width,
    frameRule: { first: clip.frames, step: clip.frames },
    decoder: { spatialScale: clip.width / latents.width },
    denoiserInputs: {
      hidden_states: [null, ...dims.slice(1)],
      timestep: perFrame ? [null, latents.frames] : [null],
      encoder_hidden_states: [null, maxTokens, textWidth],
    },
    denoiserOutput: 'out_hidden_states',
    sampleDims: () => dims,
    scheduleOptions: ({ steps }) => ({ steps }),
    start: (request, means) => startRun(dims, perFrame, request, means),
  };
}

function tasksOf({ components, perFrame }: MiniSource): Task[] {
  if (!components.has('vae_encoder')) return ['t2v'];
  return perFrame ? ['t2v', 'i2v', 'v2v'] : ['t2v', 'v2v'];
}

const heldFrame = ({ frames }: LatentShape) =>
  `Image-to-video holds latent frame 0 at timestep 0: the transformer's timestep has to be [B, ${frames}], one a latent frame.`;

async function startRun(dims: readonly number[], perFrame: boolean, request: RunRequest, means: RunMeans) {
  const base = plainRun(dims, perFrame, request, means.draw(elementCount(dims)));
  if (request.task === 't2v') return base;
  const mean = await encode(dims, request, means);
  return request.task === 'v2v' ? { ...base, clean: mean.data } : firstFrameRun(base, mean);
}

/** Text-to-video; the other tasks change parts of it. */
function plainRun(dims: readonly number[], perFrame: boolean, request: RunRequest, noise: Float32Array): Run {
  const text = rememberTexts(textTensor);
  const [, , latentFrames] = dims as [number, number, number];
  return {
    noise,
    batchedGuidance: true,
    component: () => 'transformer',
    guidance: () => request.guidance,
    feeds: ({ sample, timestep, texts }) => {
      const batch = texts.length;
      return {
        hidden_states: floats(repeatBatch(sample, batch), [batch, ...dims.slice(1)]),
        timestep: filled(timestep, perFrame ? [batch, latentFrames] : [batch]),
        encoder_hidden_states: text(texts),
      };
    },
    finish: sample => ({ latent: floats(sample, dims) }),
  };
}

/** The latent's mean of the reference: a picture's is that of a clip which shows nothing else. */
async function encode(dims: readonly number[], request: RunRequest, means: RunMeans): Promise<FloatTensor> {
  const { task, reference, frames, height, width } = request;
  if (reference === undefined) throw new RangeError(`reference: ${task} needs one.`);
  const clip = task === 'i2v' ? repeated(reference, frames) : reference;
  const mean = posteriorMean(await means.encodeVideo(videoFromRgb(clip, frames, height, width)));
  expectDims('vae_encoder', mean, dims);
  return mean;
}

function repeated(picture: Uint8Array, times: number): Uint8Array {
  const clip = new Uint8Array(times * picture.length);
  for (let i = 0; i < times; i++) clip.set(picture, i * picture.length);
  return clip;
}

/** Latent frame 0 is the picture's at every step, at timestep 0 in all of a batch, and again at the end. */
function firstFrameRun(base: Run, { data, dims }: FloatTensor): Run {
  const [, channels, latentFrames, height, width] = dims as [number, number, number, number, number];
  const [cells, plane] = [height * width, latentFrames * height * width];
  const withPicture = (sample: Float32Array) => {
    const out = sample.slice();
    for (let c = 0; c < channels; c++) out.set(data.subarray(c * plane, c * plane + cells), c * plane);
    return out;
  };
  return {
    ...base,
    shown: withPicture,
    feeds: call => {
      const feeds = base.feeds({ ...call, sample: withPicture(call.sample) });
      const timestep = filled(call.timestep, [call.texts.length, latentFrames]);
      for (let b = 0; b < call.texts.length; b++) timestep.data[b * latentFrames] = 0;
      return { ...feeds, timestep };
    },
    finish: sample => ({ latent: floats(withPicture(sample), dims) }),
  };
}
