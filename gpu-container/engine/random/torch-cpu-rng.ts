/**
 * @file Normal random numbers as PyTorch's CPU generator makes them, so that a seed means the same noise here and in Python.
 *
 * Lineage: MT19937 with init_genrand (Matsumoto & Nishimura 1998); the two Box-Muller paths of ATen's
 * `native/cpu/DistributionTemplates.h` (normal_fill for 16 values and more) and `core/DistributionsHelper.h` (one by one below
 * 16). Within 2e-6 of torch, not bit-equal: torch's vectorised log and cos differ in the last places. float32 only.
 */

/** Words of the generator's state. */
export const RNG_WORDS = 624;
const SHIFT_WORDS = 397;
/** normal_fill works on blocks of 16: eight radii, eight angles. */
const BLOCK = 16;

/** Everything a generator needs to go on; plain data for a checkpoint. */
export interface TorchRngState {
  /** 624 words of MT19937. */
  readonly words: Uint32Array;
  /** Next word to hand out; 624 means a twist is due. */
  readonly position: number;
  /** The unused sine of the last pair below 16 values, kept across calls. */
  readonly spare: number | null;
}

/** A stream of normal draws whose place can be saved. */
export interface TorchRng {
  /** n values, standard normal: equal to torch.randn(n, generator) in float32, whatever the shape of n elements. */
  randn(n: number): Float32Array;
  /** A copy of the state. */
  save(): TorchRngState;
}

/** A generator at torch's `manual_seed(seed)`; like torch, MT19937 sees the low 32 bits. */
export function createTorchRng(seed: number | bigint): TorchRng {
  const words = new Uint32Array(RNG_WORDS);
  words[0] = Number(BigInt.asUintN(32, BigInt(seed)));
  for (let i = 1; i < RNG_WORDS; i++) {
    const last = words[i - 1]!;
    words[i] = Math.imul(1812433253, last ^ (last >>> 30)) + i;
  }
  return restoreTorchRng({ words, position: RNG_WORDS, spare: null });
}

/** A generator that goes on where `save()` was called. */
export function restoreTorchRng(state: TorchRngState): TorchRng {
  const words = Uint32Array.from(state.words);
  if (words.length !== RNG_WORDS) throw new RangeError(`rng state: expected ${RNG_WORDS} words, got ${words.length}.`);
  let { position, spare } = state;

  function nextWord(): number {
    if (position >= RNG_WORDS) {
      twist(words);
      position = 0;
    }
    return temper(words[position++]!);
  }

  /** 24 bits in [0, 1), exact in float32. */
  const nextFloat = () => (nextWord() & 0xffffff) * 2 ** -24;

  /** 53 bits in [0, 1): the first word is the high one, and of its 32 bits the lower 21 count. */
  function nextDouble(): number {
    const high = nextWord() & 0x1fffff;
    return (high * 2 ** 32 + nextWord()) * 2 ** -53;
  }

  function nextNormal(): number {
    if (spare !== null) {
      const value = spare;
      spare = null;
      return value;
    }
    const turn = nextDouble();
    const radius = Math.sqrt(-2 * Math.log1p(-nextDouble()));
    spare = radius * Math.sin(2 * Math.PI * turn);
    return radius * Math.cos(2 * Math.PI * turn);
  }

  function randn(n: number): Float32Array {
    if (!Number.isSafeInteger(n) || n < 0) throw new RangeError(`randn: expected a count of 0 or more, got ${n}.`);
    const values = new Float32Array(n);
    if (n < BLOCK) {
      for (let i = 0; i < n; i++) values[i] = nextNormal();
      return values;
    }
    for (let i = 0; i < n; i++) values[i] = nextFloat();
    for (let start = 0; start + BLOCK <= n; start += BLOCK) boxMuller(values, start);
    if (n % BLOCK !== 0) {
      const start = n - BLOCK; // the tail redoes the last 16 values with fresh draws, overlapping the block before
      for (let i = start; i < n; i++) values[i] = nextFloat();
      boxMuller(values, start);
    }
    return values;
  }

  return { randn, save: () => ({ words: words.slice(), position, spare }) };
}

/** values[start .. start+16): eight uniforms for radii, eight for angles -> sixteen normals, in place. */
function boxMuller(values: Float32Array, start: number): void {
  for (let j = start; j < start + BLOCK / 2; j++) {
    const radius = Math.sqrt(-2 * Math.log(1 - values[j]!));
    const angle = 2 * Math.PI * values[j + BLOCK / 2]!;
    values[j] = radius * Math.cos(angle);
    values[j + BLOCK / 2] = radius * Math.sin(angle);
  }
}

function twist(words: Uint32Array): void {
  for (let i = 0; i < RNG_WORDS; i++) {
    const joined = (words[i]! & 0x80000000) | (words[(i + 1) % RNG_WORDS]! & 0x7fffffff);
    words[i] = words[(i + SHIFT_WORDS) % RNG_WORDS]! ^ (joined >>> 1) ^ (joined & 1 ? 0x9908b0df : 0);
  }
}

function temper(word: number): number {
  let y = word;
  y ^= y >>> 11;
  y ^= (y << 7) & 0x9d2c5680;
  y ^= (y << 15) & 0xefc60000;
  y ^= y >>> 18;
  return y >>> 0;
}
