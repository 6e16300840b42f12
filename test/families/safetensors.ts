/** @file Reads a safetensors file: 8 bytes of header length, a JSON header, the arrays (github.com/huggingface/safetensors). */
import { readFile } from 'node:fs/promises';

/** An array of a golden file; int64 values as numbers. */
export interface GoldenTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array | Float64Array | Uint8Array;
}

const READERS: Readonly<Record<string, (bytes: ArrayBuffer) => GoldenTensor['data']>> = {
  F32: bytes => new Float32Array(bytes),
  F64: bytes => new Float64Array(bytes),
  U8: bytes => new Uint8Array(bytes),
  I64: bytes => Float64Array.from(new BigInt64Array(bytes), Number),
};

export async function readSafetensors(path: string): Promise<Record<string, GoldenTensor>> {
  const file = await readFile(path);
  const bytes = file.buffer.slice(file.byteOffset, file.byteOffset + file.length);
  const start = 8 + Number(new DataView(bytes).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(bytes.slice(8, start)));
  const tensors: Record<string, GoldenTensor> = {};
  for (const [name, { dtype, shape, data_offsets }] of Object.entries<any>(header)) {
    if (name === '__metadata__') continue;
    const [from, to] = data_offsets;
    tensors[name] = { shape, data: READERS[dtype]!(bytes.slice(start + from, start + to)) };
  }
  return tensors;
}
