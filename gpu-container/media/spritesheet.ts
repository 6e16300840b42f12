import sharp from 'sharp';
import { type Clip, checkClip, frameOf } from './clip.ts';

/** Sixteen pictures tell a short clip, and a 4x4 sheet of 256-pixel cells is one texture on any phone. */
const MAX_FRAMES = 16;
/** A cell's longer side, pixels. */
const MAX_CELL = 256;
const QUALITY = 88;

/** Which frames a sheet of `frames` shows, in time order: all of them, or sixteen evenly spread with both ends. */
export function sheetFrames(frames: number): number[] {
  if (frames <= MAX_FRAMES) return Array.from({ length: frames }, (_, i) => i);
  return Array.from({ length: MAX_FRAMES }, (_, i) => Math.round((i * (frames - 1)) / (MAX_FRAMES - 1)));
}

/** A contact sheet as a JPEG file: up to sixteen frames, row by row, in a grid as square as they allow. */
export async function encodeSpritesheet(clip: Clip): Promise<Uint8Array> {
  checkClip(clip);
  const { width, height } = clip;
  const shown = sheetFrames(clip.frames);
  const columns = Math.ceil(Math.sqrt(shown.length));
  const rows = Math.ceil(shown.length / columns);
  const scale = Math.min(1, MAX_CELL / Math.max(width, height));
  const cell = { width: Math.round(width * scale), height: Math.round(height * scale) };
  const pictures = await Promise.all(
    shown.map(async (index, i) => ({
      input: await shrink(frameOf(clip, index), clip, cell),
      raw: { ...cell, channels: 3 as const },
      left: (i % columns) * cell.width,
      top: Math.floor(i / columns) * cell.height,
    })),
  );
  const sheet = { width: columns * cell.width, height: rows * cell.height, channels: 3 as const, background: 'black' };
  return sharp({ create: sheet }).composite(pictures).jpeg({ quality: QUALITY, chromaSubsampling: '4:4:4' }).toBuffer();
}

async function shrink(frame: Uint8Array, from: Clip, to: { width: number; height: number }): Promise<Buffer> {
  return sharp(frame, { raw: { width: from.width, height: from.height, channels: 3 } })
    .resize({ ...to, fit: 'fill' })
    .raw()
    .toBuffer();
}
