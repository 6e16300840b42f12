import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import { ReelayError } from '#core/errors.ts';
import { limits } from '#core/limits.ts';
import { sniffMedia } from '#core/references/media-type.ts';
import { resizeRgb, type Size } from './resize.ts';

/** A decoder that needs longer is being played with: 33 million pixels of a JPEG with many scans take two seconds here. */
const DECODE_SECONDS = 20;

/**
 * A PNG, JPEG or WebP file -> RGB [height, width, 3], upright, in sRGB, without its alpha, stretched to the size as diffusers'
 * VideoProcessor does it. Colours of an embedded profile are converted, which diffusers leaves out. Throws `invalid_reference` for a
 * file that cannot be decoded to its end.
 */
export async function readReferenceImage(path: string, size: Size): Promise<Uint8Array> {
  const { rgb, ...own } = await readReferencePicture(path);
  return resizeRgb(rgb, own, size);
}

/** A picture at its own size. */
export interface Picture extends Size {
  /** [height, width, 3] */
  readonly rgb: Uint8Array;
}

/** The same file at its own size: image encoders are fed what was sent, not what is stretched to the clip. */
export async function readReferencePicture(path: string): Promise<Picture> {
  const file = await readFile(path);
  // libvips knows many more formats, and not all of their decoders should be reached from outside.
  if (sniffMedia(file)?.startsWith('image/') !== true) throw invalidImage();
  try {
    const { data, info } = await sharp(file, {
      limitInputPixels: limits.maxReferencePixels,
      failOn: 'warning',
      autoOrient: true,
    })
      .timeout({ seconds: DECODE_SECONDS })
      .toColourspace('srgb')
      .removeAlpha()
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    const rgb = new Uint8Array(data.buffer, data.byteOffset, data.length);
    return { rgb, width: info.width, height: info.height };
  } catch (cause) {
    throw invalidImage(cause);
  }
}

function invalidImage(cause?: unknown): ReelayError {
  const message = 'input_reference: this image cannot be decoded; it is damaged. Save it again as PNG, JPEG or WebP.';
  return new ReelayError('invalid_reference', message, { cause });
}
