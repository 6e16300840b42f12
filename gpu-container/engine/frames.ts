/** A clip's size in pixels and frames. */
export interface FrameShape {
  readonly frames: number;
  readonly height: number;
  readonly width: number;
}

/**
 * A decoder's sample [1, 3, T, H, W] in -1..1 as RGB bytes [T, H, W, 3], rounded to the nearest of 256 levels; values outside
 * are clamped. Throws on NaN: a broken clip must not pass as a black one.
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
      if (Number.isNaN(value)) throw new RangeError('frames: the decoder gave NaN.');
      bytes[3 * i + color] = Math.min(255, Math.max(0, Math.floor((value + 1) * 127.5 + 0.5)));
    }
  return bytes;
}
