/** @file What the process that reads files is asked, and what it tells: the supervisor keeps registry and judgement to itself. */
import type { C2paFinding } from '#gpu-container/provenance/c2pa/finding.ts';
import type { Geometry } from '#gpu-container/provenance/watermark/resample.ts';

/** The installation's watermark key. Without it nobody can look for its mark. */
export interface WatermarkKey {
  readonly key: Uint8Array;
  /** Name that the tag is made of. */
  readonly deployment: string;
}

/** One file to read. */
export interface ReadTask {
  readonly id: number;
  readonly file: { readonly bytes: Uint8Array } | { readonly path: string };
  readonly kind: 'video' | 'image';
  /** Whether its C2PA data is looked for. */
  readonly c2pa: boolean;
  /** Whether its pictures are looked at, and whether parts of them are tried where the whole shows nothing. */
  readonly pictures: boolean;
  readonly search: boolean;
  /** Frames that its headers promise; null where they do not say. */
  readonly frames: number | null;
  readonly watermark: WatermarkKey | null;
  /** PEM of the roots that are the installation's. */
  readonly trustRoots: string;
}

/** What was read from pictures. */
export interface MarkReading {
  /** Frames that were read. */
  readonly frames: number;
  readonly width: number;
  readonly height: number;
  /** Messages that were decoded and whose tag was compared. */
  readonly decoded: number;
  /** Parts of the frame that were tried; 1 for the whole alone. */
  readonly tried: number;
  readonly searched: boolean;
  /** A message with the installation's tag; null where none was read. */
  readonly hit: MarkHit | null;
  /** The most bits that agree with the mark of the job that the file itself names; null where it names none. */
  readonly suspected: number | null;
}

/** A message with the installation's tag. */
export interface MarkHit {
  readonly tag: number;
  readonly nonce: number;
  /** Bits of 128 that agree with its coded word. */
  readonly agreeing: number;
  /** null: the whole frame. */
  readonly geometry: Geometry | null;
}

/** What comes back, C2PA first, so that pictures that break their decoder do not take it along. */
export type Told =
  | { readonly id: number; readonly c2pa: C2paFinding }
  | { readonly id: number; readonly mark: MarkReading | null };

/** A file as far as it was read. */
export interface FileReadings {
  readonly c2pa: C2paFinding | null;
  /** null: its pictures were not read, and why not. */
  readonly mark: MarkReading | null;
  readonly ended: 'answered' | 'late' | 'too_large' | 'broke';
}
