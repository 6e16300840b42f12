/**
 * @file A run between two steps, as bytes and back.
 *
 *     at    0  magic "REELAYCK"
 *           8  version, u32
 *          12  H, the header's length, u32
 *          16  header: JSON in ASCII with counters, names and the length of every array
 *      16 + H  sample f32, history f32 …, scalars f64, generator's words u32, its spare f64, step cache: three arrays f32, then
 *              error, rate and count of skipped runs f64
 *         end  CRC-32 of all bytes before, u32
 *
 * Little-endian, no padding. Numbers that steps depend on are in the arrays and not in the JSON, which knows neither -0 nor NaN.
 * VERSION rises whenever an old file would be read as another state, also when a scheduler changes what it keeps in `scalars`.
 */
import type { EasyCacheState } from './caching/easy-cache.ts';
import { crc32 } from './crc32.ts';
import { RNG_WORDS, type TorchRngState } from './random/torch-cpu-rng.ts';
import type { SchedulerState } from './schedulers/scheduler.ts';

/** Where a run stands: with its request and its bundle, all that the rest of it depends on. */
export interface RunState {
  /** Steps done. */
  readonly step: number;
  readonly steps: number;
  readonly scheduler: SchedulerState;
  /** null: of a run that draws nothing after its first noise. */
  readonly rng: TorchRngState | null;
  /** null: of a run without step caching, or before its first step. */
  readonly cache: EasyCacheState | null;
}

/** A RunState and what it belongs to. */
export interface CheckpointState extends RunState {
  /** Both sha256, lower-case hex. */
  readonly bundleDigest: string;
  readonly requestHash: string;
}

/** Larger ones are neither written nor read: the latent of 121 frames at 1280x704 is 20 MB, and a history holds a few of them. */
export const MAX_CHECKPOINT_BYTES = 2 ** 30;

const MAGIC = 'REELAYCK';
const VERSION = 2;
const PREFIX_BYTES = 16;
const CRC_BYTES = 4;
const MAX_HEADER_BYTES = 65_536;
/** Multistep methods keep three or four. */
const MAX_HISTORY = 16;
const MAX_SCALARS = 256;

/** What a step cache holds, in the order of the file. */
const CACHE_ARRAYS = ['lastInput', 'input', 'output'] as const;
const CACHE_NUMBERS = ['error', 'rate', 'skipped'] as const;

interface Header {
  readonly bundleDigest: string;
  readonly requestHash: string;
  readonly step: number;
  readonly steps: number;
  readonly index: number;
  /** Elements. */
  readonly sample: number;
  readonly history: readonly number[];
  readonly scalars: readonly string[];
  readonly rng: { readonly position: number; readonly spare: boolean } | null;
  /** Whether there is a step cache; its arrays are as long as the sample. */
  readonly cache: boolean;
}

/** The same state gives the same bytes. RangeError for a state that could not be read again. */
export function encodeCheckpoint(state: CheckpointState): Uint8Array<ArrayBuffer> {
  const { scheduler, rng, cache, bundleDigest, requestHash, step, steps } = state;
  if (cache !== null && CACHE_ARRAYS.some(name => cache[name].length !== scheduler.sample.length))
    throw malformed('a step cache of another size than the sample');
  if (rng !== null && rng.words.length !== RNG_WORDS) throw malformed(`a generator of ${rng.words.length} words`);
  const header = checkHeader({
    ...{ bundleDigest, requestHash, step, steps },
    index: scheduler.index,
    sample: scheduler.sample.length,
    history: scheduler.history.map(array => array.length),
    scalars: Object.keys(scheduler.scalars),
    rng: rng && { position: rng.position, spare: rng.spare !== null },
    cache: cache !== null,
  });
  const json = escapeToAscii(JSON.stringify(header));
  const bytes = new Uint8Array(PREFIX_BYTES + json.length + bodyBytes(header) + CRC_BYTES);
  if (json.length > MAX_HEADER_BYTES || bytes.length > MAX_CHECKPOINT_BYTES)
    throw malformed(`${bytes.length} bytes, ${json.length} of them a header`);
  const view = new DataView(bytes.buffer);
  putAscii(bytes, 0, MAGIC);
  view.setUint32(8, VERSION, true);
  view.setUint32(12, json.length, true);
  putAscii(bytes, PREFIX_BYTES, json);
  let at = PREFIX_BYTES + json.length;
  for (const array of [scheduler.sample, ...scheduler.history]) at = putFloats(view, at, array);
  for (const name of header.scalars) at = putDouble(view, at, scheduler.scalars[name]!);
  if (rng !== null) at = putWords(view, at, rng.words);
  if (rng !== null && rng.spare !== null) at = putDouble(view, at, rng.spare);
  if (cache !== null) {
    for (const name of CACHE_ARRAYS) at = putFloats(view, at, cache[name]);
    for (const name of CACHE_NUMBERS) at = putDouble(view, at, cache[name]);
  }
  view.setUint32(at, crc32(bytes.subarray(0, at)), true);
  return bytes;
}

