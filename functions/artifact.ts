import { invalidRequest, ReelayError } from '#core/errors.ts';
import { type Artifact, type Job, type JobReceipt, type Variant, variants } from '#core/job.ts';
import type { Deps } from './deps.ts';
import { errorResult } from './errors.ts';
import type { HttpResult } from './http.ts';

const EXTENSIONS: Readonly<Record<Variant, string>> = { video: 'mp4', thumbnail: 'webp', spritesheet: 'jpg' };

/** The artifact a request names; `video_not_ready` until the job completed, `expired` after its bytes' time. */
export function artifactOf(
  job: Job,
  name: string | undefined,
  nowMs: number,
): { artifact: Artifact; filename: string } {
  const variant = variants.find(v => v === (name ?? 'video'));
  if (variant === undefined)
    throw invalidRequest([
      { path: 'variant', message: `variant: got "${name?.slice(0, 40)}"; ${variants.join(', ')} are allowed.` },
    ]);
  const artifact = job.artifacts[variant];
  if (job.status !== 'completed' || artifact === undefined)
    throw new ReelayError('video_not_ready', `This video is ${job.status}; its content is there once it is completed.`);
  checkKept(job, nowMs);
  return { artifact, filename: `${job.id}.${EXTENSIONS[variant]}` };
}

/** The receipt of a completed job; `video_not_ready` until then, `expired` once it went with the video, `not_found` where none was given. */
export function receiptOf(job: Job, nowMs: number): JobReceipt {
  if (job.status !== 'completed')
    throw new ReelayError('video_not_ready', `This video is ${job.status}; its receipt is there once it is completed.`);
  checkKept(job, nowMs);
  if (job.receipt !== null) return job.receipt;
  throw new ReelayError('not_found', 'This video was made before receipts were given, and has none.');
}

function checkKept(job: Job, nowMs: number): void {
  if (job.expiresAtMs !== null && job.expiresAtMs <= nowMs)
    throw new ReelayError('expired', 'This video has expired and its content was removed.');
}

/** Headers of an artifact's bytes; the ETag is its hash, so it holds across stores. */
export function contentHeaders(artifact: Pick<Artifact, 'contentType' | 'sha256'>, filename: string) {
  return {
    'content-type': artifact.contentType,
    'content-disposition': `inline; filename="${filename}"`,
    etag: `"${artifact.sha256}"`,
    'accept-ranges': 'bytes',
    'cache-control': 'private, max-age=3600',
  };
}

/** If-None-Match (RFC 9110 section 13.1.2): a list, weak or strong, or `*`. */
export function matches(header: string | undefined, etag: string): boolean {
  const named = (header ?? '').split(',').map(tag => tag.trim().replace(/^W\//, ''));
  return named.includes(etag) || named.includes('*');
}

/** One byte range (RFC 9110 section 14.1.2), inclusive; undefined for none, several, or nonsense, which all mean the whole. */
export function parseRange(
  header: string | undefined,
  bytes: number,
): { start: number; end: number } | 'unsatisfiable' | undefined {
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(header?.trim() ?? '') ?? [];
  if (first === '' && last === '') return undefined;
  if (first === '')
    return Number(last) === 0 ? 'unsatisfiable' : { start: Math.max(0, bytes - Number(last)), end: bytes - 1 };
  if (last !== '' && Number(last) < Number(first)) return undefined;
  if (Number(first) >= bytes) return 'unsatisfiable';
  return { start: Number(first), end: last === '' ? bytes - 1 : Math.min(Number(last), bytes - 1) };
}

/** 416 with the size that a client needs to ask better (RFC 9110 section 15.5.17). */
export function unsatisfiable(bytes: number): HttpResult {
  const result = errorResult(new ReelayError('range_not_satisfiable', `range: the content has ${bytes} bytes.`));
  return { ...result, headers: { ...result.headers, 'content-range': `bytes */${bytes}` } };
}

/** The record names bytes that the store does not have: removed this moment, or the store was half restored. */
export function lostBytes(deps: Deps, job: Job): ReelayError {
  deps.log('error', 'the bytes of a completed job are not in the store', { jobId: job.id });
  return new ReelayError('expired', 'The content of this video is no longer in the store.');
}
