/**
 * @file What an ONNX model asks for, read without ONNX Runtime: its edges, operators, functions and the files beside it. Only the
 * messages of onnx.proto (IR version 13) that decide this are known here; every other field is stepped over by its length.
 */
import { limits } from '#core/limits.ts';
import { type ExternalData, readTensor } from './onnx-tensor.ts';
import { type Bytes, type Field, type MessageForm, readWire, type WireReader } from './onnx-wire.ts';

/** An input or output of the whole graph. */
export interface OnnxEdge {
  readonly name: string;
  /** TensorProto.DataType; 0: it is no tensor. */
  readonly type: number;
  /** A name, perhaps empty, where the size is free; undefined: even the number of dimensions is. */
  readonly shape: readonly (number | string)[] | undefined;
}

/** "domain:operator" -> how often it is called in one body, the bodies of its If and Loop among it. */
export type Calls = ReadonlyMap<string, number>;

/** What a model asks for. */
export interface OnnxModel {
  readonly irVersion: number;
  /** Version by domain; "" and "ai.onnx" are one. */
  readonly opsets: ReadonlyMap<string, number>;
  /** Without those that an initializer fills. */
  readonly inputs: readonly OnnxEdge[];
  readonly outputs: readonly OnnxEdge[];
  readonly calls: Calls;
  /** Functions that the model brings along, by "domain:name". */
  readonly functions: ReadonlyMap<string, Calls>;
  readonly external: readonly ExternalData[];
}

/** Messages nest by If and Loop bodies, three a level; real ones stay below ten, a hostile one must not exhaust the stack. */
const MAX_DEPTH = 64;

/** A node has some twenty fields with its attributes, an initializer six: over twice what that makes of the most nodes. */
const MAX_FIELDS = 25_000_000;

const MODEL: MessageForm = { 1: 'v1', 7: 'b1', 8: 'b', 20: 'b', 25: 'b' };
const OPSET: MessageForm = { 1: 'b1', 2: 'v1' };
const GRAPH: MessageForm = { 1: 'b', 5: 'b', 11: 'b', 12: 'b', 15: 'b' };
const NODE: MessageForm = { 4: 'b1', 5: 'b', 7: 'b1', 8: 'b1' };
const ATTRIBUTE: MessageForm = { 5: 'b1', 6: 'b1', 10: 'b', 11: 'b', 22: 'b', 23: 'b' };
const FUNCTION: MessageForm = { 1: 'b1', 7: 'b', 10: 'b1', 11: 'b', 13: 'b1' };
const VALUE: MessageForm = { 1: 'b1', 2: 'b1' };
/** A tensor, or one of the five things that are none. */
const TYPE: MessageForm = { 1: 'b1', 4: 'b', 5: 'b', 7: 'b', 8: 'b', 9: 'b' };
const TENSOR_TYPE: MessageForm = { 1: 'v1', 2: 'b1' };
const SHAPE: MessageForm = { 1: 'b' };
const DIM: MessageForm = { 1: 'v1', 2: 'b1' };

/** Reads a serialized ModelProto. RangeError, in words, for bytes that are none and for constants that are not what they claim. */
export function readOnnx(bytes: Bytes): OnnxModel {
  const wire = readWire(bytes, MAX_FIELDS);
  const walk = createWalk(wire);
  const opsets = new Map<string, number>();
  const functions = new Map<string, Calls>();
  let irVersion = 0;
  let main: Body | undefined;
  wire.fields(0, bytes.size, MODEL, field => {
    switch (field.id) {
      case 1:
        irVersion = field.value;
        break;
      case 7:
        main = walk.graph(field, 1);
        break;
      case 8:
        readOpset(wire, field, opsets);
        break;
      case 20:
        throw new RangeError('it has training information, which is not supported');
      case 25: {
        const { key, calls } = walk.fn(field);
        if (functions.has(key)) throw new RangeError(`the function ${shown(key)} is defined twice`);
        functions.set(key, calls);
      }
    }
  });
  if (main === undefined) throw new RangeError('there is no graph in it');
  const { inputs, outputs, calls, filled } = main;
  const fed = inputs.filter(input => !filled.has(input.name));
  return { irVersion, opsets, inputs: fed, outputs, calls, functions, external: walk.external };
}

/** A key or name from the file, fit for a message. */
export function shown(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}

interface Body {
  readonly inputs: OnnxEdge[];
  readonly outputs: OnnxEdge[];
  readonly calls: Map<string, number>;
  /** Names of the initializers. */
  readonly filled: Set<string>;
}

