/**
 * @file The supervisor's side of rendering: tasks go to a child that holds their model, out of a pool of them.
 *
 *     loading -> idle <-> rendering      any of them, on a death or a hang -> no child; the pool ends and replaces idle ones
 *     rendering --signal--> asked to cancel, killed after the grace --> throws the signal's reason
 *     rendering --pause--> asked to pause, killed after its grace --> paused with the newest checkpoint; done if it was that far
 */
import type { Progress } from '#core/job.ts';
import type { JobWarning } from '#core/job-warnings.ts';
import { limits } from '#core/limits.ts';
import type { VideoRequest } from '#core/video-request.ts';
import type {
  CheckpointFile,
  CheckpointRule,
  Marked,
  MarkingOrder,
  RenderedFiles,
} from '#gpu-container/render/protocol.ts';
import { createChildPool, type PoolOptions } from './child-pool.ts';
import { readyUnlessPaused, runTask } from './run-render-task.ts';

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
  /** What its video is marked with. */
  readonly marking: MarkingOrder;
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
  /** Signs what the child asks to be signed, which has no key; where it rejects the task fails with `store_unavailable`. */
  readonly sign: (bytes: Uint8Array) => Promise<Uint8Array>;
  /** For the log: a resume file that was refused, a checkpoint that could not be written. */
  readonly onNotice?: (notice: { type: 'resume_refused' | 'checkpoint_failed'; reason: string }) => void;
}

/** How a task ended when nothing went wrong. */
export type RenderOutcome =
  | {
      readonly outcome: 'done';
      readonly files: RenderedFiles;
      readonly marked: Marked;
      readonly warnings: readonly JobWarning[];
      /** 0: from the first step. */
      readonly resumedAtStep: number;
      /** Of the weights that rendered it, see bundleDigest. */
      readonly bundleDigest: string;
    }
  /** null: nothing newer than `resumePath`, if there was one. */
  | { readonly outcome: 'paused'; readonly checkpoint: CheckpointFile | null };

/** The supervisor's handle on the render children, which hold the models and can be killed at any time. */
export interface Renderer {
  /**
   * One task at a time of each model. Throws the signal's reason when aborted (the child has stopped, or is dead, by then), `bundle_corrupt`,
   * `model_not_found`, `render_failed`, and `renderer_lost` when the child died or hung. A task may be done although it was paused.
   */
  render(task: RenderTask, options: RenderOptions): Promise<RenderOutcome>;
  /** Starts loading a model's bundle so that the first job need not wait; a bad bundle is reported by render, not here. */
  warm(model: string): void;
  close(): Promise<void>;
}

/** Which bundles there are and how to run them. */
export interface RendererOptions extends PoolOptions {
  /** For tests; limits.pauseGraceMs otherwise. */
  readonly pauseGraceMs?: number;
}

/** Forks a child at a model's first task, keeps it between tasks while there is room, and forks another when it died. */
export function createRenderer(options: RendererOptions): Renderer {
  const pool = createChildPool(options);
  const pauseGraceMs = options.pauseGraceMs ?? limits.pauseGraceMs;
  return {
    warm: model => pool.warm(model),
    render: async (task, watch) => {
      watch.signal.throwIfAborted();
      if (watch.pause.aborted) return { outcome: 'paused', checkpoint: null };
      return pool.use(task.request.model, async child => {
        const bundleDigest = await readyUnlessPaused(child, watch);
        if (bundleDigest === undefined) return { outcome: 'paused', checkpoint: null };
        return runTask(child, task, watch, { pauseGraceMs, bundleDigest });
      });
    },
    close: () => pool.close(),
  };
}
