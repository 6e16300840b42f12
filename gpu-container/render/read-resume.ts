import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import type { VideoRequest } from '#core/video-request.ts';
import { decodeCheckpoint, MAX_CHECKPOINT_BYTES, type RunState } from '#gpu-container/engine/checkpoint.ts';
import { elementCount } from '#gpu-container/engine/tensor.ts';
import { runRequest } from './generate-frames.ts';
import type { Model } from './model.ts';

/**
 * Where a run stood, from a checkpoint's file. RangeError, in words that quote nothing of file or request, unless it is whole and
 * of this bundle and this request; a file system's error when it cannot be read.
 */
export async function readResume(path: string, model: Model, request: VideoRequest): Promise<RunState> {
  const stats = await stat(path);
  if (!stats.isFile() || stats.size > MAX_CHECKPOINT_BYTES)
    throw new RangeError('checkpoint: it is no file of its size.');
  const { bundleDigest, requestHash, ...state } = decodeCheckpoint(await readFile(path));
  if (bundleDigest !== model.bundle.digest) throw new RangeError('checkpoint: it is of another bundle.');
  if (requestHash !== hashRequest(request)) throw new RangeError('checkpoint: it is of another request.');
  const wanted = runRequest(model, request);
  const scheduler = model.scheduler(wanted, request.flow_shift);
  const values = elementCount(model.family.sampleDims(wanted, wanted.task));
  const { index, sample, history } = state.scheduler;
  const fits =
    state.steps === scheduler.timesteps.length &&
    state.step === index &&
    [sample, ...history].every(array => array.length === values) &&
    (state.rng !== null || scheduler.noiseDraws(state.scheduler) === 0);
  if (!fits) throw new RangeError('checkpoint: its steps, sizes or generator do not fit the model.');
  return state;
}

/**
 * sha256, lower-case hex, of the request's JSON with sorted keys and no spaces: the same however the object was put together. What says
 * nothing, or only where, is left out: a request of before a field came has the hash that its checkpoints hold.
 */
export function hashRequest(request: VideoRequest): string {
  const said = Object.entries(request).filter(
    ([field, value]) => value !== null && field !== 'residency' && !(field === 'task' && value === 't2v'),
  );
  return createHash('sha256')
    .update(canonicalJson(Object.fromEntries(said)))
    .digest('hex');
}

function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => {
    if (inner === null || typeof inner !== 'object' || Array.isArray(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
