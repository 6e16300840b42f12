import { invalidRequest, ReelayError } from '#core/errors.ts';
import { type Artifact, type Job, type Variant, variants } from '#core/job.ts';

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
  if (job.expiresAtMs !== null && job.expiresAtMs <= nowMs)
    throw new ReelayError('expired', 'This video has expired and its content was removed.');
  return { artifact, filename: `${job.id}.${EXTENSIONS[variant]}` };
}

export function contentHeaders(artifact: Artifact, filename: string) {
  return {
    'content-type': artifact.contentType,
    'content-disposition': `inline; filename="${filename}"`,
    etag: `"${artifact.sha256}"`,
    'accept-ranges': 'bytes',
    'cache-control': 'private, max-age=3600',
  };
}

/**
 * One byte range (RFC 9110 section 14.1.2), inclusive; undefined for none, several, or another unit, which means the whole.
 * Throws `range_not_satisfiable`.
 */
export function parseRange(header: string | undefined, bytes: number): { start: number; end: number } | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header?.trim() ?? '');
  if (match === null || (match[1] === '' && match[2] === '')) return undefined;
  const last = match[2] === '' ? bytes - 1 : Number(match[2]);
  const range =
    match[1] === ''
      ? { start: Math.max(0, bytes - last), end: bytes - 1 }
      : { start: Number(match[1]), end: Math.min(last, bytes - 1) };
  if (range.start > range.end || (match[1] === '' && last === 0))
    throw new ReelayError('range_not_satisfiable', `range: the content has ${bytes} bytes.`);
  return range;
}
