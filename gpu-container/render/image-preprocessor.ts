import { readConfigOf } from '#gpu-container/engine/families/config-reader.ts';
import { type FloatTensor, floats } from '#gpu-container/engine/tensor.ts';
import { resizeRgb, type Size } from '#gpu-container/media/resize.ts';

/** RGB bytes [H, W, 3] -> what an image encoder is fed, [1, 3, size, size]. */
export type ImagePreprocessor = (rgb: Uint8Array, size: Size) => FloatTensor;

const BICUBIC = 3;

/**
 * transformers' CLIPImageProcessor from its preprocessor_config.json: the shorter side to size.shortest_edge (bicubic), the middle
 * crop_size, times rescale_factor, minus mean over deviation. RangeError for a setting that is not followed.
 */
export function createImagePreprocessor(config: Readonly<Record<string, unknown>> | undefined): ImagePreprocessor {
  const file = 'image_processor/preprocessor_config.json';
  const reader = readConfigOf(file, config);
  const edge = readConfigOf(`${file}: size`, config!.size as Record<string, unknown>).count('shortest_edge');
  const cropConfig = readConfigOf(`${file}: crop_size`, config!.crop_size as Record<string, unknown>);
  const crop = { height: cropConfig.count('height'), width: cropConfig.count('width') };
  const mean = reader.numbers('image_mean', 3);
  const deviation = reader.numbers('image_std', 3);
  const factor = reader.number('rescale_factor', 1 / 255);
  if (reader.count('resample', BICUBIC) !== BICUBIC)
    throw new RangeError(`${file}: resample: only 3 (bicubic) is supported.`);
  for (const step of ['do_resize', 'do_center_crop', 'do_rescale', 'do_normalize'])
    if (!reader.flag(step, true)) throw new RangeError(`${file}: ${step}: false is not supported.`);

  return (rgb, size) => {
    const short = Math.min(size.height, size.width);
    const scaled = (side: number) => (side === short ? edge : Math.trunc((edge * side) / short));
    const to = { height: scaled(size.height), width: scaled(size.width) };
    const cropped = centerCrop(resizeRgb(rgb, size, to, 'bicubic'), to, crop);
    const cells = crop.height * crop.width;
    const data = new Float32Array(3 * cells);
    for (let color = 0, at = 0; color < 3; color++)
      for (let i = 0; i < cells; i++, at++)
        data[at] = Math.fround(Math.fround(cropped[3 * i + color]! * factor) - mean[color]!) / deviation[color]!;
    return floats(data, [1, 3, crop.height, crop.width]);
  };
}

/** The middle of a picture; RangeError where the crop is the larger. */
function centerCrop(rgb: Uint8Array, from: Size, to: Size): Uint8Array {
  const top = Math.floor((from.height - to.height) / 2);
  const left = Math.floor((from.width - to.width) / 2);
  if (top < 0 || left < 0) throw new RangeError(`crop: ${to.width}x${to.height} of ${from.width}x${from.height}.`);
  const out = new Uint8Array(3 * to.height * to.width);
  for (let y = 0; y < to.height; y++) {
    const start = 3 * ((top + y) * from.width + left);
    out.set(rgb.subarray(start, start + 3 * to.width), 3 * y * to.width);
  }
  return out;
}
