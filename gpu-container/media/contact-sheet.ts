import sharp, { type OverlayOptions } from 'sharp';

/** Frames in rows: what a clip does is seen from left to right. */
export interface Strip {
  readonly frames: number;
  readonly height: number;
  readonly width: number;
  /** [F, H, W, 3] */
  readonly rgb: Uint8Array;
}

/** How a sheet is laid out. */
export interface SheetShape {
  /** Frames of a row, evenly spread with both ends. */
  readonly columns: number;
  /** Of a picture, pixels; its height follows. */
  readonly cellWidth: number;
}

/** Between two pictures, pixels. */
const GAP = 2;
const QUALITY = 86;

/** Which frames a row of `columns` shows, in time order. */
export function stripFrames(frames: number, columns: number): number[] {
  const shown = Math.min(frames, columns);
  return Array.from({ length: shown }, (_, i) => (shown === 1 ? 0 : Math.round((i * (frames - 1)) / (shown - 1))));
}

/** A JPEG with a row for each clip, all of the first one's proportions. RangeError for bytes that are no clip. */
export async function encodeContactSheet(strips: readonly Strip[], shape: SheetShape): Promise<Uint8Array> {
  const [first] = strips;
  if (first === undefined) throw new RangeError('contact sheet: there is no clip to show.');
  const cell = {
    width: shape.cellWidth,
    height: Math.max(1, Math.round((shape.cellWidth * first.height) / first.width)),
  };
  const columns = Math.max(...strips.map(({ frames }) => Math.min(frames, shape.columns)));
  const pictures: OverlayOptions[] = [];
  for (const [row, strip] of strips.entries()) {
    const { frames, width, height, rgb } = strip;
    const size = 3 * width * height;
    if (rgb.length !== frames * size)
      throw new RangeError(`contact sheet: ${rgb.length} bytes are no ${frames} frames.`);
    for (const [column, frame] of stripFrames(frames, shape.columns).entries())
      pictures.push({
        input: await sharp(rgb.subarray(frame * size, (frame + 1) * size), { raw: { width, height, channels: 3 } })
          .resize({ ...cell, fit: 'fill' })
          .raw()
          .toBuffer(),
        raw: { ...cell, channels: 3 },
        left: column * (cell.width + GAP),
        top: row * (cell.height + GAP),
      });
  }
  const size = {
    width: columns * (cell.width + GAP) - GAP,
    height: strips.length * (cell.height + GAP) - GAP,
  };
  return sharp({ create: { ...size, channels: 3, background: 'white' } })
    .composite(pictures)
    .jpeg({ quality: QUALITY, chromaSubsampling: '4:4:4' })
    .toBuffer();
}

/** RGB bytes [H, W, 3] as a PNG file: a picture to start a video from, without loss. */
export async function encodePng(
  rgb: Uint8Array,
  { width, height }: { readonly width: number; readonly height: number },
): Promise<Uint8Array> {
  return sharp(rgb, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
}
