/** A clip's latent, without the batch. */
export interface LatentShape {
  readonly channels: number;
  readonly frames: number;
  readonly height: number;
  readonly width: number;
}

/** [B, C, T, H, W] */
export function latentDims(shape: LatentShape, batch: number): number[] {
  return [batch, shape.channels, shape.frames, shape.height, shape.width];
}

/** Elements of a tensor with these dimensions; 1 for a scalar. */
export function elementCount(dims: readonly number[]): number {
  return dims.reduce((product, size) => product * size, 1);
}

/** The same tensors one after the other along the batch: [1, …] and [1, …] -> [2, …]. */
export function stack(tensors: readonly Float32Array[]): Float32Array {
  const joined = new Float32Array(tensors.reduce((sum, tensor) => sum + tensor.length, 0));
  let offset = 0;
  for (const tensor of tensors) {
    joined.set(tensor, offset);
    offset += tensor.length;
  }
  return joined;
}
