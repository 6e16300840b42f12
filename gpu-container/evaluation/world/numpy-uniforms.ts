/**
 * @file The uniform numbers of `numpy.random.default_rng`, so that clouds, hills and houses lie where the recipe in Python has them.
 *
 * Lineage: numpy's SeedSequence (after O'Neill's randutils) and PCG64, which is PCG XSL RR 128/64 (O'Neill 2014). Bit-equal.
 */

const MULTIPLIER = 0x2360ed051fc65da44385df649fccf645n;
const POOL_WORDS = 4;

/** What was drawn before, by seeds: every frame of a scene asks for the same few hundred numbers again. */
const drawnBefore = new Map<string, { draws: number[]; draw: () => number }>();

/** Draws of `default_rng(seeds).uniform(low, high)`, one after the other; every seed is a whole number below 2^32. */
export function numpyUniforms(seeds: readonly number[]): (low: number, high: number) => number {
  const key = seeds.join();
  const { draws, draw } = drawnBefore.get(key) ?? { draws: [], draw: pcg64(seeds) };
  drawnBefore.set(key, { draws, draw });
  let next = 0;
  return (low, high) => {
    if (next === draws.length) draws.push(draw());
    return low + (high - low) * draws[next++]!;
  };
}

/** Numbers in [0, 1) of 53 bits. */
function pcg64(seeds: readonly number[]): () => number {
  const words = stateWords(seedPool(seeds), 8);
  const whole = (at: number) =>
    (BigInt(words[at + 1]!) << 96n) |
    (BigInt(words[at]!) << 64n) |
    (BigInt(words[at + 3]!) << 32n) |
    BigInt(words[at + 2]!);
  const increment = BigInt.asUintN(128, (whole(4) << 1n) | 1n);
  const advance = (state: bigint) => BigInt.asUintN(128, state * MULTIPLIER + increment);
  let state = advance(increment + whole(0));
  return () => {
    state = advance(state);
    const folded = (state >> 64n) ^ (state & 0xffffffffffffffffn);
    const turn = state >> 122n;
    const word = BigInt.asUintN(64, (folded >> turn) | (folded << (64n - turn)));
    return Number(word >> 11n) * 2 ** -53;
  };
}

function seedPool(seeds: readonly number[]): Uint32Array {
  if (seeds.length > POOL_WORDS)
    throw new RangeError(`seeds: got ${seeds.length}, at most ${POOL_WORDS} are mixed here.`);
  let constant = 0x43b0d7e5;
  const hash = (value: number) => {
    const mixed = value ^ constant;
    constant = Math.imul(constant, 0x931e8875);
    const product = Math.imul(mixed, constant);
    return product ^ (product >>> 16);
  };
  const pool = Uint32Array.from({ length: POOL_WORDS }, (_, i) => hash(seeds[i] ?? 0));
  for (let from = 0; from < POOL_WORDS; from++)
    for (let to = 0; to < POOL_WORDS; to++) {
      if (from === to) continue;
      const mixed = Math.imul(0xca01f9dd, pool[to]!) - Math.imul(0x4973f715, hash(pool[from]!));
      pool[to] = mixed ^ (mixed >>> 16);
    }
  return pool;
}

function stateWords(pool: Uint32Array, count: number): Uint32Array {
  let constant = 0x8b51f9dd;
  return Uint32Array.from({ length: count }, (_, i) => {
    const mixed = pool[i % POOL_WORDS]! ^ constant;
    constant = Math.imul(constant, 0x58f38ded);
    const product = Math.imul(mixed, constant);
    return product ^ (product >>> 16);
  });
}
