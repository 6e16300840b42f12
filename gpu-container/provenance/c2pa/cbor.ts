/** What a COSE signature is written with: the part of CBOR (RFC 8949) that it needs. Numbers are whole; maps keep their order. */
export type Cbor = number | string | null | Uint8Array | Tagged | readonly Cbor[] | ReadonlyMap<number | string, Cbor>;

/** A tagged item (RFC 8949 section 3.4). */
export interface Tagged {
  readonly tag: number;
  readonly value: Cbor;
}

const [UNSIGNED, NEGATIVE, BYTES, TEXT, ARRAY, MAP, TAG] = [0, 1, 2, 3, 4, 5, 6];
const NULL = 0xf6;

/** One item in CBOR, lengths as short as they can be (RFC 8949 section 4.2.1). */
export function encodeCbor(value: Cbor): Uint8Array {
  return concat(parts(value));
}

function parts(value: Cbor): Uint8Array[] {
  if (value === null) return [Uint8Array.of(NULL)];
  if (typeof value === 'number') return [value < 0 ? head(NEGATIVE, -1 - value) : head(UNSIGNED, value)];
  if (typeof value === 'string') {
    const text = new TextEncoder().encode(value);
    return [head(TEXT, text.length), text];
  }
  if (value instanceof Uint8Array) return [head(BYTES, value.length), value];
  if (value instanceof Map) {
    const entries = [...(value as ReadonlyMap<number | string, Cbor>)];
    return [head(MAP, entries.length), ...entries.flatMap(([key, item]) => [...parts(key), ...parts(item)])];
  }
  if ('tag' in value) return [head(TAG, value.tag), ...parts(value.value)];
  const items = value as readonly Cbor[];
  return [head(ARRAY, items.length), ...items.flatMap(parts)];
}

/** Major type and argument (RFC 8949 section 3). */
function head(major: number, argument: number): Uint8Array {
  if (!Number.isInteger(argument) || argument < 0 || argument > 0xffff_ffff)
    throw new RangeError(`cbor: ${argument} is no whole number of at most 32 bits.`);
  const type = major << 5;
  if (argument < 24) return Uint8Array.of(type | argument);
  if (argument < 0x100) return Uint8Array.of(type | 24, argument);
  const head = new Uint8Array(argument < 0x1_0000 ? 3 : 5);
  const view = new DataView(head.buffer);
  view.setUint8(0, type | (head.length === 3 ? 25 : 26));
  if (head.length === 3) view.setUint16(1, argument);
  else view.setUint32(1, argument);
  return head;
}

function concat(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
