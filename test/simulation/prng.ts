/** Randomness that a seed decides: one stream a world, drawn in the order of its events, so that a seed is a whole history. */
export interface Prng {
  /** 0 <= x < 1. */
  next(): number;
  /** A whole number from min to max, both included. */
  between(min: number, max: number): number;
  chance(probability: number): boolean;
  pick<T>(list: readonly T[]): T;
  bytes(count: number): Uint8Array;
}

/** sfc32 (Chris Doty-Humphrey's Small Fast Counting generator), seeded through splitmix32. */
export function createPrng(seed: number): Prng {
  let mixed = seed >>> 0;
  const word = () => {
    mixed = (mixed + 0x9e3779b9) | 0;
    let z = mixed;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (z ^ (z >>> 15)) | 0;
  };
  let [a, b, c, count] = [word(), word(), Math.floor(seed / 2 ** 32) ^ word(), 1];
  const next32 = () => {
    const out = (((a + b) | 0) + count) | 0;
    count = (count + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + out) | 0;
    return out >>> 0;
  };
  for (let n = 0; n < 12; n++) next32();
  const next = () => next32() / 2 ** 32;
  const between = (min: number, max: number) => min + Math.floor(next() * (max - min + 1));
  return {
    next,
    between,
    chance: probability => probability > 0 && next() < probability,
    pick: list => list[between(0, list.length - 1)]!,
    bytes: n => Uint8Array.from({ length: n }, () => next32() & 0xff),
  };
}
