/** @file Files changed at random, the same for the same seed. */
import { randomOf } from '#test/provenance/watermark/pictures.ts';

/** Turns bits, writes over stretches, cuts off, doubles, takes out and puts other files in. */
export function mutate(file: Uint8Array, others: readonly Uint8Array[], seed: number): Uint8Array {
  const random = randomOf(seed);
  const below = (count: number) => Math.floor(random() * count);
  // A copy: a Buffer's slice would be the file itself.
  let bytes: Uint8Array = new Uint8Array(file);
  for (let changes = 1 + below(4); changes > 0 && bytes.length > 16; changes--) {
    // Headers and manifests lie in front, and are what readers trip over.
    const at = below(random() < 0.7 ? Math.min(bytes.length, 6_000) : bytes.length);
    const length = 1 + below(64);
    switch (below(7)) {
      case 0:
        bytes[at]! ^= 1 << below(8);
        break;
      case 1:
        for (let i = at; i < Math.min(bytes.length, at + length); i++) bytes[i] = below(256);
        break;
      case 2:
        bytes.fill(below(2) * 0xff, at, at + length);
        break;
      case 3:
        bytes = bytes.slice(0, at + 1);
        break;
      case 4:
        bytes = new Uint8Array(Buffer.concat([bytes.slice(0, at), bytes.slice(at + length)]));
        break;
      case 5:
        bytes = new Uint8Array(Buffer.concat([bytes.slice(0, at), bytes.slice(Math.max(0, at - length))]));
        break;
      default: {
        const other = others[below(others.length)]!;
        const from = below(other.length);
        bytes.set(other.subarray(from, Math.min(from + length, from + bytes.length - at)), at);
      }
    }
  }
  return bytes;
}
