/**
 * @file The protobuf wire format, as much as reading a hostile model needs: fields in order, each within its message, through a
 * window on the file, so that weights are stepped over and never read.
 */
import { readSync } from 'node:fs';

/** Random access to a file's bytes. */
export interface Bytes {
  readonly size: number;
  /** 0 to 255; `offset` is below `size`. */
  at(offset: number): number;
  /** A copy of [from, to), which lies inside. */
  copy(from: number, to: number): Uint8Array;
}

/** Bytes at hand. */
export function bytesOf(data: Uint8Array): Bytes {
  return { size: data.length, at: offset => data[offset]!, copy: (from, to) => data.slice(from, to) };
}

/** Fields of a graph lie close together and weights are jumped over: a page or two at a time. */
const WINDOW_BYTES = 65_536;

/** An open file, of which one window is held at a time. RangeError when it is shorter than `size`. */
export function windowOf(fd: number, size: number): Bytes {
  const window = Buffer.alloc(WINDOW_BYTES);
  let start = 0;
  let end = 0;
  const fill = (target: Uint8Array, from: number): number => {
    const read = readSync(fd, target, 0, Math.min(target.length, size - from), from);
    if (read === 0) throw new RangeError('the file became shorter while it was read');
    return read;
  };
  return {
    size,
    at(offset) {
      if (offset < start || offset >= end) {
        end = offset + fill(window, offset);
        start = offset;
      }
      return window[offset - start]!;
    },
    copy(from, to) {
      const copied = new Uint8Array(to - from);
      for (let at = 0; at < copied.length; ) at += fill(copied.subarray(at), from + at);
      return copied;
    },
  };
}

/** A field: of a varint `value` is its number, of other types its first bytes' offset is `start`. */
export interface Field {
  readonly id: number;
  readonly wire: 'varint' | 'fixed64' | 'bytes' | 'fixed32';
  /** Exact up to 2^53; a negative int64 reads as about 2^64. 0 where `wire` is not varint. */
  readonly value: number;
  /** The payload is [start, end). */
  readonly start: number;
  readonly end: number;
}

/** protobuf's own: a length or a tag that does not fit is refused by its C++ reader too. */
const MAX_LENGTH = 2 ** 31 - 1;
const MAX_TAG = 2 ** 32 - 1;

/**
 * The fields of a message that matter, by number: which wire types they may have (v varint, b bytes, 4, 8 fixed), and "1" where there
 * is one at most. protobuf would ignore a field of another type and merge or replace one that comes twice, and so might see another
 * message than we do.
 */
export type MessageForm = Readonly<Record<number, string>>;

/** Reads messages; the fields of all of them are counted, for a hostile model has millions. */
export interface WireReader {
  readonly bytes: Bytes;
  /** Calls `visit` for each field of `form` in [from, to), in order. RangeError for bytes that are no such message. */
  fields(from: number, to: number, form: MessageForm, visit: (field: Field) => void): void;
  /** A string field's text. RangeError when it is longer than any name. */
  text(field: Field): string;
}

const LETTERS = { varint: 'v', fixed64: '8', bytes: 'b', fixed32: '4' } as const;

/** Longest name, operator or key that is read; exported graphs have names of some 200 characters. */
const MAX_TEXT_BYTES = 16_384;

/** `mostFields` over all messages together. */
export function readWire(bytes: Bytes, mostFields: number): WireReader {
  let left = mostFields;
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true }); // a name that starts with one is another file
  return {
    bytes,
    fields(from, to, form, visit) {
      let seen = 0; // a bit each: what may occur once has a number below 31
      for (let at = from; at < to; ) {
        if (left-- === 0) throw new RangeError(`it has more than ${mostFields} fields`);
        const tag = readVarint(bytes, at, to);
        const id = Math.floor(tag.value / 8);
        if (id === 0 || tag.value > MAX_TAG) throw new RangeError('a field has no number');
        const field = payload(bytes, id, tag.value % 8, tag.next, to);
        if (field.end > to) throw new RangeError('a field runs past its message');
        at = field.end;
        const rule = form[id];
        if (rule === undefined) continue;
        if (!rule.includes(LETTERS[field.wire])) throw new RangeError(`field ${id} is stored as ${field.wire}`);
        if (rule.endsWith('1')) {
          if ((seen >> id) & 1) throw new RangeError(`field ${id} occurs twice in one message`);
          seen |= 1 << id;
        }
        visit(field);
      }
    },
    text(field) {
      const length = field.end - field.start;
      if (length > MAX_TEXT_BYTES) throw new RangeError(`a name of ${length} bytes`);
      return decoder.decode(bytes.copy(field.start, field.end));
    },
  };
}

function payload(bytes: Bytes, id: number, wire: number, at: number, to: number): Field {
  switch (wire) {
    case 0: {
      const { value, next } = readVarint(bytes, at, to);
      return { id, wire: 'varint', value, start: at, end: next };
    }
    case 1:
      return { id, wire: 'fixed64', value: 0, start: at, end: at + 8 };
    case 2: {
      const { value, next } = readVarint(bytes, at, to);
      if (value > MAX_LENGTH) throw new RangeError('a field runs past its message');
      return { id, wire: 'bytes', value: 0, start: next, end: next + value };
    }
    case 5:
      return { id, wire: 'fixed32', value: 0, start: at, end: at + 4 };
    default:
      throw new RangeError(`wire type ${wire} does not occur in a model`);
  }
}

/** At most ten bytes. */
export function readVarint(bytes: Bytes, at: number, to: number): { value: number; next: number } {
  let value = 0;
  for (let i = 0; i < 10 && at + i < to; i++) {
    const byte = bytes.at(at + i);
    value += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) return { value, next: at + i + 1 };
  }
  throw new RangeError('a number runs past its message');
}
