/**
 * @file What readings of a file mean. Pure: the same readings and rows give the same verdict. Two rules stand above the others: nothing
 * that a stranger could have written makes a file ours, and nothing that was not found or not looked at is said to be absent.
 */
import type { MarkedOutput, MarkRow } from '#core/marks/registry.ts';
import { payloadName } from '#core/marks/registry.ts';
import {
  type C2paPart,
  type FileFacts,
  type FileVerdict,
  momentText,
  type RegistryPart,
  type VerdictKind,
  type WatermarkPart,
} from '#core/marks/verdict.ts';
import { isImage } from '#core/references/media-type.ts';
import type { C2paFinding } from '#gpu-container/provenance/c2pa/finding.ts';
import { judge } from '#gpu-container/provenance/watermark/odds.ts';
import type { Look } from './look-at-file.ts';
import type { MarkReading } from './open-readings.ts';
import type { FileReadings } from './protocol.ts';
import { verifyLimits } from './verify-limits.ts';

/** Everything that is known of a file. */
export interface Known {
  readonly look: Look;
  readonly file: FileFacts;
  /** null where the file was refused by its headers. */
  readonly readings: FileReadings | null;
  /** What its pictures say; null where they were not read. */
  readonly mark: MarkReading | null;
  /** Whether the installation's watermark key was there to look with. */
  readonly hasKey: boolean;
  /** The registry's rows; undefined where no registry could be asked. */
  readonly rows: KnownRows | undefined;
  /** The model's name by the digest of its bundle; undefined where nobody knows. */
  readonly modelOf: (digest: string) => string | undefined;
}

/** What the registry says; null: it has no such row. */
export interface KnownRows {
  /** The row of the message that was read. */
  readonly marked: MarkRow | null;
  /** The row of the job that its C2PA data names. */
  readonly claimed: MarkRow | null;
}

const NEVER =
  'That nothing was found does not mean that it was not made by AI: a watermark can be lost or removed, and other generators set none that can be read here.';
const NOT_LOOKED = 'What was not looked at may be there: nothing here says whether it was made by AI.';

/** The verdict. */
export function judgeFile(known: Known): FileVerdict {
  const c2pa = c2paPart(known);
  const watermark = watermarkPart(known);
  const registry = registryPart(known, c2pa, watermark);
  const kind = kindOf(known, c2pa, watermark, registry);
  const sentences = [
    headline(kind, known),
    ...(kind === 'unchecked' && known.look.refused !== null ? [] : c2pa.reasons),
    ...(known.look.refused === null ? [watermark.sentence] : []),
    ...registrySentences(registry, known, watermark),
    ...doubts(kind, watermark, known),
  ];
  return { kind, sentences: [...new Set(sentences)], file: known.file, c2pa, watermark, registry };
}

function kindOf({ look, rows }: Known, c2pa: C2paPart, watermark: WatermarkPart, registry: RegistryPart): VerdictKind {
  if (look.refused !== null) return 'unchecked';
  // The registry knows what was delivered: bytes that a signature leaves out may not differ either.
  if (registry.sameBytes === true) return 'ours_unaltered';
  if (c2pa.state === 'valid')
    return rows?.claimed != null && registry.sameBytes === false ? 'ours_altered' : 'ours_unaltered';
  if (watermark.state === 'found') return c2pa.state === 'invalid' ? 'ours_altered' : 'marked_ours';
  if (c2pa.state === 'valid_untrusted') return 'foreign_signed';
  return watermark.state === 'unchecked' && c2pa.state !== 'invalid' ? 'unchecked' : 'unknown';
}

function headline(kind: VerdictKind, { look }: Known): string {
  switch (kind) {
    case 'ours_unaltered':
      return 'This file was made by this installation, and it is unaltered.';
    case 'ours_altered':
      return 'This file was made by this installation, and it was altered since.';
    case 'marked_ours':
      return 'This installation made the pictures in this file: its watermark is in them. The file itself is not the one that it delivered: it was encoded again, cut, or stripped of its signature.';
    case 'foreign_signed':
      return 'This file was signed by somebody else, and nothing of this installation was found in it.';
    case 'unknown':
      return 'Nothing that proves where this file comes from was found.';
    case 'unchecked':
      return look.refused === null
        ? 'This file was not checked: nothing is known of it.'
        : `This file was not checked. ${look.refused}`;
  }
}

function c2paPart({ look, readings }: Known): C2paPart {
  const finding: C2paFinding = readings?.c2pa ?? {
    state: 'unchecked',
    reasons: [whyNoC2pa(look, readings)],
    claim: null,
  };
  const { state, reasons, claim } = finding;
  return {
    ...{ state, reasons, signer: claim?.signer?.organization ?? null, generator: claim?.generator ?? null },
    ...{ digitalSourceType: claim?.digitalSourceType ?? null, claimedAt: claim?.claimedAt ?? null },
  };
}

function whyNoC2pa({ type, refused }: Look, readings: FileReadings | null): string {
  if (refused !== null) return refused;
  if (type !== null && (isImage(type) || type === 'video/webm'))
    return 'Signed metadata (C2PA) is read in MP4 and MOV files only; in this one it was not looked for.';
  return `Its signed metadata (C2PA) was not read: ${WHY[readings?.ended ?? 'answered']}.`;
}

