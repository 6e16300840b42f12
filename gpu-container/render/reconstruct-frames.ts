import { ReelayError } from '#core/errors.ts';
import type { VideoRequest } from '#core/video-request.ts';
import { enough, type Generation, runRequest } from './generate-frames.ts';
import type { Model } from './model.ts';

/**
 * What the model's own encoder and decoder make of a video [F, H, W, 3] of the request's size and length, nothing denoised: the best
 * that any denoiser of these latents could end in. Throws `unsupported_operation` where the model takes no videos, else what
 * `generateFrames` does.
 */
export async function reconstructFrames(
  model: Model,
  request: VideoRequest,
  video: Uint8Array,
): Promise<Pick<Generation, 'clip' | 'chunks'>> {
  const { card } = model.bundle;
  const drawn = runRequest(model, request);
  const reference = enough(video, { ...request, task: 'v2v' }, drawn);
  if (!card.tasks.includes('v2v'))
    throw new ReelayError('unsupported_operation', `${card.id}: it takes no videos, so it cannot make one again.`);
  const means = { ...model, draw: (count: number) => new Float32Array(count) };
  const run = await model.family.start({ ...drawn, task: 'v2v', reference }, means);
  const clip = { frames: request.num_frames, height: drawn.height, width: drawn.width, fps: request.fps };
  return { clip, chunks: model.decode(run.finish(run.clean!), clip) };
}
