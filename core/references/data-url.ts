/** Data URLs (RFC 2397) with base64 (RFC 4648 section 4), strictly: core has no decoder of the platform's. */

/** What a data URL holds. */
export interface DataUrl {
  /** As its sender wrote it; '' when it says none. */
  readonly type: string;
  readonly bytes: Uint8Array;
}

const INVALID = 0xff;
const PAD = '='.charCodeAt(0);
const VALUES = new Uint8Array(256).fill(INVALID);
for (const [value, character] of [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'].entries())
  VALUES[character.charCodeAt(0)] = value;

/** The longest media type that is read. */
const MAX_HEAD_CHARS = 256;

/** The bytes of a data URL of at most `maxBytes`; a sentence of what is wrong otherwise. */
export function parseDataUrl(url: string, maxBytes: number): DataUrl | string {
  const comma = url.slice(0, MAX_HEAD_CHARS).indexOf(',');
  const head = comma < 0 ? '' : url.slice(0, comma);
  if (!/^data:.*;base64$/is.test(head)) return 'expected a data URL with base64: data:image/png;base64,…';
  const bytes = decodeBase64(url, comma + 1, maxBytes);
  return typeof bytes === 'string' ? bytes : { type: head.slice(5, -7), bytes };
}

/** The characters from `from` on. Padding may be left out; spaces and line ends are not base64. */
function decodeBase64(text: string, from: number, maxBytes: number): Uint8Array | string {
  let end = text.length;
  for (let pads = 0; pads < 2 && end > from && text.charCodeAt(end - 1) === PAD; pads++) end--;
  const characters = end - from;
  const length = Math.floor((characters * 3) / 4);
  if (length > maxBytes) return `got ${length} bytes; at most ${maxBytes} are taken`;
  if (characters % 4 === 1) return 'its base64 is cut off';
  const bytes = new Uint8Array(length);
  let bits = 0;
  for (let at = from, put = 0, held = 0; at < end; at++) {
    const code = text.charCodeAt(at);
    const value = code < 256 ? VALUES[code]! : INVALID;
    if (value === INVALID) return `its base64 holds a character that is none, at ${at - from}`;
    bits = ((bits & 0xff) << 6) | value;
    held += 6;
    if (held < 8) continue;
    held -= 8;
    bytes[put++] = bits >> held;
  }
  return bytes;
}
