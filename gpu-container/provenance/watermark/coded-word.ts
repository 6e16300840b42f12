/**
 * @file The error-correcting code: 58 bits and six zeros through the convolutional code of rate 1/2 and constraint length 7 with the
 * generators 133 and 171 (octal), and back by the Viterbi algorithm over soft values.
 */
import { CODED_BITS } from './lattice.ts';

/** 58 bits in two halves of 29, because 58 bits are more than a number holds exactly. */
export interface Message {
  readonly left: number;
  readonly right: number;
}

const HALF_BITS = 29;
const MESSAGE_BITS = 2 * HALF_BITS;
const STATES = 64;
const GENERATORS = [0o133, 0o171] as const;

/** The two coded bits of each register of seven bits. */
const OUTPUTS = Uint8Array.from({ length: 2 * STATES }, (_, register) => {
  const [first, second] = GENERATORS.map(generator => parity(register & generator));
  return (first! << 1) | second!;
});

/** 58 bits -> 128 coded bits, one a byte. */
export function encodeMessage({ left, right }: Message): Uint8Array {
  const coded = new Uint8Array(CODED_BITS);
  let register = 0;
  for (let i = 0; i < CODED_BITS / 2; i++) {
    register = ((register << 1) | messageBit(left, right, i)) & (2 * STATES - 1);
    coded[2 * i] = OUTPUTS[register]! >> 1;
    coded[2 * i + 1] = OUTPUTS[register]! & 1;
  }
  return coded;
}

/** The message whose coded word fits best to 128 soft values: above 0 speaks for 1, and how far for how surely. */
export function decodeMessage(soft: ArrayLike<number>): Message {
  if (soft.length !== CODED_BITS)
    throw new RangeError(`watermark: got ${soft.length} soft values; the code has ${CODED_BITS}.`);
  const steps = CODED_BITS / 2;
  let scores = new Float64Array(STATES).fill(-Infinity);
  let next = new Float64Array(STATES);
  scores[0] = 0;
  const cameFromUpper = new Uint8Array(steps * STATES);
  for (let step = 0; step < steps; step++) {
    const [first, second] = [soft[2 * step]!, soft[2 * step + 1]!];
    for (let state = 0; state < STATES; state++) {
      // The register that leads here holds `state` in its low bits; its high bit is what the older state lost.
      const from = state >> 1;
      const lower = scores[from]! + speaksFor(OUTPUTS[state]!, first, second);
      const upper = scores[from + STATES / 2]! + speaksFor(OUTPUTS[state + STATES]!, first, second);
      next[state] = Math.max(lower, upper);
      if (upper > lower) cameFromUpper[step * STATES + state] = 1;
    }
    [scores, next] = [next, scores];
  }
  let [left, right] = [0, 0];
  for (let step = steps - 1, state = 0; step >= 0; step--) {
    const bit = state & 1;
    if (step < HALF_BITS) left += bit * 2 ** (HALF_BITS - 1 - step);
    else if (step < MESSAGE_BITS) right += bit * 2 ** (MESSAGE_BITS - 1 - step);
    state = (state >> 1) + (cameFromUpper[step * STATES + state] === 1 ? STATES / 2 : 0);
  }
  return { left, right };
}

/** How many of two words' bits are the same. */
export function agreement(a: Uint8Array, b: Uint8Array): number {
  let same = 0;
  for (let i = 0; i < CODED_BITS; i++) if (a[i] === b[i]) same++;
  return same;
}

function speaksFor(output: number, first: number, second: number): number {
  return (output & 2 ? first : -first) + (output & 1 ? second : -second);
}

/** The highest bit of `left` first; zeros behind the last of `right`. */
function messageBit(left: number, right: number, i: number): number {
  if (i >= MESSAGE_BITS) return 0;
  return i < HALF_BITS ? (left >>> (HALF_BITS - 1 - i)) & 1 : (right >>> (MESSAGE_BITS - 1 - i)) & 1;
}

function parity(bits: number): number {
  let odd = 0;
  for (let rest = bits; rest > 0; rest >>= 1) odd ^= rest & 1;
  return odd;
}
