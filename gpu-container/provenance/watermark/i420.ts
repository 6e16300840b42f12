/** Pixels of a frame. */
export interface FrameSize {
  readonly width: number;
  readonly height: number;
}

/** One plane of a frame, a view into its bytes. */
export interface Plane extends FrameSize {
  readonly bytes: Uint8Array;
}

/** Below this a grid cell is a quarter of a pixel wide, and the three coefficients of a block are no longer there. */
export const MIN_MARKED_SIDE = 16;
/** The largest side that H.264 level 6 and AV1 players show; what is larger is no video of ours. */
export const MAX_MARKED_SIDE = 8192;

/** RangeError with a sentence unless a frame of this size can carry and show the mark. Odd sizes can. */
export function checkFrameSize({ width, height }: FrameSize): void {
  const fits = [width, height].every(
    side => Number.isInteger(side) && side >= MIN_MARKED_SIDE && side <= MAX_MARKED_SIDE,
  );
  if (!fits)
    throw new RangeError(
      `watermark: got a frame of ${width}x${height}; whole numbers from ${MIN_MARKED_SIDE} to ${MAX_MARKED_SIDE} a side are taken.`,
    );
}

/** Sizes of the planes Y, U, V: chroma has half the luma's columns and rows, rounded up. */
export function planeSizes({ width, height }: FrameSize): readonly [FrameSize, FrameSize, FrameSize] {
  const chroma = { width: (width + 1) >> 1, height: (height + 1) >> 1 };
  return [{ width, height }, chroma, chroma];
}

/** Bytes of an I420 frame without padding: Y [H, W], then U and V [ceil(H/2), ceil(W/2)]. */
export function frameBytes(size: FrameSize): number {
  return planeSizes(size).reduce((sum, plane) => sum + plane.width * plane.height, 0);
}

/** The planes of a frame. RangeError where the bytes are not those of its size. */
export function planesOf(frame: Uint8Array, size: FrameSize): readonly Plane[] {
  if (frame.length !== frameBytes(size))
    throw new RangeError(
      `watermark: got ${frame.length} bytes; an I420 frame of ${size.width}x${size.height} has ${frameBytes(size)}.`,
    );
  let at = 0;
  return planeSizes(size).map(plane => {
    const from = at;
    at += plane.width * plane.height;
    return { ...plane, bytes: frame.subarray(from, at) };
  });
}
