/**
 * @file The supervisor's side of the render child.
 *
 *     no child -> loading -> idle <-> rendering      any of them, on a death, a hang or another model -> no child
 *     rendering --signal--> asked to cancel, killed after the grace --> throws the signal's reason
 *     rendering --pause--> asked to pause, killed after its grace --> paused with the newest checkpoint; done if it was that far
 */
import { type ChildProcess, fork } from 'node:child_process';
import { ReelayError } from '#core/errors.ts';
import type { Progress } from '#core/job.ts';
import { limits } from '#core/limits.ts';
import type { VideoRequest } from '#core/video-request.ts';
import type {
  CheckpointFile,
  CheckpointRule,
  FromChild,
  RenderedFiles,
  ToChild,
} from '#gpu-container/render/protocol.ts';

/** A checkpoint on this machine's disk. */
export type { CheckpointFile } from '#gpu-container/render/protocol.ts';
/** The files of one rendering, on this machine's disk. */
export type Rendered = RenderedFiles;

/** What the child is asked to do. */
export interface RenderTask {
  readonly taskId: string;
  readonly request: VideoRequest;
  /** Where the child writes its files, checkpoints among them. */
  readonly folder: string;
  /** Bytes of an earlier attempt's checkpoint, to go on from; what does not fit is refused and told to `onNotice`. */
  readonly resumePath?: string | undefined;
  /** The bytes of the request's reference in a local file; undefined where it has none. */
  readonly referencePath?: string | undefined;
}

/** What the caller watches and how it stops a task. The callbacks must not throw; the child does not wait for them. */
export interface RenderOptions {
  /** Stop and leave nothing. */
  readonly signal: AbortSignal;
  /** Stop where it can be resumed. */
  readonly pause: AbortSignal;
  readonly onProgress: (progress: Progress) => void;
  /** A file is there until two newer ones are; not called any more once `pause` is aborted, the outcome names the newest then. */
  readonly onCheckpoint: (file: CheckpointFile) => void;
  readonly checkpoint: CheckpointRule;
  /** For the log: a resume file that was refused, a checkpoint that could not be written. */
  readonly onNotice?: (notice: { type: 'resume_refused' | 'checkpoint_failed'; reason: string }) => void;
}

/** How a task ended when nothing went wrong. */
export type RenderOutcome =
  | {
      readonly outcome: 'done';
      readonly files: RenderedFiles;
      /** 0: from the first step. */
      readonly resumedAtStep: number;
    }
  /** null: nothing newer than `resumePath`, if there was one. */
  | { readonly outcome: 'paused'; readonly checkpoint: CheckpointFile | null };

/** The supervisor's handle on the render child, which holds the model and can be killed at any time. */
export interface Renderer {
  /**
   * One task at a time. Throws the signal's reason when aborted (the child has stopped, or is dead, by then), `bundle_corrupt`,
   * `model_not_found`, `render_failed`, and `renderer_lost` when the child died or hung. A task may be done although it was paused.
   */
  render(task: RenderTask, options: RenderOptions): Promise<RenderOutcome>;
  /** Starts loading a model's bundle so that the first job need not wait; a bad bundle is reported by render, not here. */
  warm(model: string): void;
  close(): Promise<void>;
}

/** Which bundles there are and how to run them. */
export interface RendererOptions {
  /** Folder of each model's bundle, by model id. */
  readonly bundles: ReadonlyMap<string, string>;
  /** Threads one inference may use. */
  readonly threads: number;
  readonly childPath: string;
  /** For tests; limits.pauseGraceMs otherwise. */
  readonly pauseGraceMs?: number;
}

interface Child {
  readonly process: ChildProcess;
  readonly model: string;
  readonly ready: Promise<void>;
  readonly exited: Promise<void>;
  /** It did not load. */
  broken: boolean;
}

