import { colorsFirst } from '#gpu-container/engine/frames.ts';
import { type FloatTensor, filled, floats, type Tensor } from '#gpu-container/engine/tensor.ts';
import type { Backend, Session } from '#gpu-container/runtime/backend.ts';
import type { Bundle } from '#gpu-container/runtime/load-bundle.ts';
import { floatsOf, openStream } from './causal-stream.ts';

/** Frames that a per-frame decoder takes at once: more gains nothing on a CPU and costs memory. */
const FRAMES_A_RUN = 4;

/** Latent frames [1, C, t, h, w] of one tile -> their pictures [1, 3, f, H, W]; called in time order. */
export type TileDecoder = (input: {
  readonly latent: FloatTensor;
  readonly timestep?: number | undefined;
}) => Promise<FloatTensor>;

/** How a bundle's decoder is run. */
export interface DecoderPlan {
  /** Latent frames of the next run when `done` of `latentFrames` are. */
  framesARun(done: number, latentFrames: number): number;
  /** A decoder at the start of a clip. */
  open(): TileDecoder;
  release(): Promise<void>;
}

const ANY = undefined;

/** The graphs of bundle.json's plan, opened. */
export async function openDecoderPlan(bundle: Bundle, backend: Backend): Promise<DecoderPlan> {
  switch (bundle.manifest.components.vae_decoder.plan) {
    case 'whole':
      return openWhole(bundle, backend);
    case 'per-frame':
      return openPerFrame(bundle, backend);
    case 'streaming':
      return openStreaming(bundle, backend);
  }
}

async function openWhole({ name, graphs }: Bundle, backend: Backend): Promise<DecoderPlan> {
  const session = await backend.createSession(graphs.vae_decoder!, {
    name: `${name}: vae_decoder`,
    knownInputs: {
      latent_sample: { type: 'float32', dims: [1, ANY, ANY, ANY, ANY] },
      timestep: { type: 'float32', dims: [1] },
    },
    neededOutputs: ['sample'],
  });
  return {
    framesARun: (_, latentFrames) => latentFrames,
    open: () => input => sampleOf(session, { latent_sample: input.latent, timestep: filled(input.timestep ?? 0, [1]) }),
    release: () => session.release(),
  };
}

async function openPerFrame({ name, graphs }: Bundle, backend: Backend): Promise<DecoderPlan> {
  const session = await backend.createSession(graphs.vae_decoder!, {
    name: `${name}: vae_decoder`,
    knownInputs: { latent_sample: { type: 'float32', dims: [ANY, ANY, ANY, ANY] } },
    neededOutputs: ['sample'],
  });
  const fixed = session.inputs[0]?.shape[0];
  const decode: TileDecoder = async ({ latent }) => {
    const [, channels, frames, height, width] = latent.dims as [number, number, number, number, number];
    const cells = height * width;
    const single = new Float32Array(latent.data.length); // [C, t, …] -> [t, C, …]
    for (let c = 0; c < channels; c++)
      for (let t = 0; t < frames; t++) {
        const from = (c * frames + t) * cells;
        single.set(latent.data.subarray(from, from + cells), (t * channels + c) * cells);
      }
    const picture = await sampleOf(session, { latent_sample: floats(single, [frames, channels, height, width]) });
    const [, , pixelHeight, pixelWidth] = picture.dims as [number, number, number, number];
    const shape = { frames, height: pixelHeight, width: pixelWidth };
    return floats(colorsFirst(picture.data, shape), [1, 3, frames, pixelHeight, pixelWidth]);
  };
  return {
    framesARun: () => (typeof fixed === 'number' ? fixed : FRAMES_A_RUN),
    open: () => decode,
    release: () => session.release(),
  };
}

async function openStreaming(bundle: Bundle, backend: Backend): Promise<DecoderPlan> {
  const stream = await openStream(bundle, backend, {
    component: 'vae_decoder',
    input: 'latent_sample',
    output: 'sample',
  });
  return {
    framesARun: done => (done === 0 ? stream.firstFrames : stream.nextFrames),
    open: () => {
      const next = stream.open();
      return ({ latent }) => next(latent);
    },
    release: stream.release,
  };
}

async function sampleOf(session: Session, feeds: Readonly<Record<string, Tensor>>): Promise<FloatTensor> {
  return floatsOf('sample', (await session.run(feeds)).sample);
}
