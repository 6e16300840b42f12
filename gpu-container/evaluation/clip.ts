/** What is judged: a clip as RGB bytes [F, H, W, 3], frame after frame, row after row. Nobody here changes the bytes. */
export interface Clip {
  readonly frames: number;
  /** Pixels. */
  readonly height: number;
  readonly width: number;
  readonly rgb: Uint8Array;
}

/** The clip itself, or RangeError where its numbers describe no clip or not its bytes. */
export function checkedClip(clip: Clip): Clip {
  const { frames, height, width, rgb } = clip;
  const whole = [frames, height, width].every(value => Number.isInteger(value) && value > 0);
  if (!whole || rgb.length !== 3 * frames * height * width)
    throw new RangeError(`clip: got ${rgb.length} bytes for ${frames} frames of ${width}x${height}.`);
  return clip;
}

/** RangeError unless both clips have as many frames and pixels: what compares two of them pixel by pixel needs that. */
export function expectSameShape(a: Clip, b: Clip): void {
  if (a.frames !== b.frames || a.height !== b.height || a.width !== b.width)
    throw new RangeError(`clip: ${shapeOf(a)} cannot be compared with ${shapeOf(b)}.`);
}

/** The RGB bytes [H, W, 3] of frame `index`, a view. RangeError where there is no such frame. */
export function frameAt({ frames, height, width, rgb }: Clip, index: number): Uint8Array {
  if (!Number.isInteger(index) || index < 0 || index >= frames)
    throw new RangeError(`clip: there is no frame ${index} among ${frames}.`);
  const bytes = 3 * height * width;
  return rgb.subarray(index * bytes, (index + 1) * bytes);
}

const shapeOf = ({ frames, width, height }: Clip) => `${frames} frames of ${width}x${height}`;
