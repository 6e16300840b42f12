/** Reads bits, most significant first; behind the end it throws RangeError. */
export interface BitReader {
  bits(count: number): number;
  skip(count: number): void;
  /** Exp-Golomb, unsigned (H.264 and H.265, 9.1; `uvlc` of AV1, 4.10.3). Signed ones have the same length. */
  golomb(): number;
}

/** A reader from the first bit on. */
export function bitsOf(bytes: Uint8Array): BitReader {
  let at = 0;
  const reader: BitReader = {
    bits(count) {
      let value = 0;
      for (let left = count; left > 0; left--, at++) {
        if (at >= bytes.length * 8) throw new RangeError('The header ends too early.');
        value = value * 2 + ((bytes[at >> 3]! >> (7 - (at & 7))) & 1);
      }
      return value;
    },
    skip: count => {
      at += count;
    },
    golomb() {
      let zeros = 0;
      while (reader.bits(1) === 0) if (++zeros > 32) throw new RangeError('The header holds no such number.');
      return 2 ** zeros - 1 + reader.bits(zeros);
    },
  };
  return reader;
}
