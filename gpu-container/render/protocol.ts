/**
 * @file What the supervisor and the render child say to each other, over a fork's IPC channel with advanced serialization.
 *
 *     child:  starts -> ready | failed (taskId null, then it exits with 1); partly_elsewhere at any time
 *     render -> resume_refused? -> started -> (progress | alive | checkpoint | checkpoint_failed)* -> done | failed | cancelled | paused
 *     sign   <- at the end of a task: the child has no private key; signature -> it goes on, or fails where there is none
 *     cancel -> cancelled within one step, unless the task was already over
 *     pause  -> paused within one step; while files are written the task ends as done instead, after a checkpoint
 *
 * One task at a time. The child ends when the channel closes; SIGINT and SIGTERM are the supervisor's business and ignored.
 */
import type { VideoDisclosure } from '#core/audit/disclose.ts';
import type { ErrorCode } from '#core/errors.ts';
import type { Phase } from '#core/job.ts';
import type { JobWarning } from '#core/job-warnings.ts';
import type { VideoRequest } from '#core/video-request.ts';
import type { Message } from '#gpu-container/provenance/watermark/coded-word.ts';
import type { MarkStrength } from '#gpu-container/provenance/watermark/delivered-size.ts';
import type { KeyStream } from '#gpu-container/provenance/watermark/key-stream.ts';

/** What the supervisor says. */
export type ToChild =
  | {
      readonly type: 'render';
      readonly taskId: string;
      readonly request: VideoRequest;
      /** Scratch folder to write into; made when missing, removed by the supervisor. */
      readonly folder: string;
      /** A checkpoint's bytes in a local file, to go on from. One that does not fit is refused, and the task starts at step 0. */
      readonly resumePath?: string | undefined;
      /** The bytes of `request.reference` in a local file, checked against its hash; undefined for t2v. */
      readonly referencePath?: string | undefined;
      readonly checkpoint: CheckpointRule;
      /** There is no task without it. */
      readonly marking: MarkingOrder;
    }
  /** The answer to `sign` of the same id; null where no signature could be had. */
  | {
      readonly type: 'signature';
      readonly taskId: string;
      readonly id: number;
      readonly signature: Uint8Array | null;
    }
  | { readonly type: 'cancel'; readonly taskId: string }
  | { readonly type: 'pause'; readonly taskId: string };

/** What a clip is marked with. It holds no key: the stream is made of the watermark key, and signatures are asked for. */
export interface MarkingOrder {
  readonly stream: KeyStream;
  /** The job's 58 bits, as the mark carries them. */
  readonly message: Message;
  /** DER of the leaf's certificate and those between it and the root. */
  readonly chain: readonly Uint8Array[];
  /** PEM: whom the finished file is checked against. */
  readonly trustRoots: string;
  readonly generator: { readonly name: string; readonly version: string };
  readonly createdAtMs: number;
  readonly jobId: string;
  /** Of the request, under a key of the installation; hex. */
  readonly requestHmac: string;
  /** What the law of some places wants beside the marks. */
  readonly disclosure: VideoDisclosure;
}

/** What was marked, as the finished file was found to be. */
export interface Marked {
  /** `urn:c2pa:…` */
  readonly manifestId: string;
  readonly strength: MarkStrength;
  /** "WIDTHxHEIGHT" of the file: a small clip is enlarged before it is marked. */
  readonly size: string;
  /** sha256 over the RGB bytes of all frames in order, as the model made them: before they were enlarged and marked. Lower-case hex. */
  readonly framesSha256: string;
  /** Of the first, the middle and the last frame (provenance/picture-hash.ts). */
  readonly pictureHashes: readonly string[];
}

/** When a checkpoint is due: so many steps or so much time after the last one, whichever comes first. */
export interface CheckpointRule {
  /** 0: not by steps. */
  readonly everySteps: number;
  /** 0: not by time. */
  readonly everyMs: number;
}

/** What the child says. */
export type FromChild =
  | { readonly type: 'ready'; readonly bundleId: string; readonly digest: string; readonly loadMs: number }
  /** At any time, once for a graph: it renders, and part of its work is not done on the provider that was asked for. A sentence. */
  | { readonly type: 'partly_elsewhere'; readonly why: string }
  /** The resume file is not used; the reason is a sentence that quotes nothing of the file or the request. */
  | { readonly type: 'resume_refused'; readonly taskId: string; readonly reason: string }
  /** 0: from the first step. */
  | { readonly type: 'started'; readonly taskId: string; readonly resumedAtStep: number }
  | {
      readonly type: 'progress';
      readonly taskId: string;
      readonly phase: Phase;
      /** Steps done; both 0 outside denoising. */
      readonly step: number;
      readonly steps: number;
    }
  /** Between two network runs when nothing else was said for a second. */
  | { readonly type: 'alive'; readonly taskId: string }
  /** A signature over these bytes is needed (ECDSA P-256 with SHA-256). */
  | { readonly type: 'sign'; readonly taskId: string; readonly id: number; readonly bytes: Uint8Array }
  | {
      readonly type: 'done';
      readonly taskId: string;
      readonly files: RenderedFiles;
      readonly marked: Marked;
      /** They quote the prompt: for the record, never for a log. */
      readonly warnings: readonly JobWarning[];
      readonly timings: RenderTimings;
    }
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
  | { readonly type: 'cancelled'; readonly taskId: string }
  | ({ readonly type: 'checkpoint'; readonly taskId: string } & CheckpointFile)
  /** The task goes on without; the reason is an errno such as ENOSPC. */
  | { readonly type: 'checkpoint_failed'; readonly taskId: string; readonly step: number; readonly reason: string }
  | {
      readonly type: 'paused';
      readonly taskId: string;
      /** The newest; null when no step was done since the task started or resumed, so that nothing new is to be kept. */
      readonly checkpoint: CheckpointFile | null;
    };

/** A checkpoint on this machine's disk, complete. It stays until two newer ones are written, and at the end of the task. */
export interface CheckpointFile {
  /** Absolute, in the task's folder. */
  readonly path: string;
  /** Steps that need not be done again. */
  readonly step: number;
  readonly bytes: number;
  /** Lower-case hex, of the bytes. */
  readonly sha256: string;
}

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

/** Wall-clock milliseconds. */
export interface RenderTimings {
  readonly encodePromptMs: number;
  readonly denoiseMs: number;
  readonly decodeMs: number;
  /** From the last frame on: all three files, and the two that follow. */
  readonly encodeVideoMs: number;
  /** The watermark, all frames. */
  readonly embedMs: number;
  readonly signMs: number;
  /** Reading both marks of the finished file. */
  readonly verifyMs: number;
}
