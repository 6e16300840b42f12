/**
 * The supervisor's renderer with a child that does its steps in virtual time. It keeps what worker/renderer.ts promises:
 *
 *     loading -> step, step, … -> files -> done        any of them: the child dies -> renderer_lost
 *     --signal--> stopped at the end of the step, or killed after the grace: rejects with the signal's reason
 *     --pause--> a checkpoint at the end of the step, or killed after the grace: paused
 */
import { ReelayError } from '#core/errors.ts';
import { limits } from '#core/limits.ts';
import type { Renderer, RenderOptions, RenderOutcome, RenderTask } from '#gpu-container/worker/renderer.ts';
import { createSampling, type Machine } from './sim-sampling.ts';

const LOAD_MS = 400;
const START_MS = 5;
/** Writing the files of a finished video. */
const ENCODE_MS = 150;

/** A renderer whose child can be killed beside it. */
export interface SimRenderer extends Renderer {
  kill(): void;
}

/** The child of one process. */
interface Child extends Machine {
  loaded: boolean;
  /** Ends the task that runs, as the child's death does. */
  lost: ((why: string) => void) | undefined;
}

/** The renderer of one process. */
export function createSimRenderer(machine: Machine): SimRenderer {
  const child: Child = { ...machine, loaded: false, lost: undefined };
  const kill = () => {
    child.loaded = false;
    child.lost?.('The renderer ended (killed) in mid-job.');
  };
  return {
    kill,
    warm: () => undefined,
    close: async () => kill(),
    render: async (task, options) => {
      options.signal.throwIfAborted();
      if (options.pause.aborted) return { outcome: 'paused', checkpoint: null };
      if (child.lost !== undefined)
        machine.world.violate('one task at a time', `${task.taskId} came while another runs`);
      return new Promise((resolve, reject) => runTask(child, task, options, { resolve, reject }));
    },
  };
}

interface Answer {
  readonly resolve: (outcome: RenderOutcome) => void;
  readonly reject: (error: unknown) => void;
}

/** One task, from the load to its end. */
function runTask(child: Child, task: RenderTask, options: RenderOptions, { resolve, reject }: Answer): void {
  const { world, body } = child;
  const { signal, pause } = options;
  const sampling = createSampling(child, task, options);
  const { end, isOver } = supervise(child, options, reject, why => lost(why));
  const fail = (code: 'render_failed' | 'renderer_lost', retryable: boolean, why: string) =>
    end(() => {
      sampling.noteFailure(code, retryable);
      reject(new ReelayError(code, why, { retryable }));
    });
  const lost = (why: string) => {
    child.loaded = false;
    // Dead after a pause, by our hand or not: the job goes on from what was saved.
    if (pause.aborted) end(() => resolve({ outcome: 'paused', checkpoint: sampling.newest() }));
    else fail('renderer_lost', true, why);
  };
  /** The child does something that takes so long; it hears of a stop or a pause at its end. */
  const busy = (ms: number, then: () => void) => world.time.after(ms, () => body.onMachine(() => !isOver() && then()));
  const stopped = () => {
    if (signal.aborted) end(() => undefined);
    else if (pause.aborted) end(() => resolve({ outcome: 'paused', checkpoint: sampling.pauseFile() }));
    return signal.aborted || pause.aborted;
  };
  const goOn = () => {
    if (stopped()) return;
    if (sampling.isDone()) {
      busy(ENCODE_MS, () => {
        const files = sampling.writeFiles();
        const marked = sampling.marked();
        const made = { files, marked, warnings: [] };
        end(() => resolve({ outcome: 'done', ...made, resumedAtStep: sampling.resumedAt(), bundleDigest: '' }));
      });
      return;
    }
    const trouble = sampling.troubleNow();
    if (trouble === 'kills_worker') body.kill('its job killed it');
    else if (trouble === 'kills_child') lost('The renderer ended (killed) in mid-job.');
    else if (trouble !== undefined) fail('render_failed', trouble === 'fails', 'The renderer was told to fail.');
    else
      busy(sampling.stepMs(), () => {
        sampling.doStep();
        goOn();
      });
  };
  busy(child.loaded ? START_MS : LOAD_MS, () => {
    child.loaded = true;
    if (stopped()) return;
    sampling.start();
    goOn();
  });
}

/** Watches for a stop and a pause, kills a child that does not hear, and sees to it that a task has one end. */
function supervise(
  child: Child,
  { signal, pause }: RenderOptions,
  reject: (error: unknown) => void,
  lost: (why: string) => void,
) {
  const { body, world } = child;
  let over = false;
  let stopGrace: () => void = () => undefined;
  const killAfter = (ms: number) => {
    stopGrace();
    stopGrace = world.time.after(ms, () => body.deliver(() => !over && lost('The renderer was killed.')));
  };
  const onAbort = () => killAfter(limits.cancelGraceMs);
  const onPause = () => !signal.aborted && killAfter(limits.pauseGraceMs);
  signal.addEventListener('abort', onAbort, { once: true });
  pause.addEventListener('abort', onPause, { once: true });
  child.lost = lost;
  body.onDeath(() => {
    over = true;
  });
  return {
    isOver: () => over,
    end: (act: () => void) => {
      if (over) return;
      over = true;
      stopGrace();
      child.lost = undefined;
      body.deliver(() => {
        signal.removeEventListener('abort', onAbort);
        pause.removeEventListener('abort', onPause);
        // Whoever was told to stop hears its own reason, whatever came meanwhile.
        if (signal.aborted) reject(signal.reason);
        else act();
      });
    },
  };
}
