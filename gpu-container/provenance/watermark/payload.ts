/**
 * @file What the 58 bits of a mark say: 24 bits that all jobs of a deployment share and 34 bits of the job. A keyed permutation stands
 * before the code: without it the jobs of a deployment would share some 48 coded bits, and a wrong job would reach the threshold of a
 * million jobs with a chance of 1 in 2,000.
 */
import type { Message } from './coded-word.ts';
import { MAC_NONCE, MAC_ROUND, MAC_TAG, type Mac, macMessage, word32 } from './key-stream.ts';

/** What a mark says. */
export interface Payload {
  /** 24 bits, of the deployment. */
  readonly tag: number;
  /** 34 bits, of the job; unique in the registry. */
  readonly nonce: number;
}

const ROUNDS = 4;
/** 29 of the nonce's 34 bits are the right half, five the end of the left. */
const NONCE_LOW = 2 ** 29;
const NONCE_HIGH = 2 ** 5;

/** The deployment's tag. */
export function deploymentTag(mac: Mac, deployment: string): number {
  return word32(mac(macMessage(MAC_TAG, 0, utf8(deployment))), 0) >>> 8;
}

/**
 * A job's nonce. A million jobs meet some 29 collisions: the registry takes each nonce once, and whoever is refused asks again with
 * the next `counter`.
 */
export function jobNonce(mac: Mac, jobId: string, counter = 0): number {
  const digest = mac(macMessage(MAC_NONCE, counter, utf8(jobId)));
  return word32(digest, 0) * 4 + (digest[4]! >> 6);
}

/** The message that stands for a payload in the mark. RangeError where a part has too many bits. */
export function sealPayload(mac: Mac, { tag, nonce }: Payload): Message {
  const isSound = Number.isInteger(tag) && tag >= 0 && tag < 2 ** 24 && Number.isInteger(nonce) && nonce >= 0;
  if (!isSound || nonce >= 2 ** 34)
    throw new RangeError(`watermark: got tag ${tag} and nonce ${nonce}; 24 and 34 bits are taken.`);
  let left = tag * NONCE_HIGH + Math.floor(nonce / NONCE_LOW);
  let right = nonce % NONCE_LOW;
  for (let round = 0; round < ROUNDS; round++) [left, right] = [right, (left ^ mix(mac, round, right)) >>> 0];
  return { left, right };
}

/** What a message says; any message says something, so compare the tag. */
export function openPayload(mac: Mac, message: Message): Payload {
  let { left, right } = message;
  for (let round = ROUNDS - 1; round >= 0; round--) [left, right] = [(right ^ mix(mac, round, left)) >>> 0, left];
  return { tag: Math.floor(left / NONCE_HIGH), nonce: (left % NONCE_HIGH) * NONCE_LOW + right };
}

/** 29 bits of a round. */
function mix(mac: Mac, round: number, half: number): number {
  const bytes = Uint8Array.of(half >>> 24, (half >>> 16) & 255, (half >>> 8) & 255, half & 255);
  return word32(mac(macMessage(MAC_ROUND, round, bytes)), 0) >>> 3;
}

/** Ids and names are ASCII, but nothing here depends on it. */
function utf8(text: string): Uint8Array {
  const escaped = encodeURIComponent(text);
  const bytes: number[] = [];
  for (let i = 0; i < escaped.length; i++) {
    if (escaped[i] === '%') {
      bytes.push(Number.parseInt(escaped.slice(i + 1, i + 3), 16));
      i += 2;
    } else bytes.push(escaped.charCodeAt(i));
  }
  return Uint8Array.from(bytes);
}
