/**
 * @file TensorProto of onnx.proto (IR version 13): what a constant claims to be, held against the bytes it has. A claim that its
 * data does not cover is what ONNX Runtime's heap faults are made of.
 */
import { limits } from '#core/limits.ts';
import { type Field, type MessageForm, readVarint, type WireReader } from './onnx-wire.ts';

/** TensorProto.DataType -> its name in ONNX and the bits of one element; 0 for text, which has no fixed size. */
const DATA_TYPES: ReadonlyMap<number, readonly [name: string, bits: number]> = new Map([
  [1, ['float32', 32]],
  [2, ['uint8', 8]],
  [3, ['int8', 8]],
  [4, ['uint16', 16]],
  [5, ['int16', 16]],
  [6, ['int32', 32]],
  [7, ['int64', 64]],
  [8, ['string', 0]],
  [9, ['bool', 8]],
  [10, ['float16', 16]],
  [11, ['float64', 64]],
  [12, ['uint32', 32]],
  [13, ['uint64', 64]],
  [14, ['complex64', 64]],
  [15, ['complex128', 128]],
  [16, ['bfloat16', 16]],
  [17, ['float8e4m3fn', 8]],
  [18, ['float8e4m3fnuz', 8]],
  [19, ['float8e5m2', 8]],
  [20, ['float8e5m2fnuz', 8]],
  [21, ['uint4', 4]],
  [22, ['int4', 4]],
  [23, ['float4e2m1', 4]],
  [24, ['float8e8m0', 8]],
  [25, ['uint2', 2]],
  [26, ['int2', 2]],
]);

/** "float32", "bfloat16" … or, of a number that stands for no type, that number. */
export function typeName(type: number): string {
  return DATA_TYPES.get(type)?.[0] ?? `type ${type}`;
}

/** Data of a tensor in a file beside the graph, as the graph says; whether it may is for the caller to decide. */
export interface ExternalData {
  readonly tensor: string;
  readonly location: string;
  readonly offset: number;
  /** What type and dims come to. */
  readonly bytes: number;
}

/** More dimensions than any operator takes. */
const MAX_RANK = 32;

const TENSOR: MessageForm = {
  1: 'vb', // dims
  2: 'v1', // data_type
  3: 'b1', // segment
  4: '4b', // float_data
  5: 'vb', // int32_data
  6: 'b', // string_data
  7: 'vb', // int64_data
  8: 'b1', // name
  9: 'b1', // raw_data
  10: '8b', // double_data
  11: 'vb', // uint64_data
  13: 'b', // external_data
  14: 'v1', // data_location
};

/** StringStringEntryProto: key and value. */
const ENTRY: MessageForm = { 1: 'b1', 2: 'b1' };

/** What is read of a TensorProto. */
interface Claim {
  name: string;
  type: number;
  readonly dims: number[];
  segmented: boolean;
  place: number;
  /** Of raw_data; undefined: it has none. */
  rawBytes: number | undefined;
  /** By the number of the list of numbers. */
  readonly typedBytes: Map<number, number>;
  /** Entries of string_data. */
  texts: number;
  readonly entries: Map<string, string>;
}

/** Reads the tensor in [from, to). RangeError, in words, when it is not what it claims. */
export function readTensor(wire: WireReader, from: number, to: number): { name: string; external?: ExternalData } {
  const claim = readClaim(wire, from, to);
  const called = `the tensor ${JSON.stringify(claim.name.slice(0, 80))}`;
  const refuse = (what: string) => new RangeError(`${called} ${what}`);
  const type = DATA_TYPES.get(claim.type);
  if (type === undefined) throw refuse(`has the element type ${claim.type}, which is none`);
  if (claim.segmented) throw refuse('is in segments, which are not supported');
  const [name, bits] = type;
  let elements = 1;
  for (const dim of claim.dims) elements *= dim; // exact while it matters: past 2^53 it is refused
  const bytes = Math.ceil((elements * bits) / 8);
  const claims = `claims [${claim.dims.join(', ')}] of ${name}`;
  if (elements > Number.MAX_SAFE_INTEGER || bytes > limits.maxTensorBytes)
    throw refuse(`${claims}; ${limits.maxTensorBytes} bytes are the most of one tensor`);
  if (claim.place > 1) throw refuse(`keeps its data in place ${claim.place}; 0, inside, and 1, beside, are known`);
  if (claim.place === 0 && claim.entries.size > 0)
    throw refuse('names another file for its data and says that they are inside');
  if (claim.place === 1) {
    if (bits === 0) throw refuse('is of texts and keeps them in another file');
    return { name: claim.name, external: externalData(claim, bytes, refuse) };
  }
  if (bits === 0) {
    if (claim.texts !== elements) throw refuse(`${claims} and holds ${claim.texts}`);
  } else if (claim.rawBytes !== undefined) {
    if (claim.rawBytes !== bytes) throw refuse(`${claims}, ${bytes} bytes, and holds ${claim.rawBytes}`);
  } else {
    const held = claim.typedBytes.get(listOf(claim.type)) ?? 0; // readers look into no other list
    if (held < leastTypedBytes(claim.type, elements)) throw refuse(`${claims} and holds at most ${held} bytes`);
  }
  return { name: claim.name };
}

