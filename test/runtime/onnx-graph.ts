/** ONNX graphs by hand: the few messages of onnx.proto (IR 8, opset 17) that small models need, as protobuf bytes. */

const IR_VERSION = 8;
const OPSET = 17;
const TYPES = { float32: 1, int32: 6, int64: 7 } as const;
/** AttributeProto.type */
const INT = 2;
const INTS = 7;

/** A graph's input or output; a name where the size is free. */
export interface Edge {
  readonly name: string;
  readonly type: keyof typeof TYPES;
  readonly shape: readonly (number | string)[];
}

export interface Node {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly output: string;
  readonly attributes?: Readonly<Record<string, number | readonly number[]>>;
}

/** A constant. */
export interface Weight {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array | BigInt64Array;
}

export interface Graph {
  readonly inputs: readonly Edge[];
  readonly outputs: readonly Edge[];
  /** In an order in which they can run. */
  readonly nodes: readonly Node[];
  readonly weights: readonly Weight[];
}

/** A ModelProto. */
export function encodeGraph(graph: Graph): Uint8Array {
  const parts = [
    ...graph.nodes.map(node => field(1, encodeNode(node))),
    field(2, 'hand-written'),
    ...graph.weights.map(weight => field(5, encodeWeight(weight))),
    ...graph.inputs.map(edge => field(11, encodeEdge(edge))),
    ...graph.outputs.map(edge => field(12, encodeEdge(edge))),
  ];
  return Buffer.concat([number(1, IR_VERSION), field(7, Buffer.concat(parts)), field(8, number(2, OPSET))]);
}

function encodeNode({ op, inputs, output, attributes = {} }: Node): Buffer {
  return Buffer.concat([
    ...inputs.map(name => field(1, name)),
    field(2, output),
    field(3, output),
    field(4, op),
    ...Object.entries(attributes).map(([name, value]) => field(5, encodeAttribute(name, value))),
  ]);
}

function encodeAttribute(name: string, value: number | readonly number[]): Buffer {
  const whole = typeof value === 'number' ? [number(3, value), number(20, INT)] : [];
  const list = typeof value === 'number' ? [] : [...value.map(one => number(8, one)), number(20, INTS)];
  return Buffer.concat([field(1, name), ...whole, ...list]);
}

function encodeWeight({ name, shape, data }: Weight): Buffer {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  const type = data instanceof Float32Array ? TYPES.float32 : TYPES.int64;
  return Buffer.concat([...shape.map(size => number(1, size)), number(2, type), field(8, name), field(9, bytes)]);
}

function encodeEdge({ name, type, shape }: Edge): Buffer {
  const dims = shape.map(size => field(1, typeof size === 'number' ? number(1, size) : field(2, size)));
  const tensor = Buffer.concat([number(1, TYPES[type]), field(2, Buffer.concat(dims))]);
  return Buffer.concat([field(1, name), field(2, field(1, tensor))]);
}

/** Wire type 2. */
export function field(id: number, content: Uint8Array | string): Buffer {
  const bytes = Buffer.from(content as string);
  return Buffer.concat([varint(id * 8 + 2), varint(bytes.length), bytes]);
}

/** Wire type 0; whole and not negative. */
export function number(id: number, value: number): Buffer {
  return Buffer.concat([varint(id * 8), varint(value)]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return Buffer.from([...bytes, rest]);
}
