/** What a drop leaves beside itself for people and scripts: receipts and error files, as data. */
import type { ReelayError } from '../errors.ts';
import type { Job, JobError, JobStatus } from '../job.ts';
import { dropLimits } from './drop-limits.ts';
import { safeStem } from './names.ts';

/** A file as a receipt names it. */
export interface SourceFile {
  /** Escaped: one line, reversible. */
  readonly name: string;
  readonly bytes: number;
  /** Lower-case hex; null for a file that was not read. */
  readonly sha256: string | null;
}

/** `out/x.<id>.receipt.json`: what became of a drop. Written when it is taken in and once more when its job has ended. */
export interface Receipt {
  readonly object: 'receipt';
  readonly source: SourceFile;
  /** Sidecars and files that the request named. */
  readonly parts: readonly SourceFile[];
  /** The line of a batch. */
  readonly line: number | null;
  readonly outcome: 'accepted' | 'duplicate';
  readonly id: string;
  readonly model: string;
  readonly status: JobStatus;
  readonly error: JobError | null;
  readonly output: { readonly file: string; readonly sha256: string; readonly bytes: number } | null;
  readonly usage: null;
  /** Unix seconds. */
  readonly eta: { readonly earliest: number; readonly latest: number } | null;
  readonly created_at: number;
  readonly completed_at: number | null;
}

/** `rejected/x.error.json`: the error envelope of the API, and which file it is about. */
export interface ErrorPaper {
  readonly object: 'drop.error';
  readonly error: {
    readonly message: string;
    readonly type: string;
    readonly code: string;
    readonly param: string | null;
  };
  readonly outcome: 'rejected';
  readonly source: SourceFile;
  readonly parts: readonly SourceFile[];
  readonly created_at: number;
}

/** A receipt at the moment a drop is taken in. */
export function openReceipt(job: Job, about: Pick<Receipt, 'source' | 'parts' | 'line' | 'outcome' | 'eta'>): Receipt {
  const { source, parts, line, outcome, eta } = about;
  return {
    object: 'receipt',
    source,
    parts,
    line,
    outcome,
    id: job.id,
    model: job.request.model,
    status: job.status,
    error: job.error,
    output: null,
    usage: null,
    eta,
    created_at: seconds(job.createdAtMs),
    completed_at: job.completedAtMs === null ? null : seconds(job.completedAtMs),
  };
}

/** A refusal as the envelope that the API would have sent. */
export function errorEnvelope(error: ReelayError): ErrorPaper['error'] {
  const type = error.code === 'forbidden' ? 'permission_error' : 'invalid_request_error';
  const { message } = error;
  const told = message.length > dropLimits.errorChars ? `${message.slice(0, dropLimits.errorChars)} …` : message;
  return { message: told, type, code: error.code, param: error.problems[0]?.path ?? null };
}

/** A paper as the text of its file. */
export function paperText(paper: Receipt | ErrorPaper): string {
  return `${JSON.stringify(paper, null, 2)}\n`;
}

/** The file of a finished video. */
export function outputName(stem: string, jobId: string): string {
  return `${stem}.${jobId}.mp4`;
}

/** The receipt's file. A duplicate of the same stem must not write over the first one's, so it carries its source's mark. */
export function receiptName(sourceName: string, jobId: string, duplicateOf: string | null): string {
  const mark = duplicateOf === null ? '' : `.again-${duplicateOf.slice(0, 8)}`;
  return `${safeStem(sourceName)}.${jobId}${mark}.receipt.json`;
}

/** Of a file no more than a paper tells. */
export function sourceFile({ name, bytes, sha256 }: SourceFile): SourceFile {
  return { name, bytes, sha256 };
}

/** Unix seconds as the API has them. */
export function seconds(ms: number): number {
  return Math.floor(ms / 1000);
}