/** The messages that nest; what they have in common is gathered on the way. */
function createWalk(wire: WireReader) {
  const external: ExternalData[] = [];
  let nodes = 0;

  const tensor = (field: Field): string => {
    const { name, external: beside } = readTensor(wire, field.start, field.end);
    if (beside !== undefined) external.push(beside);
    return name;
  };

  const graph = (message: Field, depth: number): Body => {
    if (depth > MAX_DEPTH) throw new RangeError('it is nested too deeply');
    const body: Body = { inputs: [], outputs: [], calls: new Map(), filled: new Set() };
    wire.fields(message.start, message.end, GRAPH, field => {
      if (field.id === 1) node(field, body.calls, depth + 1);
      else if (field.id === 5) body.filled.add(tensor(field));
      else if (field.id === 15) refuseSparse();
      else if (depth === 1) (field.id === 11 ? body.inputs : body.outputs).push(readEdge(wire, field));
    });
    return body;
  };

  const node = (message: Field, calls: Map<string, number>, depth: number): void => {
    if (++nodes > limits.maxGraphNodes) throw new RangeError(`it has more than ${limits.maxGraphNodes} nodes`);
    let [op, domain, overload] = ['', '', ''];
    wire.fields(message.start, message.end, NODE, field => {
      if (field.id === 4) op = wire.text(field);
      else if (field.id === 7) domain = wire.text(field);
      else if (field.id === 8) overload = wire.text(field);
      else attribute(field, calls, depth + 1);
    });
    count(calls, keyOf(domain, op, overload));
  };

  const attribute = (message: Field, calls: Map<string, number>, depth: number): void => {
    wire.fields(message.start, message.end, ATTRIBUTE, field => {
      if (field.id === 5 || field.id === 10) tensor(field);
      else if (field.id === 22 || field.id === 23) refuseSparse();
      else for (const [key, times] of graph(field, depth + 1).calls) count(calls, key, times);
    });
  };

  const fn = (message: Field): { key: string; calls: Calls } => {
    let [name, domain, overload] = ['', '', ''];
    const calls = new Map<string, number>();
    wire.fields(message.start, message.end, FUNCTION, field => {
      if (field.id === 1) name = wire.text(field);
      else if (field.id === 10) domain = wire.text(field);
      else if (field.id === 13) overload = wire.text(field);
      else if (field.id === 7) node(field, calls, 2);
      else attribute(field, calls, 2);
    });
    return { key: keyOf(domain, name, overload), calls };
  };

  return { external, graph, fn };
}

function refuseSparse(): never {
  throw new RangeError('it has sparse tensors, which are not supported');
}

function count(calls: Map<string, number>, key: string, times = 1): void {
  calls.set(key, (calls.get(key) ?? 0) + times);
}

/** Of functions that differ only in their overload (IR version 10) it is the third part. */
function keyOf(domain: string, op: string, overload: string): string {
  if (domain.includes(':')) throw new RangeError(`the domain ${shown(domain)} has a colon in it`);
  return `${domain === 'ai.onnx' ? '' : domain}:${op}${overload === '' ? '' : `:${overload}`}`;
}

function readOpset(wire: WireReader, message: Field, opsets: Map<string, number>): void {
  let domain = '';
  let version = 0;
  wire.fields(message.start, message.end, OPSET, field => {
    if (field.id === 1) domain = wire.text(field);
    else version = field.value;
  });
  opsets.set(domain === 'ai.onnx' ? '' : domain, version);
}

function readEdge(wire: WireReader, message: Field): OnnxEdge {
  let name = '';
  let type = 0;
  let shape: (number | string)[] | undefined;
  const readShape = (field: Field): void => {
    shape = [];
    wire.fields(field.start, field.end, SHAPE, dim => {
      let size: number | string = '';
      wire.fields(dim.start, dim.end, DIM, part => {
        size = part.id === 1 ? part.value : wire.text(part);
      });
      shape!.push(size);
    });
  };
  let isTensor = true;
  const readType = (field: Field): void =>
    wire.fields(field.start, field.end, TYPE, kind => {
      if (kind.id !== 1) isTensor = false;
      else
        wire.fields(kind.start, kind.end, TENSOR_TYPE, part => {
          if (part.id === 1) type = part.value;
          else readShape(part);
        });
    });
  wire.fields(message.start, message.end, VALUE, field => {
    if (field.id === 1) name = wire.text(field);
    else readType(field);
  });
  return { name, type: isTensor ? type : 0, shape };
}
