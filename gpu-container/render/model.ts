import { ReelayError } from '#core/errors.ts';
import type { JobWarning } from '#core/job-warnings.ts';
import type {
  ClipShape,
  DecoderInput,
  DenoiserName,
  Family,
  Picture,
  RunRequest,
  TextEmbedding,
} from '#gpu-container/engine/families/family.ts';
import { createScheduler, type Scheduler } from '#gpu-container/engine/schedulers/create-scheduler.ts';
import type { FloatTensor, TensorMap } from '#gpu-container/engine/tensor.ts';
import type { Backend, Session } from '#gpu-container/runtime/backend.ts';
import type { Bundle } from '#gpu-container/runtime/load-bundle.ts';
import { shiftOfSchedule } from '#gpu-container/runtime/schedule-offers.ts';
import { openFamily } from './open-family.ts';
import { openReferenceEncoder } from './reference-encoder.ts';
import { openTextEncoder } from './text-encoder.ts';
import { type FrameChunk, openVideoDecoder } from './video-decoder.ts';

/** A loaded bundle as functions on plain arrays: the pipelines see neither graphs nor sessions. */
export interface Model {
  readonly bundle: Bundle;
  readonly family: Family;
  embed(prompt: string): Promise<TextEmbedding>;
  /** What of a prompt it takes no notice of. */
  warningsOf(prompt: string): readonly JobWarning[];
  /** One run of a denoiser: its output, as long as the batch of samples. */
  denoise(component: DenoiserName, feeds: TensorMap): Promise<Float32Array>;
  /** A video [1, 3, F, H, W] in -1..1 -> its posterior's parameters [1, 2C, T, h, w]. */
  encodeVideo(video: FloatTensor, between?: () => Promise<void>): Promise<FloatTensor>;
  /** A picture -> [1, N, D]. */
  encodeImage(picture: Picture): Promise<FloatTensor>;
  decode(input: DecoderInput, clip: ClipShape, between?: () => Promise<void>): AsyncGenerator<FrameChunk>;
  /** `flowShift` in place of the scheduler_config.json's. */
  scheduler(request: RunRequest, flowShift?: number | null): Scheduler;
  release(): Promise<void>;
}

/** Loads the graphs, the tokenizer and the scheduler of a verified bundle; `bundle_invalid` where they do not fit together. */
export async function openModel(bundle: Bundle, backend: Backend): Promise<Model> {
  const family = openFamily(bundle);
  const opened: { release(): Promise<void> }[] = [];
  const open = async <Part extends { release(): Promise<void> }>(part: Promise<Part>): Promise<Part> => {
    opened.push(await part);
    return part;
  };
  try {
    const text = await open(openTextEncoder(bundle, family, backend));
    const denoisers = await openDenoisers(bundle, family, backend, open);
    const reference = await open(openReferenceEncoder(bundle, backend));
    const decoder = await open(openVideoDecoder(bundle, family.decoder, backend));
    return {
      bundle,
      family,
      embed: text.embed,
      warningsOf: text.warningsOf,
      encodeVideo: reference.encodeVideo,
      encodeImage: reference.encodeImage,
      decode: decoder.decode,
      scheduler: (request, flowShift) => schedulerOf(bundle, family, request, flowShift ?? null),
      async denoise(component, feeds) {
        const session = denoisers.get(component);
        if (session === undefined) throw new RangeError(`model: there is no ${component}.`);
        const output = (await session.run(feeds))[family.denoiserOutput];
        if (output?.type !== 'float32') throw new TypeError(`session: output of ${component} is not float32.`);
        return output.data;
      },
      async release() {
        for (const part of opened) await part.release();
      },
    };
  } catch (error) {
    for (const part of opened) await part.release();
    throw error;
  }
}

async function openDenoisers(
  { name, graphs }: Bundle,
  family: Family,
  backend: Backend,
  open: (session: Promise<Session>) => Promise<Session>,
): Promise<ReadonlyMap<DenoiserName, Session>> {
  const sessions = new Map<DenoiserName, Session>();
  const knownInputs = Object.fromEntries(
    Object.entries(family.denoiserInputs).map(([input, dims]) => [input, { type: 'float32' as const, dims }]),
  );
  for (const component of ['transformer', 'transformer_2', 'unet'] as const) {
    const path = graphs[component];
    if (path === undefined) continue;
    const wanted = { name: `${name}: ${component}`, knownInputs, neededOutputs: [family.denoiserOutput] };
    sessions.set(component, await open(backend.createSession(path, wanted)));
  }
  return sessions;
}

/** Its own settings, with the shift a request asks for where the class has one. */
function schedulerOf(
  { scheduler, name }: Bundle,
  family: Family,
  request: RunRequest,
  shift: number | null,
): Scheduler {
  const own = shiftOfSchedule(scheduler);
  if (shift !== null && own === undefined)
    throw new ReelayError('invalid_request', `flow_shift: got ${shift}; the scheduler of ${name} has no shift.`);
  const config = shift === null ? scheduler : { ...scheduler, [own!.key]: shift };
  return createScheduler(config, family.scheduleOptions(request));
}
