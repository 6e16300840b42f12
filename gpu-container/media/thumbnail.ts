import sharp from 'sharp';
import { type Clip, checkClip, frameOf } from './clip.ts';

/** WebP at this quality shows no blocks on flat colour; a 256x256 frame of shapes is some 3 kB. */
const QUALITY = 90;

/** The middle frame as a WebP file, at the clip's own size. */
export async function encodeThumbnail(clip: Clip): Promise<Uint8Array> {
  checkClip(clip);
  const { width, height } = clip;
  const frame = frameOf(clip, Math.floor(clip.frames / 2));
  return sharp(frame, { raw: { width, height, channels: 3 } })
    .webp({ quality: QUALITY, smartSubsample: true })
    .toBuffer();
}