/** Where a type's numbers are, one list or another: float_data, double_data, int64_data, uint64_data; int32_data has the rest. */
function listOf(type: number): number {
  if (type === 1 || type === 14) return 4;
  if (type === 11 || type === 15) return 10;
  if (type === 7) return 7;
  return type === 12 || type === 13 ? 11 : 5;
}

/** float_data and double_data are as wide as their elements; the rest are varints of at least a byte each, packed below a byte. */
function leastTypedBytes(type: number, elements: number): number {
  const [, bits] = DATA_TYPES.get(type)!;
  if (type === 1 || type === 11 || type === 14 || type === 15) return (elements * bits) / 8;
  return bits < 8 ? Math.ceil((elements * bits) / 8) : elements;
}

function readClaim(wire: WireReader, from: number, to: number): Claim {
  const claim: Claim = {
    name: '',
    type: 0,
    dims: [],
    segmented: false,
    place: 0,
    rawBytes: undefined,
    typedBytes: new Map(),
    texts: 0,
    entries: new Map(),
  };
  wire.fields(from, to, TENSOR, field => {
    switch (field.id) {
      case 1:
        addDims(wire, field, claim.dims);
        break;
      case 2:
        claim.type = field.value;
        break;
      case 3:
        claim.segmented = true;
        break;
      case 6:
        claim.texts++;
        break;
      case 8:
        claim.name = wire.text(field);
        break;
      case 9:
        claim.rawBytes = field.end - field.start;
        break;
      case 13:
        addEntry(wire, field, claim.entries);
        break;
      case 14:
        claim.place = field.value;
        break;
      default: // the five lists of numbers
        claim.typedBytes.set(field.id, (claim.typedBytes.get(field.id) ?? 0) + field.end - field.start);
    }
  });
  return claim;
}

/** Packed or one by one: readers must take both. */
function addDims(wire: WireReader, field: Field, dims: number[]): void {
  for (let at = field.start; at < field.end; ) {
    const { value, next } = readVarint(wire.bytes, at, field.end);
    if (dims.push(value) > MAX_RANK) throw new RangeError(`a tensor has more than ${MAX_RANK} dimensions`);
    at = next;
  }
}

function addEntry(wire: WireReader, field: Field, entries: Map<string, string>): void {
  let key = '';
  let value = '';
  wire.fields(field.start, field.end, ENTRY, part => {
    if (part.id === 1) key = wire.text(part);
    if (part.id === 2) value = wire.text(part);
  });
  if (entries.has(key)) throw new RangeError(`external_data names its ${JSON.stringify(key.slice(0, 40))} twice`);
  entries.set(key, value);
}

/** What ONNX defines; anything else (prepacked weights of some ONNX Runtime) is memory laid out by a stranger. */
const EXTERNAL_KEYS = ['location', 'offset', 'length', 'checksum'];

function externalData(claim: Claim, bytes: number, refuse: (what: string) => RangeError): ExternalData {
  const { entries, name: tensor } = claim;
  const location = entries.get('location');
  if (location === undefined) throw refuse('keeps its data in another file and does not say in which');
  const unknown = [...entries.keys()].find(key => !EXTERNAL_KEYS.includes(key));
  if (unknown !== undefined)
    throw refuse(`has ${JSON.stringify(unknown.slice(0, 40))} of external data; ${EXTERNAL_KEYS.join(', ')} are known`);
  const whole = (key: string): number | undefined => {
    const text = entries.get(key);
    if (text === undefined) return undefined;
    if (!/^\d{1,15}$/.test(text)) throw refuse(`has the ${key} ${JSON.stringify(text.slice(0, 40))} of external data`);
    return Number(text);
  };
  const length = whole('length') ?? bytes;
  if (length !== bytes) throw refuse(`is ${bytes} bytes of external data, whose length says ${length}`);
  if (claim.rawBytes !== undefined) throw refuse('has data inside and beside the graph');
  return { tensor, location, offset: whole('offset') ?? 0, bytes };
}
