/** Frames on their way to a file. */
export interface Clip {
  /** RGB bytes [T, H, W, 3]. */
  readonly rgb: Uint8Array;
  readonly frames: number;
  /** Pixels, even. */
  readonly width: number;
  readonly height: number;
  /** Frames per second, whole. */
  readonly fps: number;
}

/** The bytes of frame `index`, a view. */
export function frameOf(clip: Clip, index: number): Uint8Array {
  const size = clip.width * clip.height * 3;
  return clip.rgb.subarray(index * size, (index + 1) * size);
}

/** Throws where the numbers do not describe a clip, or not the bytes. */
export function checkClip(clip: Clip): void {
  checkShape(clip);
  const { rgb, frames, width, height } = clip;
  if (rgb.length !== frames * width * height * 3)
    throw new RangeError(`clip: got ${rgb.length} bytes for ${frames} frames of ${width}x${height}.`);
}

/** Throws on sizes and rates that no file can have. */
export function checkShape({ frames, width, height, fps }: Omit<Clip, 'rgb'>): void {
  const whole = [frames, width, height, fps].every(value => Number.isInteger(value) && value > 0);
  if (!whole || width % 2 !== 0 || height % 2 !== 0)
    throw new RangeError(`clip: got ${frames} frames of ${width}x${height} at ${fps} fps; whole numbers, even sizes.`);
}
