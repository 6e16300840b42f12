/**
 * @file What the supervisor and the render child say to each other, over a fork's IPC channel with advanced serialization.
 *
 *     child:  starts -> ready | failed (taskId null, then it exits with 1)
 *     render -> progress* -> done | failed | cancelled
 *     cancel -> cancelled within one step, unless the task was already over
 *
 * One task at a time. The child ends when the channel closes; SIGINT and SIGTERM are the supervisor's business and ignored.
 */
import type { ErrorCode } from '#core/errors.ts';
import type { Phase } from '#core/job.ts';
import type { VideoRequest } from '#core/video-request.ts';

/** What the supervisor says. */
export type ToChild =
  | {
      readonly type: 'render';
      readonly taskId: string;
      readonly request: VideoRequest;
      /** Scratch folder to write into; made when missing, removed by the supervisor. */
      readonly folder: string;
    }
  | { readonly type: 'cancel'; readonly taskId: string };

/** What the child says. */
export type FromChild =
  | { readonly type: 'ready'; readonly bundleId: string; readonly digest: string; readonly loadMs: number }
  | {
      readonly type: 'progress';
      readonly taskId: string;
      readonly phase: Phase;
      /** Steps done; both 0 outside denoising. */
      readonly step: number;
      readonly steps: number;
    }
  | { readonly type: 'done'; readonly taskId: string; readonly files: RenderedFiles; readonly timings: RenderTimings }
  | {
      readonly type: 'failed';
      /** null: the bundle did not load. */
      readonly taskId: string | null;
      readonly code: ErrorCode;
      readonly message: string;
      /** For the log: the name of a foreign error and where it was thrown, never its text, which may quote what it was given. */
      readonly detail?: string;
      readonly retryable: boolean;
    }
  | { readonly type: 'cancelled'; readonly taskId: string };

/** A file the child has written, complete. */
export interface RenderedFile {
  /** Absolute. */
  readonly path: string;
  readonly contentType: string;
  readonly bytes: number;
  /** Lower-case hex. */
  readonly sha256: string;
}

/** What one task leaves behind. */
export interface RenderedFiles {
  readonly video: RenderedFile;
  readonly thumbnail: RenderedFile;
  readonly spritesheet: RenderedFile;
}

/** Wall-clock milliseconds; the last covers all three files. */
export interface RenderTimings {
  readonly encodePromptMs: number;
  readonly denoiseMs: number;
  readonly decodeMs: number;
  readonly encodeVideoMs: number;
}