/** The state, in arrays of its own. RangeError, in words, for anything that `encodeCheckpoint` of this version did not write. */
export function decodeCheckpoint(bytes: Uint8Array): CheckpointState {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { header, body: start } = readHeader(bytes, view);
  const { step, steps, index, bundleDigest, requestHash } = header;
  let at = start;
  const words = (length: number): Uint32Array<ArrayBuffer> => {
    const array = new Uint32Array(length);
    for (let i = 0; i < length; i++) array[i] = view.getUint32(at + 4 * i, true);
    at += 4 * length;
    return array;
  };
  const floats = (length: number) => new Float32Array(words(length).buffer);
  const double = () => {
    at += 8;
    return view.getFloat64(at - 8, true);
  };
  const sample = floats(header.sample);
  const history = header.history.map(floats);
  const scalars = Object.fromEntries(header.scalars.map(name => [name, double()]));
  const rng = header.rng && {
    words: words(RNG_WORDS),
    position: header.rng.position,
    spare: header.rng.spare ? double() : null,
  };
  const cache = header.cache
    ? {
        lastInput: floats(header.sample),
        input: floats(header.sample),
        output: floats(header.sample),
        ...numbers(double),
      }
    : null;
  return { bundleDigest, requestHash, step, steps, scheduler: { index, sample, history, scalars }, rng, cache };
}

/** In the order of CACHE_NUMBERS. */
const numbers = (double: () => number) => ({ error: double(), rate: double(), skipped: double() });

/** Checks length, magic, version, checksum and header, in this order, and that the header's arrays fill the file exactly. */
function readHeader(bytes: Uint8Array, view: DataView): { header: Header; body: number } {
  if (bytes.length > MAX_CHECKPOINT_BYTES) throw malformed(`${bytes.length} bytes`);
  if (bytes.length < PREFIX_BYTES + CRC_BYTES || ascii(bytes, 0, MAGIC.length) !== MAGIC)
    throw new RangeError('checkpoint: these bytes are none.');
  const version = view.getUint32(8, true);
  if (version !== VERSION)
    throw new RangeError(`checkpoint: it is of version ${version}; this program reads ${VERSION}.`);
  const end = bytes.length - CRC_BYTES;
  if (crc32(bytes.subarray(0, end)) !== view.getUint32(end, true))
    throw new RangeError('checkpoint: it is damaged or cut short; its checksum does not agree.');
  const headerBytes = view.getUint32(12, true);
  const body = PREFIX_BYTES + headerBytes;
  if (headerBytes > MAX_HEADER_BYTES || body > end) throw malformed(`a header of ${headerBytes} bytes`);
  const json = ascii(bytes, PREFIX_BYTES, body);
  if (escapeToAscii(json) !== json) throw malformed('a header that is not ASCII');
  const header = checkHeader(parseJson(json));
  if (body + bodyBytes(header) !== end) throw malformed('arrays of another length than its header says');
  return { header, body };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw malformed('a header that is not JSON');
  }
}

function checkHeader(value: unknown): Header {
  const header = (typeof value === 'object' && value !== null ? value : {}) as { [K in keyof Header]: unknown };
  const { bundleDigest, requestHash, step, steps, index, sample, history, scalars, rng, cache } = header;
  if (!isHash(bundleDigest) || !isHash(requestHash)) throw malformed('no two sha256 of bundle and request');
  if (!isCount(steps, 2 ** 31) || !isCount(step, steps) || !isCount(index, 2 ** 31))
    throw malformed(`step ${step} of ${steps}, index ${index}`);
  const isLength = (length: unknown) => isCount(length, MAX_CHECKPOINT_BYTES / 4);
  if (!isLength(sample) || !Array.isArray(history) || history.length > MAX_HISTORY || !history.every(isLength))
    throw malformed('array lengths that are none');
  if (!Array.isArray(scalars) || scalars.length > MAX_SCALARS || scalars.some(name => typeof name !== 'string'))
    throw malformed('scalars without names');
  if (new Set(scalars).size !== scalars.length) throw malformed('two scalars of one name');
  if (rng !== null) {
    const { position, spare } = (rng ?? {}) as { position?: unknown; spare?: unknown };
    if (!isCount(position, RNG_WORDS) || typeof spare !== 'boolean') throw malformed('a generator without a place');
  }
  if (typeof cache !== 'boolean') throw malformed('no word on a step cache');
  return header as Header;
}

function bodyBytes({ sample, history, scalars, rng, cache }: Header): number {
  const floats = history.reduce((sum, length) => sum + length, sample);
  const generator = rng === null ? 0 : 4 * RNG_WORDS + (rng.spare ? 8 : 0);
  const steps = cache ? 4 * CACHE_ARRAYS.length * sample + 8 * CACHE_NUMBERS.length : 0;
  return 4 * floats + 8 * scalars.length + generator + steps;
}

const malformed = (what: string) => new RangeError(`checkpoint: it is malformed: ${what}.`);
const isHash = (value: unknown) => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);
const isCount = (value: unknown, most: unknown): value is number =>
  Number.isInteger(value) && (value as number) >= 0 && (value as number) <= (most as number);

function escapeToAscii(json: string): string {
  return json.replace(/[\u0080-\uffff]/g, unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function putAscii(bytes: Uint8Array, at: number, text: string): void {
  for (let i = 0; i < text.length; i++) bytes[at + i] = text.charCodeAt(i);
}

/** A character a byte. */
function ascii(bytes: Uint8Array, from: number, to: number): string {
  let text = '';
  for (let i = from; i < to; i++) text += String.fromCharCode(bytes[i]!);
  return text;
}

/** As words: a float's bits, NaN's too, stay as they are. */
function putFloats(view: DataView, at: number, { buffer, byteOffset, length }: Float32Array): number {
  return putWords(view, at, new Uint32Array(buffer, byteOffset, length));
}

function putWords(view: DataView, at: number, words: Uint32Array): number {
  for (let i = 0; i < words.length; i++) view.setUint32(at + 4 * i, words[i]!, true);
  return at + 4 * words.length;
}

function putDouble(view: DataView, at: number, value: number): number {
  view.setFloat64(at, value, true);
  return at + 8;
}
