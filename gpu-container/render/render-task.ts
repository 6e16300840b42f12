/**
 * @file One task in the child, from its message to its answer.
 *
 *     reading the resume file -> running -> done | failed
 *     running --cancel--> cancelled at the next boundary between two network runs
 *     running --pause--> the newest state is written at once; paused at the next boundary, done if there is none left
 *
 * Inference blocks the event loop, so at each boundary the loop is let run once: that is when a cancel or pause is read.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { placeOf, ReelayError } from '#core/errors.ts';
import type { RunState } from '#gpu-container/engine/checkpoint.ts';
import { createCheckpoints } from './checkpoint-files.ts';
import type { Model } from './model.ts';
import type { FromChild, ToChild } from './protocol.ts';
import { hashRequest, readResume } from './read-resume.ts';
import type { VideoPipeline } from './video-pipeline.ts';

/** A model and what makes videos with it, as a child holds them. */
export interface Pipeline {
  readonly model: Model;
  readonly render: VideoPipeline;
}

/** A task under way. */
export interface RunningTask {
  cancel(): void;
  pause(): void;
  /** The answer to what it asked to be signed. */
  signature(message: Extract<ToChild, { type: 'signature' }>): void;
  /** done, failed, cancelled or paused; never rejects. */
  readonly answer: Promise<FromChild>;
}

/** Says on the channel what happens on the way; the answer is the caller's to send. */
export function startTask(
  { model, render }: Pipeline,
  { taskId, request, folder, resumePath, referencePath, checkpoint, marking }: Extract<ToChild, { type: 'render' }>,
  send: (message: FromChild) => void,
): RunningTask {
  let stop: 'cancelled' | 'paused' | undefined;
  const checkpoints = createCheckpoints({
    folder,
    rule: checkpoint,
    bundleDigest: model.bundle.digest,
    requestHash: hashRequest(request),
    nowMs: () => performance.now(),
    onWritten: file => send({ type: 'checkpoint', taskId, ...file }),
    onFailed: (step, error) => send({ type: 'checkpoint_failed', taskId, step, reason: shortReason(error) }),
  });

  const readOrRefuse = async (): Promise<RunState | undefined> => {
    if (resumePath === undefined) return undefined;
    return readResume(resumePath, model, request).catch(error => {
      send({ type: 'resume_refused', taskId, reason: shortReason(error) });
      return undefined;
    });
  };

  const alive = createSignOfLife(() => send({ type: 'alive', taskId }));
  const signatures = createSignatures((id, bytes) => send({ type: 'sign', taskId, id, bytes }));

  const run = async (): Promise<FromChild> => {
    try {
      const resume = await readOrRefuse();
      send({ type: 'started', taskId, resumedAtStep: resume?.step ?? 0 });
      const rendering = await render(request, folder, {
        resume,
        referencePath,
        marking: { order: marking, sign: signatures.ask },
        onProgress: (phase, step, steps) => send({ type: 'progress', taskId, phase, step, steps }),
        checkpoint: async state => {
          alive();
          if (state !== undefined) checkpoints.reached(state);
          await nextTurn();
          if (stop !== undefined) throw new Stopped();
        },
      });
      return { type: 'done', taskId, ...rendering };
    } catch (error) {
      if (!(error instanceof Stopped)) return failure(taskId, error);
      return stop === 'paused'
        ? { type: 'paused', taskId, checkpoint: checkpoints.save() }
        : { type: 'cancelled', taskId };
    }
  };

  return {
    answer: run(),
    signature: signatures.answer,
    cancel: () => {
      stop = 'cancelled';
    },
    pause: () => {
      if (stop !== undefined) return;
      stop = 'paused';
      checkpoints.save(); // now: should the next boundary be too far away, the supervisor kills us and goes on from here
    },
  };
}

/** A long decode has hundreds of network runs and one phase. */
const ALIVE_EVERY_MS = 1_000;

/** Sends between network runs, not too often: the supervisor takes a silent child for hung. */
function createSignOfLife(send: () => void): () => void {
  let saidMs = performance.now();
  return () => {
    if (performance.now() - saidMs < ALIVE_EVERY_MS) return;
    saidMs = performance.now();
    send();
  };
}

/** Asks the supervisor, who has the key. */
function createSignatures(askFor: (id: number, bytes: Uint8Array) => void) {
  const asked = new Map<number, (signature: Uint8Array | null) => void>();
  let ids = 0;
  return {
    async ask(bytes: Uint8Array): Promise<Uint8Array> {
      const id = ids++;
      const signature = await new Promise<Uint8Array | null>(resolve => {
        asked.set(id, resolve);
        askFor(id, bytes);
      });
      if (signature === null)
        throw new ReelayError('store_unavailable', 'The key that signs videos could not be asked.');
      return signature;
    },
    answer({ id, signature }: Extract<ToChild, { type: 'signature' }>): void {
      asked.get(id)?.(signature);
      asked.delete(id);
    },
  };
}

/** Thrown through the pipeline at a boundary. */
class Stopped extends Error {}

/** A RangeError of ours is a sentence; of others only the code, as their text may quote paths. */
function shortReason(error: unknown): string {
  if (error instanceof RangeError) return error.message;
  return (error as NodeJS.ErrnoException).code ?? placeOf(error).join(' ');
}

/** The supervisor gets a code it can act on; what is not ours is `render_failed`, worth another try on another machine. */
export function failure(taskId: string | null, error: unknown): FromChild {
  const foreign = new ReelayError('render_failed', 'The renderer failed unexpectedly; the log says where.');
  const known = error instanceof ReelayError ? error : foreign;
  const { code, message, retryable } = known;
  const detail = known === error ? {} : { detail: placeOf(error).join(' ') };
  return { type: 'failed', taskId, code, message, retryable, ...detail };
}
