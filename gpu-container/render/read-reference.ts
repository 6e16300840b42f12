import { ReelayError } from '#core/errors.ts';
import type { VideoRequest } from '#core/video-request.ts';
import type { Picture } from '#gpu-container/engine/families/family.ts';
import { readReferencePicture } from '#gpu-container/media/decode-image.ts';
import { readReferenceVideo } from '#gpu-container/media/decode-video.ts';
import { resizeRgb } from '#gpu-container/media/resize.ts';

/** A reference as a run takes it. */
export interface ReferencePixels {
  /** At the clip's size: [H, W, 3] for i2v, [F, H, W, 3] for v2v. */
  readonly reference?: Uint8Array;
  /** i2v: the same at its own size. */
  readonly picture?: Picture;
}

/**
 * The pixels of a request's reference; none for t2v. Throws
 * `invalid_reference` for a file that cannot be decoded, and what `checkpoint`, awaited while a video is read, rejects with.
 */
export async function readReference(
  request: VideoRequest,
  path: string | undefined,
  checkpoint?: () => Promise<void>,
): Promise<ReferencePixels> {
  if (request.task === 't2v') return {};
  if (path === undefined) throw new ReelayError('internal', `The reference of a ${request.task} job was not fetched.`);
  const [width, height] = request.size.split('x').map(Number) as [number, number];
  if (request.task === 'i2v') {
    const picture = await readReferencePicture(path);
    return { picture, reference: resizeRgb(picture.rgb, picture, { width, height }) };
  }
  const wanted = { width, height, frames: request.num_frames, fps: request.fps };
  return { reference: await readReferenceVideo(path, wanted, checkpoint) };
}
