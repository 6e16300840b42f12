import type { RunRequest, TextEmbedding } from '#gpu-container/engine/families/family.ts';
import type { Generation } from '#gpu-container/render/generate-frames.ts';
import type { Model } from '#gpu-container/render/model.ts';
import { rgbOf } from '#gpu-container/render/video-decoder.ts';

/** RGB bytes [T, H, W, 3] of all frames. */
export async function wholeClip({ chunks, clip }: Generation): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(rgbOf(chunk, clip));
  return Buffer.concat(parts);
}

/** The denoiser of a bundle of reelay-mini, its batch as long as `texts`. */
export async function velocityOf(
  model: Model,
  sample: Float32Array,
  timestep: number,
  texts: readonly TextEmbedding[],
): Promise<Float32Array> {
  const { card } = model.bundle;
  const [width, height] = card.defaults.size.split('x').map(Number) as [number, number];
  const shape = { frames: card.defaults.frames, height, width, fps: card.defaults.fps };
  const request: RunRequest = { task: 't2v', ...shape, steps: 1, guidance: 1 };
  const never = async () => {
    throw new Error('there is no reference');
  };
  const run = await model.family.start(request, {
    draw: count => new Float32Array(count),
    encodeVideo: never,
    encodeImage: never,
  });
  return model.denoise('transformer', run.feeds({ sample, timestep, texts }));
}
