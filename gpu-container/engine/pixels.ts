import { type FloatTensor, floats } from './tensor.ts';

/** RangeError naming the component where a network gave another shape: what fits by chance would be a wrong video. */
export function expectDims(component: string, { dims }: FloatTensor, wanted: readonly number[]): void {
  if (dims.length !== wanted.length || dims.some((size, i) => size !== wanted[i]))
    throw new RangeError(`${component}: it gave [${dims.join(', ')}]; [${wanted.join(', ')}] is needed.`);
}

/** RGB bytes [F, H, W, 3] -> [1, 3, F, H, W] in -1..1, as diffusers' VideoProcessor: 2 · (x / 255) - 1 in float32. */
export function videoFromRgb(rgb: Uint8Array, frames: number, height: number, width: number): FloatTensor {
  const plane = height * width;
  if (rgb.length !== 3 * frames * plane)
    throw new RangeError(`reference: got ${rgb.length} bytes for ${frames} frames of ${width}x${height}.`);
  const data = new Float32Array(rgb.length);
  for (let color = 0, at = 0; color < 3; color++)
    for (let i = 0; i < frames * plane; i++, at++) data[at] = 2 * Math.fround(rgb[3 * i + color]! / 255) - 1;
  return floats(data, [1, 3, frames, height, width]);
}

/** The mean half of a posterior's parameters [1, 2C, T, h, w] -> [1, C, T, h, w], not copied. */
export function posteriorMean({ data, dims }: FloatTensor): FloatTensor {
  const [batch, double, ...rest] = dims;
  if (batch !== 1 || double === undefined || double % 2 !== 0)
    throw new RangeError(`vae_encoder: got [${dims.join(', ')}]; [1, 2C, …] is needed.`);
  return floats(data.subarray(0, data.length / 2), [1, double / 2, ...rest]);
}

/** A draw from the posterior: mean + exp(logvar / 2) · noise, log variance clamped to -30..20, as diffusers' DiagonalGaussian. */
export function posteriorSample({ data, dims }: FloatTensor, noise: Float32Array): FloatTensor {
  const mean = posteriorMean({ type: 'float32', data, dims });
  const half = mean.data.length;
  if (noise.length !== half) throw new RangeError(`vae_encoder: ${noise.length} noise values for ${half} latents.`);
  const out = new Float32Array(half);
  for (let i = 0; i < half; i++) {
    const logvar = Math.min(20, Math.max(-30, data[half + i]!));
    const std = Math.fround(Math.exp(Math.fround(0.5 * logvar)));
    out[i] = mean.data[i]! + Math.fround(std * noise[i]!);
  }
  return floats(out, mean.dims);
}
