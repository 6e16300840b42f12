/** @file One task on a render child, from the message to its outcome. */
import { ReelayError } from '#core/errors.ts';
import { limits } from '#core/limits.ts';
import type { CheckpointFile, FromChild, ToChild } from '#gpu-container/render/protocol.ts';
import { fromChild, type RenderChild } from './render-child.ts';
import type { RenderOptions, RenderOutcome, RenderTask } from './renderer.ts';

/** The digest of what it holds; undefined when paused while loading: the child goes on loading. Throws the signal's reason, and what keeps a child from loading. */
export async function readyUnlessPaused(
  child: RenderChild,
  { signal, pause }: RenderOptions,
): Promise<string | undefined> {
  const waiting = new AbortController(); // takes the listeners off again: a drain's signal outlives many tasks
  const aborted = new Promise<void>(resolve => {
    for (const one of [signal, pause])
      one.addEventListener('abort', () => resolve(), { once: true, signal: waiting.signal });
  });
  let digest: string | undefined;
  try {
    digest = (await Promise.race([child.ready, aborted])) ?? undefined;
  } finally {
    waiting.abort();
  }
  signal.throwIfAborted();
  return pause.aborted ? undefined : digest;
}

/** One task on a ready child: a polite word first, SIGKILL after the grace; a silent child is killed after the step limit. */
export function runTask(
  child: RenderChild,
  task: RenderTask,
  watch: RenderOptions,
  { pauseGraceMs, bundleDigest }: { readonly pauseGraceMs: number; readonly bundleDigest: string },
): Promise<RenderOutcome> {
  const { signal, pause, checkpoint } = watch;
  return new Promise<RenderOutcome>((resolve, reject) => {
    const seen = watchTask(watch, bundleDigest, message => {
      if (child.process.connected) child.process.send(message, () => undefined);
    });
    const killChild = () => child.process.kill('SIGKILL');
    let grace: NodeJS.Timeout | undefined;
    let silence = setTimeout(killChild, limits.stepSeconds * 1000);
    const tell = (message: ToChild, graceMs: number) => {
      if (child.process.connected) child.process.send(message, () => undefined);
      clearTimeout(grace);
      grace = setTimeout(killChild, graceMs);
    };
    const onAbort = () => tell({ type: 'cancel', taskId: task.taskId }, limits.cancelGraceMs);
    const onPause = () => !signal.aborted && tell({ type: 'pause', taskId: task.taskId }, pauseGraceMs);
    const finish = (act: () => void) => {
      clearTimeout(silence);
      clearTimeout(grace);
      signal.removeEventListener('abort', onAbort);
      pause.removeEventListener('abort', onPause);
      child.process.off('exit', onExit).off('disconnect', onGone).off('message', onMessage);
      act();
    };
    const lost = (message: string) => {
      if (signal.aborted) reject(signal.reason);
      // Dead after a pause, by our hand or not: the job is given back all the same, and goes on from what was saved.
      else if (pause.aborted) resolve({ outcome: 'paused', checkpoint: seen.checkpoint() });
      else reject(new ReelayError('renderer_lost', message));
    };
    const onGone = () => {
      const code = child.process.exitCode;
      finish(() => lost(`The renderer ended (${code ?? 'killed'}) in mid-job.`));
    };
    // What it said last may be read after its exit, and the channel closes when all of it is.
    const onExit = () => (child.process.connected ? child.process.once('disconnect', onGone) : onGone());
    const onMessage = (message: FromChild) => {
      if (!('taskId' in message) || message.taskId !== task.taskId) return;
      clearTimeout(silence);
      silence = setTimeout(killChild, limits.stepSeconds * 1000);
      const ended = seen.take(message);
      if (ended === undefined) return;
      if (signal.aborted) finish(() => reject(signal.reason));
      else finish(() => (ended instanceof ReelayError ? reject(ended) : resolve(ended)));
    };
    child.process.on('message', onMessage).once('exit', onExit);
    const message: ToChild = { type: 'render', ...task, checkpoint };
    child.process.send(message, error => {
      if (error !== null) finish(() => lost('The renderer could not be reached.'));
    });
    signal.addEventListener('abort', onAbort, { once: true });
    pause.addEventListener('abort', onPause, { once: true });
    if (signal.aborted) onAbort();
    else if (pause.aborted) onPause();
  });
}

/** Passes a task's messages on to those who watch, and knows what its last one means. */
function watchTask(watch: RenderOptions, bundleDigest: string, reply: (message: ToChild) => void) {
  const { signal, pause, onProgress, onCheckpoint, onNotice, sign } = watch;
  let newest: CheckpointFile | null = null;
  let resumedAtStep = 0;
  return {
    checkpoint: () => newest,
    /** How the task ended; undefined while it runs. */
    take(message: Extract<FromChild, { taskId: unknown }>): RenderOutcome | ReelayError | undefined {
      switch (message.type) {
        case 'started':
          ({ resumedAtStep } = message);
          return undefined;
        case 'progress':
          if (!signal.aborted) onProgress({ phase: message.phase, step: message.step, steps: message.steps });
          return undefined;
        case 'checkpoint': {
          const { path, step, bytes, sha256 } = message;
          newest = { path, step, bytes, sha256 };
          if (!signal.aborted && !pause.aborted) onCheckpoint(newest);
          return undefined;
        }
        case 'alive': // it was heard, which is all
          return undefined;
        case 'resume_refused':
        case 'checkpoint_failed':
          onNotice?.({ type: message.type, reason: message.reason });
          return undefined;
        case 'sign':
          void sign(message.bytes)
            .catch(() => null) // the child tells it as an outage: what a key service says is not for the record
            .then(signature => reply({ type: 'signature', taskId: message.taskId, id: message.id, signature }));
          return undefined;
        case 'done': {
          const { files, marked, warnings } = message;
          return { outcome: 'done', files, marked, warnings, resumedAtStep, bundleDigest };
        }
        case 'paused':
          return { outcome: 'paused', checkpoint: message.checkpoint };
        case 'failed':
          return fromChild(message);
        case 'cancelled':
          return new ReelayError('renderer_lost', 'The renderer cancelled by itself.');
      }
    },
  };
}
