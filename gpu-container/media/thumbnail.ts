import sharp from 'sharp';

/** WebP at this quality shows no blocks on flat colour; a 256x256 frame of shapes is some 3 kB. */
const QUALITY = 90;

/** The index of the frame that stands for a clip: the middle one. */
export function thumbnailFrame(frames: number): number {
  return Math.floor(frames / 2);
}

/** RGB bytes [H, W, 3] as a WebP file, at their own size. */
export async function encodeThumbnail(
  frame: Uint8Array,
  { width, height }: { readonly width: number; readonly height: number },
): Promise<Uint8Array> {
  return sharp(frame, { raw: { width, height, channels: 3 } })
    .webp({ quality: QUALITY, smartSubsample: true })
    .toBuffer();
}
