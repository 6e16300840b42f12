import sharp, { type OverlayOptions } from 'sharp';
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

/** A contact sheet that grows with the clip. */
export interface Spritesheet {
  /** RGB bytes [H, W, 3] of frame `index`; those that are not shown are passed over. */
  add(frame: Uint8Array, index: number): Promise<void>;
  /** A JPEG file: up to sixteen frames, row by row, in a grid as square as they allow. */
  finish(): Promise<Uint8Array>;
}

/** A sheet for a clip of this size and length. */
export function openSpritesheet({ frames, width, height }: Omit<Clip, 'rgb'>): Spritesheet {
  const shown = sheetFrames(frames);
  const columns = Math.ceil(Math.sqrt(shown.length));
  const rows = Math.ceil(shown.length / columns);
  const scale = Math.min(1, MAX_CELL / Math.max(width, height));
  const cell = { width: Math.round(width * scale), height: Math.round(height * scale) };
  const pictures: OverlayOptions[] = [];
  return {
    async add(frame, index) {
      const place = shown.indexOf(index);
      if (place === -1) return;
      pictures.push({
        input: await shrink(frame, { width, height }, cell),
        raw: { ...cell, channels: 3 },
        left: (place % columns) * cell.width,
        top: Math.floor(place / columns) * cell.height,
      });
    },
    async finish() {
      const size = { width: columns * cell.width, height: rows * cell.height, channels: 3 as const };
      const sheet = sharp({ create: { ...size, background: 'black' } }).composite(pictures);
      return sheet.jpeg({ quality: QUALITY, chromaSubsampling: '4:4:4' }).toBuffer();
    },
  };
}

/** The sheet of a whole clip. */
export async function encodeSpritesheet(clip: Clip): Promise<Uint8Array> {
  checkClip(clip);
  const sheet = openSpritesheet(clip);
  for (const index of sheetFrames(clip.frames)) await sheet.add(frameOf(clip, index), index);
  return sheet.finish();
}

interface Size {
  readonly width: number;
  readonly height: number;
}

async function shrink(frame: Uint8Array, from: Size, to: Size): Promise<Buffer> {
  return sharp(frame, { raw: { ...from, channels: 3 } })
    .resize({ ...to, fit: 'fill' })
    .raw()
    .toBuffer();
}
