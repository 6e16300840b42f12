import { type ChildProcess, fork } from 'node:child_process';
import { ReelayError } from '#core/errors.ts';
import type { Progress } from '#core/job.ts';
import { limits } from '#core/limits.ts';
import type { VideoRequest } from '#core/video-request.ts';
import type { FromChild, RenderedFiles, ToChild } from '#gpu-container/render/protocol.ts';

/** The files of one rendering, on this machine's disk. */
export type Rendered = RenderedFiles;

/** What the child is asked to do. */
export interface RenderTask {
  readonly taskId: string;
  readonly request: VideoRequest;
  /** Where the child writes its files. */
  readonly folder: string;
}

/** The supervisor's handle on the render child, which holds the model and can be killed at any time. */
export interface Renderer {
  /**
   * One task at a time. Throws the signal's reason when aborted (the child has stopped, or is dead, by then), `bundle_corrupt`,
   * `model_not_found`, `render_failed`, and `renderer_lost` when the child died or hung.
   */
  render(task: RenderTask, options: { signal: AbortSignal; onProgress: (p: Progress) => void }): Promise<Rendered>;
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
    if (child?.model === model && child.process.connected && !child.broken) return child;
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
    render: async (task, { signal, onProgress }) => {
      signal.throwIfAborted();
      const used = await childFor(task.request.model);
      try {
        await Promise.race([used.ready, aborted(signal)]);
        return await runTask(used, task, signal, onProgress);
      } catch (error) {
        // A child that did not load, or died, is not asked again: the next task starts a fresh one, on files that may be mended.
        if ((used.broken || !used.process.connected) && child === used) child = undefined;
        throw error;
      }
    },
    close: async () => {
      if (child !== undefined) await kill(child);
      child = undefined;
    },
  };
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
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

/** One task on a ready child: polite cancel first, SIGKILL after the grace; a silent child is killed after the step limit. */
function runTask(
  child: Child,
  task: RenderTask,
  signal: AbortSignal,
  onProgress: (p: Progress) => void,
): Promise<Rendered> {
  return new Promise<Rendered>((resolve, reject) => {
    let grace: NodeJS.Timeout | undefined;
    const lost = (message: string) => (signal.aborted ? signal.reason : new ReelayError('renderer_lost', message));
    let silence = setTimeout(hung, limits.stepSeconds * 1000);
    function hung() {
      child.process.kill('SIGKILL');
    }
    const onAbort = () => {
      if (child.process.connected)
        child.process.send({ type: 'cancel', taskId: task.taskId } satisfies ToChild, () => undefined);
      grace = setTimeout(() => child.process.kill('SIGKILL'), limits.cancelGraceMs);
    };
    const onExit = (code: number | null) =>
      finish(() => reject(lost(`The renderer ended (${code ?? 'killed'}) in mid-job.`)));
    const finish = (act: () => void) => {
      clearTimeout(silence);
      clearTimeout(grace);
      signal.removeEventListener('abort', onAbort);
      child.process.off('exit', onExit);
      child.process.off('message', onMessage);
      act();
    };
    const onMessage = (message: FromChild) => {
      if (!('taskId' in message) || message.taskId !== task.taskId) return;
      clearTimeout(silence);
      silence = setTimeout(hung, limits.stepSeconds * 1000);
      if (message.type === 'progress' && !signal.aborted)
        onProgress({ phase: message.phase, step: message.step, steps: message.steps });
      if (message.type === 'done') finish(() => (signal.aborted ? reject(signal.reason) : resolve(message.files)));
      if (message.type === 'failed') finish(() => reject(signal.aborted ? signal.reason : fromChild(message)));
      if (message.type === 'cancelled') finish(() => reject(lost('The renderer cancelled by itself.')));
    };
    child.process.on('message', onMessage).once('exit', onExit);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    const { taskId, request, folder } = task;
    child.process.send({ type: 'render', taskId, request, folder } satisfies ToChild, error => {
      if (error !== null) finish(() => reject(lost('The renderer could not be reached.')));
    });
  });
}

async function kill(child: Child): Promise<void> {
  child.process.kill('SIGKILL');
  if (child.process.exitCode === null && child.process.signalCode === null) await child.exited;
}