const WHY = {
  answered: 'it cannot be read',
  late: 'that took too long and was given up',
  too_large: 'that took too much memory and was given up',
  broke: 'it made the reader break off',
} as const;

function watermarkPart({ look, readings, mark, hasKey, rows }: Known): WatermarkPart {
  const nothing = { agreeingBits: null, falsePositive: null, frames: 0, searched: false, crop: null, payload: null };
  if (mark === null) return { ...nothing, state: 'unchecked', sentence: whyNoMark(look, readings, hasKey) };
  const { hit, suspected, frames, searched, decoded, tried } = mark;
  const marked = rows?.marked ?? null;
  const verdict = judge({
    ...{
      agreeing: suspected,
      jobs: verifyLimits.suspects,
      geometries: tried + decoded,
      tagMatches: hit !== null,
      decoded,
    },
    ...(hit !== null && marked !== null && { registered: { jobs: verifyLimits.registryJobs, agreeing: hit.agreeing } }),
  });
  const { falsePositive } = verdict;
  if (verdict.found === 'nothing')
    return { ...nothing, state: 'not_found', sentence: notFound(mark), falsePositive, frames, searched };
  const sentence =
    hit !== null && marked === null && rows === undefined ? withoutRegistry(verdict.sentence) : verdict.sentence;
  return {
    ...{ state: 'found', sentence, falsePositive, frames, searched },
    agreeingBits: hit?.agreeing ?? suspected,
    crop: hit?.geometry ?? null,
    payload: hit === null ? null : payloadName(hit),
  };
}

/** Where no registry could be asked, nothing is said about its jobs. */
function withoutRegistry(sentence: string): string {
  return sentence.replace(', but no job that belongs to it', '; which job it belongs to was not looked up');
}

function notFound({ frames, searched, width, height }: MarkReading): string {
  const looked = `No watermark of this installation was found in ${frames === 1 ? 'its picture' : `${frames} of its frames`}`;
  const where = searched ? ', whole or cropped' : '; parts of the frame were not searched';
  const small = Math.min(width, height) < 256 ? ` At ${width}x${height} pixels usual recompression removes it.` : '';
  return `${looked}${where}.${small}`;
}

function whyNoMark({ refused, noPictures }: Look, readings: FileReadings | null, hasKey: boolean): string {
  if (refused !== null) return refused;
  if (!hasKey) return "The watermark was not looked for: this machine does not have the installation's watermark key.";
  if (noPictures !== null) return noPictures;
  const why = readings === null || readings.ended === 'answered' ? 'they cannot be decoded' : WHY[readings.ended];
  return `The watermark was not looked for in its pictures: ${why}.`;
}

/** The row that its pictures name; else the one that its data names, where that is proven or its bytes are those of the row. */
function registryPart(
  { rows, file, readings, modelOf }: Known,
  c2pa: C2paPart,
  watermark: WatermarkPart,
): RegistryPart {
  const none = { jobId: null, tenant: null, model: null, madeAtMs: null, sameBytes: null };
  if (rows === undefined) return { ...none, state: 'unchecked' };
  const { marked, claimed } = rows;
  const same = [claimed, marked].find(row => row !== null && outputOf(row, file.sha256) !== undefined);
  const proven = watermark.state === 'found' && marked === null ? claimed : marked;
  const row = same ?? (c2pa.state === 'valid' ? claimed : proven);
  if (row === null || row === undefined) return { ...none, state: 'no_match' };
  const output = outputOf(row, file.sha256) ?? row.outputs.at(-1);
  const claim = readings?.c2pa?.claim?.job;
  const named = c2pa.state === 'valid' && claim?.id === row.jobId ? claim.model : null;
  return {
    ...{ state: 'match', jobId: row.jobId, tenant: row.tenant },
    model: named ?? (output === undefined ? null : (modelOf(output.bundleDigest) ?? null)),
    madeAtMs: output?.markedAtMs ?? null,
    sameBytes: row.outputs.length === 0 || file.sha256 === null ? null : same !== undefined,
  };
}

function outputOf(row: MarkRow, sha256: string | null): MarkedOutput | undefined {
  return row.outputs.find(output => output.sha256 === sha256);
}

function registrySentences(
  { state, model, madeAtMs, sameBytes }: RegistryPart,
  { rows }: Known,
  watermark: WatermarkPart,
) {
  if (state === 'match') {
    const by = model === null ? '' : ` by the model ${model}`;
    const when = madeAtMs === null ? '' : ` at ${momentText(madeAtMs)}`;
    const bytes =
      sameBytes === null ? '' : ` Byte for byte the file is ${sameBytes ? '' : 'not '}the one that was delivered.`;
    return [`The registry has its job: it was made${by}${when}.${bytes}`];
  }
  if (rows === undefined && watermark.state === 'found')
    return ['The registry was not asked: it is not on this machine.'];
  return [];
}

function doubts(kind: VerdictKind, watermark: WatermarkPart, { look }: Known): string[] {
  if (kind.startsWith('ours') || kind === 'marked_ours') return [];
  if (look.refused !== null || watermark.state === 'unchecked') return [NOT_LOOKED];
  return [NEVER];
}
