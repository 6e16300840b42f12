import type { VideoFrame } from '@napi-rs/webcodecs';
import { ReelayError } from '#core/errors.ts';
import { limits } from '#core/limits.ts';
import type { Picture } from './turn.ts';
import { type YuvMatrix, type YuvPicture, yuvToRgb } from './yuv-to-rgb.ts';

/** Layouts of 8 bits a sample: planes, and how the chroma lies. */
const LAYOUTS = {
  I420: { shiftX: 1, shiftY: 1, chromaStep: 1 },
  I422: { shiftX: 1, shiftY: 0, chromaStep: 1 },
  I444: { shiftX: 0, shiftY: 0, chromaStep: 1 },
  NV12: { shiftX: 1, shiftY: 1, chromaStep: 2 },
} as const;

const MATRICES: Readonly<Record<string, YuvMatrix>> = {
  bt709: 'bt709',
  smpte170m: 'smpte170m',
  bt470bg: 'smpte170m',
  'bt2020-ncl': 'bt2020-ncl',
};

/** Untagged video of this height and more is taken for BT.709, below for BT.601, as players do. */
const HD_HEIGHT = 720;

/** A decoded frame as RGB. Throws `invalid_reference` for what is larger than its headers said, and for HDR. */
export async function readFrame(frame: VideoFrame): Promise<Picture> {
  const { format, colorSpace } = frame;
  const { width, height } = frame.visibleRect;
  if (width * height > limits.maxReferenceFramePixels)
    throw refused(`got frames of ${width}x${height}; at most ${limits.maxReferenceFramePixels} pixels are taken`);
  const layout = LAYOUTS[format as keyof typeof LAYOUTS];
  const matrix = colorSpace.matrix == null ? guessed(height) : MATRICES[colorSpace.matrix];
  const isHdr = colorSpace.transfer === 'pq' || colorSpace.transfer === 'hlg';
  if (layout === undefined || matrix === undefined || isHdr)
    throw refused('its colours are not taken (HDR, 10 bits or another model); save it as usual 8-bit video');
  const bytes = new Uint8Array(frame.allocationSize());
  const planes = await frame.copyTo(bytes);
  const [luma, cb, cr = { offset: (cb?.offset ?? 0) + 1, stride: cb?.stride ?? 0 }] = planes;
  if (luma === undefined || cb === undefined) throw refused('its frames have no planes');
  const picture: YuvPicture = {
    ...layout,
    ...{ bytes, width, height, luma, cb, cr, matrix },
    fullRange: colorSpace.fullRange === true,
  };
  return { width, height, rgb: yuvToRgb(picture) };
}

function guessed(height: number): YuvMatrix {
  return height >= HD_HEIGHT ? 'bt709' : 'smpte170m';
}

function refused(why: string): ReelayError {
  return new ReelayError('invalid_reference', `input_reference: this video cannot be read: ${why}.`);
}
