/** @file What is known of a file that somebody brought: the answer of `reelay verify` and of POST /v1/verify, as data. */
import type { MediaType } from '../references/media-type.ts';

/**
 * In one word. `ours_unaltered`: signed by this installation, or byte for byte what it delivered. `ours_altered`: its watermark is there and
 * its signature is broken, or its bytes are not those delivered. `marked_ours`: its watermark is there and no signature of ours, as in
 * every copy that was encoded again. `foreign_signed`: unaltered since somebody else signed it. `unknown`: looked at, and nothing of ours
 * found. `unchecked`: nothing could be looked at.
 */
export type VerdictKind =
  | 'ours_unaltered'
  | 'ours_altered'
  | 'marked_ours'
  | 'foreign_signed'
  | 'unknown'
  | 'unchecked';

/** The whole answer. It holds no prompt and no tenant's name but `registry.tenant`, which is for whoever decides what to tell. */
export interface FileVerdict {
  readonly kind: VerdictKind;
  /** For people: what is known, the weightiest first, then what is not. Never empty. */
  readonly sentences: readonly string[];
  readonly file: FileFacts;
  readonly c2pa: C2paPart;
  readonly watermark: WatermarkPart;
  readonly registry: RegistryPart;
}

/** The bytes. */
export interface FileFacts {
  readonly bytes: number;
  /** null of a file that was too large, or could not be read. */
  readonly sha256: string | null;
  /** By its first bytes; null where they are nothing that is read here. */
  readonly type: MediaType | null;
}

/** What its C2PA data says; texts come from the file, and are proven only as far as `state` goes. */
export interface C2paPart {
  readonly state: 'valid' | 'valid_untrusted' | 'invalid' | 'none' | 'unchecked';
  readonly reasons: readonly string[];
  /** Organization of the certificate that signed. */
  readonly signer: string | null;
  readonly generator: string | null;
  /** IPTC's word for how it was made. */
  readonly digitalSourceType: string | null;
  /** ISO 8601. */
  readonly claimedAt: string | null;
}

/** What was read from its pictures. */
export interface WatermarkPart {
  readonly state: 'found' | 'not_found' | 'unchecked';
  /** Why not, where it was not looked for; else what was found and how likely that is chance. */
  readonly sentence: string;
  /** Coded bits of 128 that agree with the message that was found; null where none was. */
  readonly agreeingBits: number | null;
  /** The chance that a video without the mark gives as much, all tries together; null where nothing was read. */
  readonly falsePositive: number | null;
  /** Frames that were read. */
  readonly frames: number;
  /** Whether parts of the frame were tried as well. */
  readonly searched: boolean;
  /** The part of the marked frame that is shown, in shares of its sides; null for the whole one. */
  readonly crop: { readonly scale: number; readonly x: number; readonly y: number } | null;
  /** The 58 bits as hex, the name of their row in the registry; null where none were found. */
  readonly payload: string | null;
}

/** What the installation's own records say of the job that made it. */
export interface RegistryPart {
  readonly state: 'match' | 'no_match' | 'unchecked';
  readonly jobId: string | null;
  readonly tenant: string | null;
  readonly model: string | null;
  /** Milliseconds since 1970. */
  readonly madeAtMs: number | null;
  /** Whether the file is byte for byte the one that was delivered; null where that is not known. */
  readonly sameBytes: boolean | null;
}

/** Who asks decides what is told: everything to who runs the installation, a job's id to its own tenant, and no id to anybody else. */
export type Viewer = 'operator' | { readonly tenant: string };

/** Whether the one who asks may know which job it was. */
export function mayNameJob({ registry }: FileVerdict, viewer: Viewer): boolean {
  return viewer === 'operator' || (registry.tenant !== null && registry.tenant === viewer.tenant);
}

/** A moment for people: "2026-11-21 09:30 UTC". */
export function momentText(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

/** Looks at files that anyone may have made. */
export interface Verifier {
  /** With `search`, parts of the frame are tried where the whole shows nothing. Throws `rate_limited` where too many ask at once. */
  verify(file: Uint8Array, options: { readonly search: boolean }): Promise<FileVerdict>;
  close(): Promise<void>;
}
