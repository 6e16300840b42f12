import type { Clip } from '#gpu-container/evaluation/clip.ts';
import type { GateClip } from '#gpu-container/evaluation/gates/judge-gate.ts';
import type { EvalSettings, Subject } from '#gpu-container/evaluation/report.ts';

/** A file that a clip starts from. */
export interface EvalReference {
  readonly field: 'image_reference' | 'video_reference';
  readonly bytes: Uint8Array;
}

/** What one clip is asked for; what is undefined is the model's to say. */
export interface EvalAsk {
  readonly prompt: string;
  readonly seed: number;
  readonly preset?: string | undefined;
  readonly steps?: number | undefined;
  readonly guidance?: number | undefined;
  readonly reference?: EvalReference | undefined;
}

/** A clip with all that is known of how it came to be; through a server there are no latents. */
export interface MadeClip extends GateClip {
  readonly settings: EvalSettings;
}

/** Where clips come from: a bundle in this process, or a running Reelay. */
export interface ClipSource {
  readonly subject: Subject;
  /** "WIDTHxHEIGHT" of a request that names none, and its frames: what references are drawn in. */
  readonly size: string;
  readonly frames: number;
  readonly fps: number;
  /** Whether the model makes anything of it, found out before anything is rendered; `invalid_request` and the like where not. */
  check(ask: EvalAsk): EvalSettings | null;
  /**
   * One clip. `render_failed` says that this one cannot be made and others may; everything else ends the run.
   */
  make(ask: EvalAsk, options: { readonly keepLatents: boolean }): Promise<MadeClip>;
  /** A clip of the ask's size and length through the model's own encoder and decoder; not there where the model takes no videos. */
  recode?(ask: EvalAsk, clip: Clip): Promise<Clip>;
  close(): Promise<void>;
}

/** Opens the source that the flags name. On one thread of the CPU the same build gives the same bits. */
export type OpenSource = (how: { readonly oneThread: boolean }) => Promise<ClipSource>;
