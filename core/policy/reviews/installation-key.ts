/**
 * The installation's key of the content policy: names in consent records, seals of those records and marks of refused requests are HMACs
 * with it, so that whoever sees them alone can neither guess a name nor make a record. It lies in the store whose entries it protects:
 * it is worth as much as the right to read and write that store, and a copy of single entries is worth nothing without it.
 */
import { ReelayError } from '../../errors.ts';
import type { KeyValueStore } from '../../ports.ts';

/** What keyed hashes need. */
export interface KeyedPorts {
  readonly kv: KeyValueStore;
  readonly random: (n: number) => Uint8Array;
  /** Lower-case hex of bytes, or of a text's UTF-8 bytes. */
  readonly sha256: (data: string | Uint8Array) => string;
}

/** What a keyed hash is for; hashes of two purposes have nothing to do with each other. */
export type KeyedPurpose = 'name' | 'subject' | 'consent' | 'request' | 'item' | 'pass';

/** The HMAC-SHA-256 of a text's SHA-256 for one purpose, lower-case hex. */
export type Keyed = (purpose: KeyedPurpose, text: string) => string;

const PLACE = { space: 'policy/installation', name: 'key' } as const;
const KEY_BYTES = 32;
/** HMAC pads its key to the block of the hash: RFC 2104, section 2. */
const BLOCK_BYTES = 64;

const known = new WeakMap<KeyValueStore, Keyed>();

/** Keyed hashes of this installation; its key is drawn by whoever needs it first. Throws `store_unavailable`. */
export async function keyedOf(ports: KeyedPorts): Promise<Keyed> {
  const before = known.get(ports.kv);
  if (before !== undefined) return before;
  const keyed = hmacOf(bytesOf(await readKey(ports)), ports.sha256);
  known.set(ports.kv, keyed);
  return keyed;
}

async function readKey({ kv, random }: KeyedPorts): Promise<string> {
  for (let tries = 0; tries < 8; tries++) {
    const there = (await kv.get(PLACE.space, PLACE.name))?.value as { readonly key?: unknown } | undefined;
    if (typeof there?.key === 'string' && /^[0-9a-f]{64}$/.test(there.key)) return there.key;
    if (there !== undefined)
      throw new ReelayError('store_unavailable', 'The key of the content policy in the store is no key.', {
        retryable: false,
      });
    const key = hexOf(random(KEY_BYTES));
    const made = await kv.create({ ...PLACE, value: { v: 1, key }, expiresAtMs: null, dueAtMs: null });
    if (made !== undefined) return key;
  }
  throw new ReelayError('store_unavailable', 'The key of the content policy could not be kept.');
}

/** RFC 2104 over the hash that the ports bring, of the text's own hash: core has no cryptography, and makes no bytes of a text. */
function hmacOf(key: Uint8Array, sha256: KeyedPorts['sha256']): Keyed {
  const padded = (byte: number) => Uint8Array.from({ length: BLOCK_BYTES }, (_, at) => (key[at] ?? 0) ^ byte);
  const [inner, outer] = [padded(0x36), padded(0x5c)];
  return (purpose, text) => {
    const message = bytesOf(sha256(`reelay-policy/1\n${purpose}\n${text}`));
    return sha256(joined(outer, bytesOf(sha256(joined(inner, message)))));
  };
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from({ length: hex.length / 2 }, (_, at) => Number.parseInt(hex.slice(2 * at, 2 * at + 2), 16));
}

/** Lower-case hex of bytes. */
export function hexOf(bytes: Uint8Array): string {
  return [...bytes].map(byte => byte.toString(16).padStart(2, '0')).join('');
}
