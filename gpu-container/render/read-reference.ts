import { ReelayError } from '#core/errors.ts';
import type { VideoRequest } from '#core/video-request.ts';
import { readReferenceImage } from '#gpu-container/media/decode-image.ts';
import { readReferenceVideo } from '#gpu-container/media/decode-video.ts';

/**
 * The pixels of a request's reference at the request's size: [H, W, 3] for i2v, [F, H, W, 3] for v2v, undefined for t2v. Throws
 * `invalid_reference` for a file that cannot be decoded, and what `checkpoint`, awaited while a video is read, rejects with.
 */
export async function readReference(
  request: VideoRequest,
  path: string | undefined,
  checkpoint?: () => Promise<void>,
): Promise<Uint8Array | undefined> {
  if (request.task === 't2v') return undefined;
  if (path === undefined) throw new ReelayError('internal', `The reference of a ${request.task} job was not fetched.`);
  const [width, height] = request.size.split('x').map(Number) as [number, number];
  if (request.task === 'i2v') return readReferenceImage(path, { width, height });
  return readReferenceVideo(path, { width, height, frames: request.num_frames, fps: request.fps }, checkpoint);
}
