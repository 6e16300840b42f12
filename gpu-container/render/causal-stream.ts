/**
 * @file A causal video network as two graphs: `first` takes the first frames, `next` the following ones with the caches that the run
 * before gave. What is carried does not grow with the number of frames.
 */
import type { FloatTensor, Tensor } from '#gpu-container/engine/tensor.ts';
import type { Backend, Session } from '#gpu-container/runtime/backend.ts';
import type { Bundle } from '#gpu-container/runtime/load-bundle.ts';

/** The next frames in, what the network makes of them out; called in time order. */
export type StreamStep = (frames: FloatTensor) => Promise<FloatTensor>;

/** Both graphs, opened. */
export interface CausalStream {
  /** Frames that the first run takes, and each one after it: what the graphs were exported for. */
  readonly firstFrames: number;
  readonly nextFrames: number;
  /** A stream at its start. */
  open(): StreamStep;
  release(): Promise<void>;
}

/** The graphs' names for what goes through. */
export interface StreamNames {
  readonly component: 'vae_decoder' | 'vae_encoder';
  readonly input: string;
  readonly output: string;
}

const ANY = undefined;

/** Opens `first` and `next` of a streaming component; `bundle_invalid` where they do not take and give the listed caches. */
export async function openStream(bundle: Bundle, backend: Backend, names: StreamNames): Promise<CausalStream> {
  const { component, input, output } = names;
  const caches = bundle.caches[component] ?? [];
  const cacheInputs = Object.fromEntries(
    caches.map(({ channels }, i) => [`cache_${i}`, { type: 'float32' as const, dims: [1, channels, ANY, ANY, ANY] }]),
  );
  const cacheOutputs = caches.map((_, i) => `cache_${i}_out`);
  const open = (part: 'first' | 'next') =>
    backend.createSession(bundle.graphs[`${component}.${part}`]!, {
      name: `${bundle.name}: ${component}/stream_${part}`,
      knownInputs: {
        [input]: { type: 'float32', dims: [1, ANY, ANY, ANY, ANY] },
        ...(part === 'next' && cacheInputs),
      },
      neededOutputs: [output, ...cacheOutputs],
    });
  const first = await open('first');
  const next = await open('next').catch(async error => {
    await first.release();
    throw error;
  });
  return {
    firstFrames: framesOf(first, input),
    nextFrames: framesOf(next, input),
    open: () => {
      let carried: readonly Tensor[] | undefined;
      return async frames => {
        const session = carried === undefined ? first : next;
        const fed = Object.fromEntries((carried ?? []).map((cache, i) => [`cache_${i}`, cache]));
        const results = await session.run({ [input]: frames, ...fed });
        carried = cacheOutputs.map(name => results[name]!);
        return floatsOf(output, results[output]);
      };
    },
    release: async () => {
      await first.release();
      await next.release();
    },
  };
}

/** The time axis of [1, C, t, h, w]; a graph that leaves it free is fed one. */
function framesOf({ inputs }: Session, name: string): number {
  const frames = inputs.find(input => input.name === name)?.shape[2];
  return typeof frames === 'number' ? frames : 1;
}

/** A network's output as floats; TypeError where it is none. */
export function floatsOf(name: string, tensor: Tensor | undefined): FloatTensor {
  if (tensor?.type !== 'float32') throw new TypeError(`session: output ${name} is not float32.`);
  return tensor;
}
