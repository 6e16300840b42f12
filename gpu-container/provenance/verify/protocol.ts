/**
 * @file What the process that reads files is asked, and what it tells. Registry, judgement and the watermark key stay with the supervisor:
 * the process gets what the key decides about the mark, and gives back messages that it cannot open.
 */
import type { C2paFinding } from '#gpu-container/provenance/c2pa/finding.ts';
import type { Message } from '#gpu-container/provenance/watermark/coded-word.ts';
import type { KeyStream } from '#gpu-container/provenance/watermark/key-stream.ts';
import type { Geometry } from '#gpu-container/provenance/watermark/resample.ts';

/** One file to read. */
export interface ReadTask {
  readonly id: number;
  readonly file: { readonly bytes: Uint8Array } | { readonly path: string };
  readonly kind: 'video' | 'image';
  /** Whether its C2PA data is looked for. */
  readonly c2pa: boolean;
  /** Whether its pictures are looked at. */
  readonly pictures: boolean;
  /** Whether parts of them will be tried where the whole shows nothing. */
  readonly search: boolean;
  /** Frames that its headers promise; null where they do not say. */
  readonly frames: number | null;
  /** null where the installation's watermark is not known. */
  readonly stream: KeyStream | null;
  /** PEM of the roots that are the installation's. */
  readonly trustRoots: string;
}

/** What follows the whole frame's readings, where a search was announced: the parts', or nothing more. */
export interface NextStep {
  readonly id: number;
  readonly searchNow: boolean;
}

/** What pictures say to whoever has the key. */
export interface Seen {
  /** Frames that were read. */
  readonly frames: number;
  readonly width: number;
  readonly height: number;
  /** Parts of the frame that were tried; 1 for the whole alone. */
  readonly tried: number;
  readonly readings: readonly SeenReading[];
}

/** One way to read them. */
export interface SeenReading {
  readonly message: Message;
  /** 128, one a byte. */
  readonly bits: Uint8Array;
  /** null: the whole frame. */
  readonly geometry: Geometry | null;
}

/** What comes back, C2PA first, so that pictures that break their decoder do not take it along. */
export type Told =
  | { readonly id: number; readonly c2pa: C2paFinding }
  | { readonly id: number; readonly seen: Seen | null };

/** A file as far as it was read: what was not is null, and `ended` says why. */
export interface FileReadings {
  readonly c2pa: C2paFinding | null;
  readonly whole: Seen | null;
  /** Of the parts; null where none were tried. */
  readonly parts: Seen | null;
  readonly ended: 'answered' | 'late' | 'too_large' | 'broke';
}
