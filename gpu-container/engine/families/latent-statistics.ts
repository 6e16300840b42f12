/** Per-channel mean and standard deviation of a VAE's latents, float32. */
export interface LatentStatistics {
  readonly mean: Float32Array;
  readonly std: Float32Array;
}

/** (z - mean) · (1/std) per channel of [1, C, …], rounded as torch does with the reciprocal taken first (Wan's pipelines). */
export function normalizeLatent(latent: Float32Array, { mean, std }: LatentStatistics): Float32Array {
  const plane = latent.length / mean.length;
  const out = new Float32Array(latent.length);
  for (let c = 0, at = 0; c < mean.length; c++) {
    const inverse = Math.fround(1 / std[c]!);
    for (let i = 0; i < plane; i++, at++) out[at] = Math.fround(latent[at]! - mean[c]!) * inverse;
  }
  return out;
}

/** z / (1/std) + mean per channel of [1, C, …], the way back. */
export function denormalizeLatent(latent: Float32Array, { mean, std }: LatentStatistics): Float32Array {
  const plane = latent.length / mean.length;
  const out = new Float32Array(latent.length);
  for (let c = 0, at = 0; c < mean.length; c++) {
    const inverse = Math.fround(1 / std[c]!);
    for (let i = 0; i < plane; i++, at++) out[at] = Math.fround(latent[at]! / inverse) + mean[c]!;
  }
  return out;
}

/** (z - mean) · factor / std per channel, operation by operation (LTX-Video). */
export function scaleToStatistics(latent: Float32Array, { mean, std }: LatentStatistics, factor: number): Float32Array {
  const plane = latent.length / mean.length;
  const out = new Float32Array(latent.length);
  for (let c = 0, at = 0; c < mean.length; c++)
    for (let i = 0; i < plane; i++, at++) out[at] = Math.fround(Math.fround(latent[at]! - mean[c]!) * factor) / std[c]!;
  return out;
}

/** z · std / factor + mean per channel, the way back. */
export function scaleFromStatistics(
  latent: Float32Array,
  { mean, std }: LatentStatistics,
  factor: number,
): Float32Array {
  const plane = latent.length / mean.length;
  const out = new Float32Array(latent.length);
  for (let c = 0, at = 0; c < mean.length; c++)
    for (let i = 0; i < plane; i++, at++) out[at] = Math.fround(Math.fround(latent[at]! * std[c]!) / factor) + mean[c]!;
  return out;
}
