/** Thrown where a network or a schedule gave a value that is no number: the clip could only be black, white or noise. */
export class NotFiniteError extends RangeError {}

/** A clip's size in pixels and frames. */
export interface FrameShape {
  readonly frames: number;
  readonly height: number;
  readonly width: number;
}

/**
 * A decoder's sample [1, 3, T, H, W] in -1..1 as RGB bytes [T, H, W, 3], rounded to the nearest of 256 levels; values outside
 * are clamped. NotFiniteError on NaN and infinities: a broken clip must not pass as a black one.
 */
export function framesFromSample(sample: Float32Array, shape: FrameShape): Uint8Array {
  const { frames, height, width } = shape;
  const plane = frames * height * width; // one colour, all frames
  if (sample.length !== 3 * plane)
    throw new RangeError(
      `frames: got ${sample.length} values; ${frames} frames of ${width}x${height} have ${3 * plane}.`,
    );
  const bytes = new Uint8Array(3 * plane);
  for (let i = 0; i < plane; i++)
    for (let color = 0; color < 3; color++) {
      const value = sample[color * plane + i]!;
      if (!Number.isFinite(value)) throw new NotFiniteError('the decoder gave a value that is no number');
      bytes[3 * i + color] = Math.min(255, Math.max(0, Math.floor((value + 1) * 127.5 + 0.5)));
    }
  return bytes;
}

/** Frames one by one [N, 3, H, W] -> colour by colour [3, N, H, W], as a video decoder gives them. */
export function colorsFirst(sample: Float32Array, { frames, height, width }: FrameShape): Float32Array {
  const cells = height * width;
  if (frames === 1) return sample;
  const out = new Float32Array(sample.length);
  for (let t = 0; t < frames; t++)
    for (let color = 0; color < 3; color++) {
      const from = (t * 3 + color) * cells;
      out.set(sample.subarray(from, from + cells), (color * frames + t) * cells);
    }
  return out;
}

/** The first value that is no number or infinite; -1 where all are finite. */
export function firstNotFinite(values: Float32Array): number {
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i]!)) return i;
  return -1;
}
