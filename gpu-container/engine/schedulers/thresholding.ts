/** @file Keeping a predicted clean sample in range: by a fixed bound, or dynamic thresholding (Imagen, arXiv 2205.11487). */
import { flag, number } from './read-config.ts';
import { clamp } from './vectors.ts';

const f32 = Math.fround;

/** The config keys of dynamic thresholding. */
export const thresholdingFields = {
  thresholding: flag(false),
  dynamic_thresholding_ratio: number(0.995),
  sample_max_value: number(1),
};

/** What of a config bounds a clean sample. */
export interface ThresholdingConfig {
  readonly thresholding: boolean;
  readonly dynamic_thresholding_ratio: number;
  readonly sample_max_value: number;
}

/** `clean` bounded as the config says, or itself where it says nothing. `batch`: samples in the array, each with its own quantile. */
export function boundClean(
  config: ThresholdingConfig & { readonly clip_sample?: boolean; readonly clip_sample_range?: number },
  clean: Float32Array,
  batch: number,
): Float32Array {
  if (config.thresholding) return thresholdDynamically(config, clean, batch);
  return config.clip_sample ? clamp(clean, config.clip_sample_range!) : clean;
}

function thresholdDynamically(config: ThresholdingConfig, clean: Float32Array, batch: number): Float32Array {
  if (clean.length % batch !== 0)
    throw new RangeError(`scheduler: ${clean.length} values are no batch of ${batch} samples.`);
  const size = clean.length / batch;
  const out = new Float32Array(clean.length);
  for (let b = 0; b < batch; b++) {
    const one = clean.subarray(b * size, (b + 1) * size);
    const quantile = quantileOfSizes(one, config.dynamic_thresholding_ratio);
    const bound = Math.min(Math.max(quantile, 1), f32(config.sample_max_value));
    out.set(clamp(one, bound, bound), b * size);
  }
  return out;
}

/** torch.quantile of the absolute values, interpolated in float32. */
function quantileOfSizes(values: Float32Array, ratio: number): number {
  const sizes = values.map(Math.abs).sort();
  const rank = f32(ratio) * (sizes.length - 1); // not rounded: torch fuses the product with the difference below
  const [below, above] = [sizes[Math.floor(rank)]!, sizes[Math.ceil(rank)]!];
  const weight = f32(rank - Math.floor(rank));
  const rise = f32(above - below);
  // torch.lerp, from the nearer end, each with a fused multiply-add: float64 keeps the product whole
  return weight < 0.5 ? f32(below + weight * rise) : f32(above - rise * f32(1 - weight));
}
