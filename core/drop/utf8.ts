/** Text of bytes, strictly: core has no TextDecoder. */

/** A bad byte in a file name becomes this plus the byte, as Python's surrogateescape does it: no text in UTF-8 holds such a unit. */
const BAD_BYTE = 0xdc00;
const CHUNK = 8_192;

/** The text, without a byte order mark; undefined when the bytes are not UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  const text = decode(bytes, true);
  return text?.startsWith('\ufeff') ? text.slice(1) : text;
}

/** A file name of any bytes, each bad one as a lone surrogate of its own: two different names stay different. */
export function decodeName(bytes: Uint8Array): string {
  return decode(bytes, false) ?? '';
}

/** The byte that a lone surrogate of `decodeName` stands for; undefined for any other unit. */
export function badByte(unit: number): number | undefined {
  return unit >= BAD_BYTE + 0x80 && unit <= BAD_BYTE + 0xff ? unit - BAD_BYTE : undefined;
}

/** The bytes that `decodeName` was given. */
export function encodeName(name: string): Uint8Array {
  const bytes: number[] = [];
  for (const character of name) {
    const point = character.codePointAt(0)!;
    const bad = badByte(point);
    if (bad !== undefined) bytes.push(bad);
    else if (point < 0x80) bytes.push(point);
    else if (point < 0x800) bytes.push(0xc0 | (point >> 6), tail(point));
    else if (point < 0x10000) bytes.push(0xe0 | (point >> 12), tail(point >> 6), tail(point));
    else bytes.push(0xf0 | (point >> 18), tail(point >> 12), tail(point >> 6), tail(point));
  }
  return Uint8Array.from(bytes);
}

function tail(point: number): number {
  return 0x80 | (point & 0x3f);
}

function decode(bytes: Uint8Array, strict: boolean): string | undefined {
  let text = '';
  let units: number[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = sequenceLength(bytes, at);
    if (length === 0) {
      if (strict) return undefined;
      units.push(BAD_BYTE + bytes[at++]!);
    } else {
      const point = codePoint(bytes, at, length);
      if (point > 0xffff) units.push(0xd7c0 + (point >> 10), 0xdc00 + (point & 0x3ff));
      else units.push(point);
      at += length;
    }
    if (units.length >= CHUNK) {
      text += String.fromCharCode(...units);
      units = [];
    }
  }
  return text + String.fromCharCode(...units);
}

/** 1..4 for a well-formed sequence (RFC 3629 section 4), else 0: overlong forms, surrogates and what lies past U+10FFFF are none. */
function sequenceLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at]!;
  if (first < 0x80) return 1;
  const length =
    first >= 0xc2 && first <= 0xdf ? 2 : first >= 0xe0 && first <= 0xef ? 3 : first >= 0xf0 && first <= 0xf4 ? 4 : 0;
  if (length === 0 || at + length > bytes.length) return 0;
  for (let i = 1; i < length; i++) if ((bytes[at + i]! & 0xc0) !== 0x80) return 0;
  const second = bytes[at + 1]!;
  const wrong =
    (first === 0xe0 && second < 0xa0) ||
    (first === 0xed && second > 0x9f) ||
    (first === 0xf0 && second < 0x90) ||
    (first === 0xf4 && second > 0x8f);
  return wrong ? 0 : length;
}

function codePoint(bytes: Uint8Array, at: number, length: number): number {
  if (length === 1) return bytes[at]!;
  let point = bytes[at]! & (0x7f >> length);
  for (let i = 1; i < length; i++) point = (point << 6) | (bytes[at + i]! & 0x3f);
  return point;
}
