/** The key grammar of the BlobStore port, checked by every adapter before anything outside sees the key. */
import { ReelayError } from '#core/errors.ts';

const SEGMENT = /^[A-Za-z0-9._=-]+$/;
/** S3 ends keys at 1,024 bytes; a key of ours has under 120. */
const MAX_KEY_CHARS = 512;
/** File systems end names at 255 bytes; the rest is room for a temporary name. */
const MAX_SEGMENT_CHARS = 200;

/** The segments of a key. Throws `invalid_request` for anything outside the grammar, `.` and `..` included. */
export function blobSegments(key: string): readonly string[] {
  const segments = key.split('/');
  const fine = (s: string) => s.length <= MAX_SEGMENT_CHARS && SEGMENT.test(s) && s !== '.' && s !== '..';
  if (key.length <= MAX_KEY_CHARS && segments.every(fine)) return segments;
  throw new ReelayError(
    'invalid_request',
    `key: ${quoted(key)} is not segments of letters, digits, ".", "_", "=", "-".`,
  );
}

/** The segments of a prefix, which ends with a slash and names at least one folder: no call can empty a whole store. */
export function blobPrefixSegments(prefix: string): readonly string[] {
  if (prefix.endsWith('/')) return blobSegments(prefix.slice(0, -1));
  throw new ReelayError('invalid_request', `prefix: ${quoted(prefix)} does not end with a slash.`);
}

/** Both ends are bytes of the blob; throws `invalid_request` otherwise. */
export function checkRange(range: { start: number; end: number }, bytes: number): void {
  const { start, end } = range;
  if (Number.isInteger(start) && Number.isInteger(end) && start >= 0 && start <= end && end < bytes) return;
  throw new ReelayError('invalid_request', `range: ${start}-${end} does not lie inside a blob of ${bytes} bytes.`);
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}
