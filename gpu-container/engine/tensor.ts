/** The types that cross a graph's edge; half precision stays inside. */
export type TensorType = 'float32' | 'int64';

/** An array with its dims, row-major. */
export type Tensor =
  | { readonly type: 'float32'; readonly data: Float32Array; readonly dims: readonly number[] }
  | { readonly type: 'int64'; readonly data: BigInt64Array; readonly dims: readonly number[] };

/** A float32 tensor. */
export type FloatTensor = Extract<Tensor, { type: 'float32' }>;

/** Tensors by a graph's names for them. */
export type TensorMap = Readonly<Record<string, Tensor>>;

/** Elements of a tensor with these dims; 1 for a scalar. */
export function elementCount(dims: readonly number[]): number {
  return dims.reduce((product, size) => product * size, 1);
}

/** `data` with its dims; RangeError where they disagree. Not copied. */
export function floats(data: Float32Array, dims: readonly number[]): FloatTensor {
  if (data.length !== elementCount(dims))
    throw new RangeError(`tensor: ${data.length} values do not fill [${dims.join(', ')}].`);
  return { type: 'float32', data, dims };
}

/** A float32 tensor of one value throughout. */
export function filled(value: number, dims: readonly number[]): FloatTensor {
  return { type: 'float32', data: new Float32Array(elementCount(dims)).fill(value), dims };
}

/** The same array `batch` times along a new or leading batch of 1: [1, …] -> [batch, …]. At 1 it is not copied. */
export function repeatBatch(data: Float32Array, batch: number): Float32Array {
  if (batch === 1) return data;
  const joined = new Float32Array(batch * data.length);
  for (let i = 0; i < batch; i++) joined.set(data, i * data.length);
  return joined;
}

/** Arrays one after the other: along the first axis, or along the channels of a batch of one. */
export function concat(arrays: readonly Float32Array[]): Float32Array {
  const joined = new Float32Array(arrays.reduce((sum, array) => sum + array.length, 0));
  let offset = 0;
  for (const array of arrays) {
    joined.set(array, offset);
    offset += array.length;
  }
  return joined;
}

/** Tensors [1, C, t, h, w] one after the other in time -> [1, C, sum of t, h, w]. */
export function concatFrames(parts: readonly FloatTensor[]): FloatTensor {
  const [, channels, , height, width] = parts[0]!.dims as [number, number, number, number, number];
  const frames = parts.reduce((sum, part) => sum + part.dims[2]!, 0);
  const cells = height * width;
  const out = new Float32Array(channels * frames * cells);
  let start = 0;
  for (const { data, dims } of parts) {
    const size = dims[2]! * cells;
    for (let c = 0; c < channels; c++) out.set(data.subarray(c * size, (c + 1) * size), (c * frames + start) * cells);
    start += dims[2]!;
  }
  return floats(out, [1, channels, frames, height, width]);
}

/** [a, b, size] -> [b, a, size]. */
export function swapAxes(data: Float32Array, a: number, b: number, size: number): Float32Array {
  const out = new Float32Array(data.length);
  for (let i = 0; i < a; i++)
    for (let j = 0; j < b; j++) {
      const from = (i * b + j) * size;
      out.set(data.subarray(from, from + size), (j * a + i) * size);
    }
  return out;
}
