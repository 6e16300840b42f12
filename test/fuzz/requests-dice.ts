/** Choices drawn from a seed: the same seed and number make the same request, whatever was made before it. */
export interface Dice {
  /** Uniform in [0, 1). */
  next(): number;
  /** 0 to n - 1. */
  below(n: number): number;
  /** Mostly small, at times up to `most`. */
  size(most: number): number;
  chance(share: number): boolean;
  pick<T>(list: readonly T[]): T;
  /** Bytes of any value. */
  bytes(n: number): Buffer;
}

/** The dice of request `n` of a run. */
export function rollDice(seed: number, n: number): Dice {
  // splitmix32, started apart for each n: neighbours must not look alike.
  let state = Math.imul(seed ^ Math.imul(n + 1, 0x9e3779b1), 0x85ebca6b) >>> 0;
  const next = () => {
    state = (state + 0x9e3779b9) >>> 0;
    let z = state ^ (state >>> 16);
    z = Math.imul(z, 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return ((z ^ (z >>> 15)) >>> 0) / 4_294_967_296;
  };
  const below = (n: number) => Math.floor(next() * n);
  return {
    next,
    below,
    size: most => Math.floor(most ** next()),
    chance: share => next() < share,
    pick: list => list[below(list.length)]!,
    bytes: n => Buffer.from(Array.from({ length: n }, () => below(256))),
  };
}