/** Forks a child at the first task, keeps it between tasks, and forks another when it died or another model is asked for. */
export function createRenderer(options: RendererOptions): Renderer {
  let child: Child | undefined;

  const childFor = async (model: string): Promise<Child> => {
    if (child?.model === model && isAlive(child) && !child.broken) return child;
    if (child !== undefined) await kill(child);
    const folder = options.bundles.get(model);
    if (folder === undefined) throw new ReelayError('model_not_found', `model: this worker has no bundle "${model}".`);
    child = startChild(options, model, folder);
    return child;
  };

  return {
    warm: model => {
      childFor(model)
        .then(started => started.ready)
        .catch(() => undefined); // told to the first job that needs it
    },
    render: async (task, watch) => {
      watch.signal.throwIfAborted();
      if (watch.pause.aborted) return { outcome: 'paused', checkpoint: null };
      const used = await childFor(task.request.model);
      try {
        if (!(await readyUnlessPaused(used, watch))) return { outcome: 'paused', checkpoint: null };
        return await runTask(used, task, watch, options.pauseGraceMs ?? limits.pauseGraceMs);
      } catch (error) {
        // A child that did not load, or died, is not asked again: the next task starts a fresh one, on files that may be mended.
        if ((used.broken || !isAlive(used)) && child === used) child = undefined;
        throw error;
      }
    },
    close: async () => {
      if (child !== undefined) await kill(child);
      child = undefined;
    },
  };
}

/** False when paused while loading; the child goes on loading. Throws the signal's reason, and what keeps a child from loading. */
async function readyUnlessPaused(child: Child, { signal, pause }: RenderOptions): Promise<boolean> {
  const waiting = new AbortController(); // takes the listeners off again: a drain's signal outlives many tasks
  const aborted = new Promise<void>(resolve => {
    for (const one of [signal, pause])
      one.addEventListener('abort', () => resolve(), { once: true, signal: waiting.signal });
  });
  try {
    await Promise.race([child.ready, aborted]);
  } finally {
    waiting.abort();
  }
  signal.throwIfAborted();
  return !pause.aborted;
}

function startChild(options: RendererOptions, model: string, folder: string): Child {
  const process = fork(options.childPath, [folder, String(options.threads)], {
    serialization: 'advanced',
    execArgv: ['--disable-warning=ExperimentalWarning'],
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  // A signal or message that does not reach a dying child is an error event; its exit tells all there is to know.
  process.on('error', () => undefined);
  const exited = new Promise<void>(resolve => process.once('exit', () => resolve()));
  const ready = loaded(process);
  const child: Child = { process, model, ready, exited, broken: false };
  ready.catch(() => {
    child.broken = true; // the reason is told to the job that waits for it
  });
  return child;
}

/** Resolves when the child holds its model; a bad bundle, a silent or a dying child reject. */
function loaded(child: ChildProcess): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    const late = setTimeout(() => {
      child.kill('SIGKILL');
      finish(() =>
        reject(new ReelayError('renderer_lost', `The model did not load within ${limits.bundleLoadSeconds} s.`)),
      );
    }, limits.bundleLoadSeconds * 1000);
    const onError = (cause: Error) =>
      finish(() => reject(new ReelayError('renderer_lost', 'The renderer did not start.', { cause })));
    const onExit = (code: number | null) =>
      finish(() => reject(new ReelayError('renderer_lost', `The renderer ended (${code ?? 'killed'}) while loading.`)));
    const onMessage = (message: FromChild) => {
      if (message.type === 'ready') finish(resolve);
      if (message.type === 'failed') finish(() => reject(fromChild(message)));
    };
    const finish = (act: () => void) => {
      clearTimeout(late);
      child.off('error', onError).off('exit', onExit).off('message', onMessage);
      act();
    };
    child.on('error', onError).on('exit', onExit).on('message', onMessage);
  });
}

function fromChild(message: Extract<FromChild, { type: 'failed' }>): ReelayError {
  const cause = message.detail === undefined ? undefined : new Error(message.detail);
  return new ReelayError(message.code, message.message, { retryable: message.retryable, cause });
}

/** One task on a ready child: a polite word first, SIGKILL after the grace; a silent child is killed after the step limit. */
function runTask(child: Child, task: RenderTask, watch: RenderOptions, pauseGraceMs: number): Promise<RenderOutcome> {
  const { signal, pause, checkpoint } = watch;
  return new Promise<RenderOutcome>((resolve, reject) => {
    const seen = watchTask(watch);
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
function watchTask({ signal, pause, onProgress, onCheckpoint, onNotice }: RenderOptions) {
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
        case 'resume_refused':
        case 'checkpoint_failed':
          onNotice?.({ type: message.type, reason: message.reason });
          return undefined;
        case 'done':
          return { outcome: 'done', files: message.files, resumedAtStep };
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

function isAlive({ process: { connected, exitCode, signalCode } }: Child): boolean {
  return connected && exitCode === null && signalCode === null;
}

async function kill(child: Child): Promise<void> {
  child.process.kill('SIGKILL');
  if (child.process.exitCode === null && child.process.signalCode === null) await child.exited;
}
