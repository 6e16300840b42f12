/**
 * @file What a graph may ask for before ONNX Runtime sees it. ONNX Runtime follows external data wherever it points, runs whatever
 * operator is registered, and has heap faults on malformed graphs (1.30.0), so what is not known to be good is refused.
 */
import { limits } from '#core/limits.ts';
import { type Calls, type OnnxEdge, type OnnxModel, readOnnx, shown } from './onnx-graph.ts';
import { type ExternalData, typeName } from './onnx-tensor.ts';
import type { Bytes } from './onnx-wire.ts';

/**
 * The standard's own domains, and ONNX Runtime's contributed operators, which fused and quantized graphs are made of. "" is ai.onnx.
 */
const DOMAINS = ['', 'ai.onnx.ml', 'com.microsoft'];

/** Contributed operators that run what is no graph: a compiled blob or a file named in an attribute, a Python function. */
const REFUSED_OPERATORS = ['com.microsoft:EPContext', 'com.microsoft:PythonOp', 'com.microsoft:PythonOpGrad'];

/** What onnxruntime-node 1.30.0 loads without a warning: IR version and opset of ai.onnx. */
const IR_VERSIONS = { min: 3, max: 13 };
const OPSETS = { min: 7, max: 26 };

/** A plain name; the folder is the graph's. */
const PLAIN_NAME = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,254}$/;

/** TensorProto.DataType of float32, int64, and int32, which Optimum gives a CLIP encoder's ids. */
const EDGE_TYPES: readonly number[] = [1, 7, 6];

/** Bytes of a file beside the graph that the bundle vouches for; undefined for any other. */
export type Neighbour = (name: string) => number | undefined;

/** Reads and checks a serialized ModelProto. RangeError with the first thing that is not allowed, in words without the file's name. */
export function checkGraph(bytes: Bytes, neighbour: Neighbour): OnnxModel {
  if (bytes.size > limits.maxGraphBytes)
    throw new RangeError(`${bytes.size} bytes; ${limits.maxGraphBytes} are the most, weights lie beside the graph`);
  const model = readOnnx(bytes);
  checkVersions(model);
  checkOperators(model);
  for (const data of model.external) checkExternal(data, neighbour);
  for (const input of model.inputs) checkEdge('input', input);
  for (const output of model.outputs) checkEdge('output', output);
  return model;
}

function checkVersions({ irVersion, opsets }: OnnxModel): void {
  if (irVersion < IR_VERSIONS.min || irVersion > IR_VERSIONS.max)
    throw new RangeError(`IR version ${irVersion}; ${IR_VERSIONS.min} to ${IR_VERSIONS.max} are supported`);
  const opset = opsets.get('') ?? 0;
  if (opset < OPSETS.min || opset > OPSETS.max)
    throw new RangeError(`opset ${opset} of ai.onnx; ${OPSETS.min} to ${OPSETS.max} are supported`);
}

function checkOperators({ calls, functions }: OnnxModel): void {
  for (const body of [calls, ...functions.values()])
    for (const call of body.keys()) {
      const [domain, op] = call.split(':');
      if (REFUSED_OPERATORS.includes(`${domain}:${op}`))
        throw new RangeError(`the operator ${shown(call)} runs code that is not in the graph`);
      if (!functions.has(call) && !DOMAINS.includes(domain!))
        throw new RangeError(
          `the operator ${shown(call)} is of a domain of its own; ai.onnx, ai.onnx.ml and com.microsoft are supported`,
        );
    }
  const nodes = expandedNodes(calls, functions);
  if (nodes > limits.maxGraphNodes)
    throw new RangeError(`its functions come to ${nodes} nodes; ${limits.maxGraphNodes} are the most`);
}

/** Nodes once every function is put in place of its calls, as ONNX Runtime does; two lines can make it billions. */
function expandedNodes(main: Calls, functions: ReadonlyMap<string, Calls>): number {
  const sizes = new Map<string, number | 'open'>();
  const sizeOf = (calls: Calls, depth: number): number => {
    if (depth > MAX_CALL_DEPTH) throw new RangeError(`its functions call one another more than ${MAX_CALL_DEPTH} deep`);
    let nodes = 0;
    for (const [call, times] of calls) nodes += times * functionSize(call, depth);
    return nodes;
  };
  const functionSize = (call: string, depth: number): number => {
    const body = functions.get(call);
    if (body === undefined) return 1;
    const known = sizes.get(call);
    if (known === 'open') throw new RangeError(`the function ${shown(call)} calls itself`);
    if (known !== undefined) return known;
    sizes.set(call, 'open');
    const size = Math.min(sizeOf(body, depth + 1), Number.MAX_SAFE_INTEGER);
    sizes.set(call, size);
    return size;
  };
  return sizeOf(main, 0);
}

/** Exported modules call one another some ten deep. */
const MAX_CALL_DEPTH = 64;

function checkExternal({ tensor, location, offset, bytes }: ExternalData, neighbour: Neighbour): void {
  const where = `the tensor ${shown(tensor)} keeps its data in ${shown(location)}`;
  if (!PLAIN_NAME.test(location)) throw new RangeError(`${where}; a plain name beside the graph is allowed`);
  const size = neighbour(location);
  if (size === undefined) throw new RangeError(`${where}, which bundle.json does not list`);
  if (offset + bytes > size) throw new RangeError(`${where} up to byte ${offset + bytes}; the file has ${size}`);
}

/** Half precision at an edge would have to be converted on the way in and out of every step. */
function checkEdge(kind: 'input' | 'output', { name, type, shape }: OnnxEdge): void {
  const called = `the ${kind} ${shown(name)}`;
  if (!EDGE_TYPES.includes(type))
    throw new RangeError(
      `${called} is ${type === 0 ? 'no tensor' : typeName(type)}; float32, int64 and int32 are supported at the edges, half precision only inside`,
    );
  let elements = 1;
  for (const size of shape ?? []) if (typeof size === 'number') elements *= size;
  if (elements * 4 > limits.maxTensorBytes)
    throw new RangeError(
      `${called} is [${shape?.join(', ')}], over ${limits.maxTensorBytes} bytes, the most of one tensor`,
    );
}
