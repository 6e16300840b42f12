/** Models out of parts, for tests of what is refused: any part can be something that no exporter writes. */
import { field, number } from './onnx-graph.ts';

/** TensorProto.DataType */
export const FLOAT32 = 1;
const ADD: Parts = { nodes: [node('Add', '')], tensors: [tensor({})] };

export interface Parts {
  readonly ir?: number;
  readonly opset?: number;
  readonly nodes?: readonly Buffer[];
  readonly tensors?: readonly Buffer[];
  readonly inputs?: readonly Buffer[];
  readonly outputs?: readonly Buffer[];
  readonly functions?: readonly Buffer[];
  /** More fields of the graph, and of the model. */
  readonly graph?: readonly Buffer[];
  readonly model?: readonly Buffer[];
}

/** A ModelProto: out = in + w, float32 [4], changed. */
export function model(parts: Parts = {}): Buffer {
  const { ir = 10, opset = 20, functions = [], graph = [], model: more = [] } = parts;
  const { nodes = ADD.nodes!, tensors = ADD.tensors!, inputs = [edge('in')], outputs = [edge('out')] } = parts;
  const body = [
    ...nodes.map(one => field(1, one)),
    ...tensors.map(one => field(5, one)),
    ...inputs.map(one => field(11, one)),
    ...outputs.map(one => field(12, one)),
    ...graph,
  ];
  const opsets = field(8, number(2, opset));
  return Buffer.concat([
    number(1, ir),
    field(7, Buffer.concat(body)),
    opsets,
    ...functions.map(one => field(25, one)),
    ...more,
  ]);
}

/** NodeProto; `attributes` are AttributeProtos. */
export function node(op: string, domain: string, ...attributes: Buffer[]): Buffer {
  const parts = [field(1, 'in'), field(1, 'w'), field(2, 'out'), field(4, op), field(7, domain)];
  return Buffer.concat([...parts, ...attributes.map(one => field(5, one))]);
}

/** ValueInfoProto of a tensor. */
export function edge(name: string, type = FLOAT32, dims: number[] = [4]): Buffer {
  const shape = Buffer.concat(dims.map(dim => field(1, number(1, dim))));
  return Buffer.concat([field(1, name), field(2, field(1, Buffer.concat([number(1, type), field(2, shape)])))]);
}

/** TensorProto "w". */
export function tensor(change: { dims?: number[]; type?: number; raw?: number; more?: Buffer[] }): Buffer {
  const { dims = [4], type = FLOAT32, raw = 16, more = [] } = change;
  const data = raw > 0 ? [field(9, Buffer.alloc(raw))] : [];
  return Buffer.concat([...dims.map(dim => number(1, dim)), number(2, type), field(8, 'w'), ...data, ...more]);
}

/** A tensor whose 16 bytes lie in another file. */
export function beside(location: string | null, entries: Record<string, string> = {}): Buffer {
  const all = { ...(location !== null && { location }), ...entries };
  const fields = Object.entries(all).map(([key, value]) => field(13, Buffer.concat([field(1, key), field(2, value)])));
  return tensor({ raw: 0, more: [...fields, number(14, 1)] });
}

/** name() in the domain "mine", whose body calls these. */
export function fn(name: string, calls: readonly (readonly [op: string, domain: string])[]): Buffer {
  return Buffer.concat([field(1, name), field(10, 'mine'), ...calls.map(([op, domain]) => field(7, node(op, domain)))]);
}
