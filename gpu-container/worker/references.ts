import { ReelayError } from '#core/errors.ts';
import type { Job } from '#core/job.ts';
import type { BlobStore } from '#core/ports.ts';
import { readWhole } from './read-whole.ts';
import type { Scratch } from './scratch.ts';

/**
 * The job's reference as a file for the renderer, byte for byte what was stored; undefined for a job without one. Throws
 * `invalid_reference`, worth another try, when the store gives something else.
 */
export async function fetchReference(
  ports: { readonly blobs: BlobStore },
  job: Job,
  scratch: Scratch,
): Promise<string | undefined> {
  const { reference } = job.request;
  if (reference === null) return undefined;
  const bytes = await readWhole(ports.blobs, reference);
  const written = bytes === undefined ? undefined : await scratch.write('reference.bin', bytes);
  if (written?.sha256 === reference.sha256) return written.path;
  const message = 'The image or video that this job starts from is not in the store as it was sent.';
  throw new ReelayError('invalid_reference', message, { retryable: true });
}
