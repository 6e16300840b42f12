/**
 * @file What the key decides about the mark: which coded bit each block carries, the signs of its coefficients, and where its lattice
 * begins. Without the key the mark is noise.
 */
import { BASIS, BLOCK, BLOCKS, CODED_BITS, GRID, PLANES, type PlaneRule } from './lattice.ts';

/** HMAC-SHA256 under the deployment's watermark key: any bytes -> 32 bytes. The key itself never comes in here. */
export type Mac = (message: Uint8Array) => Uint8Array;

/** What a message to the MAC is about is the byte behind the name of the mark. Planes are 0, 1, 2; this is a deployment's tag. */
export const MAC_TAG = 3;
/** A job's nonce. */
export const MAC_NONCE = 4;
/** A round of the permutation of messages. */
export const MAC_ROUND = 5;

/** "lf-stdm/1" */
const NAME = [0x6c, 0x66, 0x2d, 0x73, 0x74, 0x64, 0x6d, 0x2f, 0x31];

/** The secret part of one plane's mark. */
export interface PlaneKey {
  readonly rule: PlaneRule;
  /** The coded bit of each block. */
  readonly bits: Uint8Array;
  /** Where the block's lattice begins, in steps: [0, 1). */
  readonly dithers: Float64Array;
  /** [64, 64]: the value of a block is the sum of its cells times these; its coefficients' signs and basis in one. */
  readonly carrier: Float32Array;
}

/** Keys of the planes Y, U, V. */
export type KeyStream = readonly PlaneKey[];

/** The key stream of a deployment; some 230 MACs, so made once and kept. */
export function deriveKeyStream(mac: Mac): KeyStream {
  return PLANES.map((rule, plane) => {
    const words = wordsOf(mac, plane);
    const bits = Uint8Array.from([...shuffled(words), ...shuffled(words)]);
    const signs = signsFrom(words);
    const dithers = Float64Array.from({ length: BLOCKS }, () => words() / 2 ** 32);
    return { rule, bits, dithers, carrier: carrierOf(rule, signs) };
  });
}

/** The message to the MAC: the mark's name, what it is about, a number of 32 bits, and more bytes. */
export function macMessage(about: number, counter: number, more: Uint8Array = new Uint8Array()): Uint8Array {
  const head = [...NAME, about, counter >>> 24, (counter >>> 16) & 255, (counter >>> 8) & 255, counter & 255];
  const message = new Uint8Array(head.length + more.length);
  message.set(head);
  message.set(more, head.length);
  return message;
}

/** The first 32 bits of four bytes, the most significant first. */
export function word32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}

/** Numbers of 32 bits, eight from each MAC: counter 0, 1, 2 ... */
function wordsOf(mac: Mac, plane: number): () => number {
  let digest = new Uint8Array();
  let counter = 0;
  let at = 0;
  return () => {
    if (at === digest.length) {
      digest = Uint8Array.from(mac(macMessage(plane, counter++)));
      at = 0;
    }
    at += 4;
    return word32(digest, at - 4);
  };
}

/** A permutation of 0 to 127, each as likely: from the last place down, a number below the count; words past its last multiple are drawn again. */
function shuffled(words: () => number): number[] {
  const order = Array.from({ length: CODED_BITS }, (_, i) => i);
  for (let i = CODED_BITS - 1; i > 0; i--) {
    const count = i + 1;
    const fair = 2 ** 32 - (2 ** 32 % count);
    let word = words();
    while (word >= fair) word = words();
    const j = word % count;
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}

/** Three signs a block, 32 from a word, the highest bit first; 1 is minus. */
function signsFrom(words: () => number): Int8Array {
  const signs = new Int8Array(BLOCKS * 3);
  let word = 0;
  for (let i = 0; i < signs.length; i++) {
    if (i % 32 === 0) word = words();
    signs[i] = (word >>> (31 - (i % 32))) & 1 ? -1 : 1;
  }
  return signs;
}

function carrierOf({ coefficients }: PlaneRule, signs: Int8Array): Float32Array {
  const carrier = new Float32Array(GRID * GRID);
  for (let y = 0; y < GRID; y++)
    for (let x = 0; x < GRID; x++) {
      const block = Math.floor(y / BLOCK) * (GRID / BLOCK) + Math.floor(x / BLOCK);
      const terms = coefficients.map(
        ([v, u], j) => signs[block * 3 + j]! * BASIS[v]![y % BLOCK]! * BASIS[u]![x % BLOCK]!,
      );
      carrier[y * GRID + x] = (terms[0]! + terms[1]! + terms[2]!) / Math.sqrt(3);
    }
  return carrier;
}
