/**
 * @file Latent -> frames, a few at a time: memory does not grow with their number.
 *
 * A plan says how many latent frames one run of the graph takes and what it carries from one to the next: `whole` all of them,
 * `per-frame` some frames without memory, `streaming` one frame with the causal convolutions' caches. A tile is a decoder of its
 * own, with its own caches, so that tiles may be blended after every run: a tile bounds what one run needs, not the caches of all.
 */
import type { ClipShape, DecoderInput, DecoderRule } from '#gpu-container/engine/families/family.ts';
import { framesFromSample } from '#gpu-container/engine/frames.ts';
import { expectDims } from '#gpu-container/engine/pixels.ts';
import { type FloatTensor, floats } from '#gpu-container/engine/tensor.ts';
import { blendTiles, cropLatent, type Tile, tilesOf } from '#gpu-container/engine/tiling.ts';
import type { Backend } from '#gpu-container/runtime/backend.ts';
import type { Bundle } from '#gpu-container/runtime/load-bundle.ts';
import { openDecoderPlan } from './decoder-plans.ts';

/** Some frames of a clip, in time order. */
export interface FrameChunk {
  readonly frames: number;
  /** [3, frames, H, W], about -1..1, as the decoder gave it. */
  readonly sample: Float32Array;
}

/** The decoder of a loaded bundle. */
export interface VideoDecoder {
  /** Frames of the clip as they come, `clip.frames` in all; `between` is awaited before each run of the graph. */
  decode(input: DecoderInput, clip: ClipShape, between?: () => Promise<void>): AsyncGenerator<FrameChunk>;
  release(): Promise<void>;
}

/** Opens the graphs of bundle.json's plan. */
export async function openVideoDecoder(bundle: Bundle, rule: DecoderRule, backend: Backend): Promise<VideoDecoder> {
  const plan = await openDecoderPlan(bundle, backend);
  const { tile: tileRule } = bundle.manifest.components.vae_decoder;

  async function* decode(input: DecoderInput, clip: ClipShape, between?: () => Promise<void>) {
    const { latent } = input;
    const [, channels, latentFrames, height, width] = latent.dims as [number, number, number, number, number];
    const tiles = tilesOf(height, width, tileRule, rule.spatialScale);
    const decoders = tiles.map(() => plan.open());
    let given = 0;
    for (let from = 0, to = 0; from < latentFrames; from = to) {
      to = Math.min(latentFrames, from + plan.framesARun(from, latentFrames));
      const pictures: FloatTensor[] = [];
      for (const [i, tile] of tiles.entries()) {
        await between?.();
        const part = cropLatent(latent.data, latent.dims, [from, to], tile);
        const dims = [1, channels, to - from, tile.height, tile.width];
        const picture = await decoders[i]!({ latent: floats(part, dims), timestep: input.timestep });
        const scaled = [tile.height * rule.spatialScale, tile.width * rule.spatialScale];
        expectDims('vae_decoder', picture, [1, 3, picture.dims[2]!, ...scaled]);
        pictures.push(picture);
      }
      const sample = joined(tiles, pictures, clip);
      const frames = Math.min(sample.length / (3 * clip.height * clip.width), clip.frames - given);
      given += frames;
      if (frames > 0) yield { frames, sample: firstFrames(sample, frames, clip) };
    }
    if (given !== clip.frames) throw new RangeError(`vae_decoder: it gave ${given} of ${clip.frames} frames.`);
  }

  const joined = (tiles: readonly Tile[], pictures: readonly FloatTensor[], clip: ClipShape): Float32Array => {
    const [first] = pictures as [FloatTensor];
    if (tiles.length === 1) return first.data;
    const planes = 3 * first.dims[2]!;
    const parts = pictures.map(({ data, dims }) => ({ data: data.slice(), height: dims[3]!, width: dims[4]! }));
    return blendTiles(tiles, parts, tileRule!, { planes, height: clip.height, width: clip.width });
  };

  return { decode, release: () => plan.release() };
}

/** The first frames of [3, F, H, W]; a decoder may give more than the clip has. */
function firstFrames(sample: Float32Array, frames: number, { height, width }: ClipShape): Float32Array {
  const cells = height * width;
  const all = sample.length / (3 * cells);
  if (all === frames) return sample;
  const out = new Float32Array(3 * frames * cells);
  for (let color = 0; color < 3; color++)
    out.set(sample.subarray(color * all * cells, (color * all + frames) * cells), color * frames * cells);
  return out;
}

/** A chunk's RGB bytes [frames, H, W, 3]. RangeError where the decoder gave NaN. */
export function rgbOf({ frames, sample }: FrameChunk, { height, width }: ClipShape): Uint8Array {
  return framesFromSample(sample, { frames, height, width });
}
