/**
 * @file Which files beside itself an ONNX graph reads. ONNX Runtime follows TensorProto.external_data wherever it points, so a
 * graph must be read for it before it is loaded. Only the protobuf wire format and these fields of onnx.proto (IR version 10)
 * are known here; every other field is skipped by its length.
 */

type Message = 'Model' | 'Graph' | 'Node' | 'Attribute' | 'Tensor' | 'Sparse' | 'Function' | 'Entry' | 'Training';

/** message -> field number -> the message in it. Tensor.raw_data and names are not in the table, so weights are skipped. */
const FIELDS: Readonly<Record<Message, Readonly<Record<number, Message>>>> = {
  Model: { 7: 'Graph', 20: 'Training', 25: 'Function' },
  Graph: { 1: 'Node', 5: 'Tensor', 15: 'Sparse' },
  Node: { 5: 'Attribute' },
  Attribute: { 5: 'Tensor', 6: 'Graph', 10: 'Tensor', 11: 'Graph', 22: 'Sparse', 23: 'Sparse' },
  Sparse: { 1: 'Tensor', 2: 'Tensor' },
  Function: { 7: 'Node', 11: 'Attribute' },
  Training: { 1: 'Graph', 2: 'Graph' },
  Tensor: { 13: 'Entry' },
  Entry: {},
};

/** Graphs nest by If and Loop bodies; real ones stay below ten, a hostile one must not exhaust the stack. */
const MAX_DEPTH = 64;

/** The distinct `location` values of a serialized ModelProto; empty when the graph holds all its data. Throws on other bytes. */
export function externalDataFiles(model: Uint8Array): string[] {
  const view = new DataView(model.buffer, model.byteOffset, model.byteLength);
  const found = new Set<string>();

  /** Walks the message in [from, to). An Entry is a StringStringEntryProto: key = 1, value = 2. */
  function walk(kind: Message, from: number, to: number, depth: number): void {
    if (depth > MAX_DEPTH) throw new RangeError('onnx: nested too deeply.');
    let key = '';
    let value = '';
    let at = from;
    while (at < to) {
      const [tag, afterTag] = readVarint(view, at, to);
      const field = Math.floor(tag / 8);
      const [length, start] = payload(view, tag % 8, afterTag, to);
      const end = start + length;
      if (end > to || field === 0) throw new RangeError('onnx: a field runs past its message.');
      const inner = FIELDS[kind][field];
      if (inner !== undefined && tag % 8 === 2) walk(inner, start, end, depth + 1);
      if (kind === 'Entry' && field === 1) key = new TextDecoder().decode(model.subarray(start, end));
      if (kind === 'Entry' && field === 2) value = new TextDecoder().decode(model.subarray(start, end));
      at = end;
    }
    if (kind === 'Entry' && key === 'location') found.add(value);
  }

  walk('Model', 0, model.byteLength, 0);
  return [...found];
}

/** Wire type -> length and start of the field's bytes. */
function payload(view: DataView, wire: number, at: number, to: number): [length: number, start: number] {
  switch (wire) {
    case 0:
      return [readVarint(view, at, to)[1] - at, at];
    case 1:
      return [8, at];
    case 2:
      return readVarint(view, at, to);
    case 5:
      return [4, at];
    default:
      throw new RangeError(`onnx: wire type ${wire} does not occur in a model.`);
  }
}

/** Value (exact up to 2^53) and the offset after it. */
function readVarint(view: DataView, at: number, to: number): [value: number, next: number] {
  let value = 0;
  for (let i = 0; i < 10 && at + i < to; i++) {
    const byte = view.getUint8(at + i);
    value += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) return [value, at + i + 1];
  }
  throw new RangeError('onnx: a number runs past its message.');
}
