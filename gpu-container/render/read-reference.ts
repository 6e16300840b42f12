import { ReelayError } from '#core/errors.ts';
import type { VideoRequest } from '#core/video-request.ts';

/** The pixels of a request's reference at the request's size; undefined for t2v. */
export async function readReference(request: VideoRequest, path: string | undefined): Promise<Uint8Array | undefined> {
  if (request.task === 't2v') return undefined;
  throw new ReelayError(
    'unsupported_operation',
    `task: ${request.task} has no reader for ${path === undefined ? 'no file' : 'its file'}.`,
  );
}
