/**
 * An API key: `rly_<environment>_<id>_<secret><checksum>`, for example `rly_live_` + 16 + `_` + 52 + 7 characters.
 *
 *     environment  2 to 10 lower-case letters that the installation is known by: live, test, local
 *     id           80 random bits; not secret, it names the key in lists and logs
 *     secret       256 random bits
 *     checksum     CRC-32 (ISO 3309, as in zip and PNG) of all characters before it, as a number
 *
 * id, secret and checksum are Crockford base 32 in lower case, most significant bits first, filled up with zero bits at the end. A secret
 * scanner finds keys by `rly_[a-z]{2,10}_[0-9a-hjkmnp-tv-z]{16}_[0-9a-hjkmnp-tv-z]{59}` and can tell real ones by the checksum, which also tells any
 * one wrong character and any two swapped neighbours from a key that was revoked, without asking the server.
 */
const CROCKFORD = '0123456789abcdefghjkmnpqrstvwxyz';
const SHAPE = /^rly_([a-z]{2,10})_([0-9a-hjkmnp-tv-z]{16})_([0-9a-hjkmnp-tv-z]{52})([0-9a-hjkmnp-tv-z]{7})$/;
/** 10 bytes of id and 32 of secret. */
const ID_BYTES = 10;
const SECRET_BYTES = 32;

/** A key as it is shown once, and the id that stays. */
export interface NewKey {
  readonly text: string;
  readonly keyId: string;
}

/** Draws a key. `environment` is 2 to 10 lower-case letters; throws a RangeError for another. */
export function newKey(environment: string, random: (n: number) => Uint8Array): NewKey {
  if (!/^[a-z]{2,10}$/.test(environment)) throw new RangeError('environment: 2 to 10 lower-case letters are needed.');
  const id = base32(random(ID_BYTES));
  const body = `rly_${environment}_${id}_${base32(random(SECRET_BYTES))}`;
  return { text: body + checksumOf(body), keyId: `key_${id}` };
}

/** What a text is as far as can be told without the server: for command lines, doctors and scanners. */
export function inspectKey(
  text: string,
): { readonly is: 'key'; readonly keyId: string; readonly environment: string } | { readonly is: 'typo' | 'other' } {
  const [, environment, id, , checksum] = SHAPE.exec(text) ?? [];
  if (environment === undefined || id === undefined) return { is: text.startsWith('rly_') ? 'typo' : 'other' };
  if (checksumOf(text.slice(0, -7)) !== checksum) return { is: 'typo' };
  return { is: 'key', keyId: `key_${id}`, environment };
}

/** A wire id that could be ours. */
export function isKeyId(text: string): boolean {
  return /^key_[0-9a-hjkmnp-tv-z]{16}$/.test(text);
}

function checksumOf(text: string): string {
  const crc = crc32(text);
  return base32(Uint8Array.of(crc >>> 24, crc >>> 16, crc >>> 8, crc));
}

function base32(bytes: Uint8Array): string {
  let text = '';
  let bits = 0;
  let held = 0;
  for (const byte of bytes) {
    held = (held << 8) | byte;
    bits += 8;
    for (; bits >= 5; bits -= 5) text += CROCKFORD[(held >>> (bits - 5)) & 31];
    held &= (1 << bits) - 1;
  }
  return bits === 0 ? text : text + CROCKFORD[(held << (5 - bits)) & 31];
}

/** ISO 3309 with the polynomial 0xedb88320 (reflected); `text` is ASCII. */
function crc32(text: string): number {
  let crc = 0xffffffff;
  for (let at = 0; at < text.length; at++) {
    crc ^= text.charCodeAt(at);
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return ~crc >>> 0;
}
