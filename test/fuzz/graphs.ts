/**
 * Malformed bundles' graphs: bytes of small models changed at random, read by the checker that stands before ONNX Runtime. It may
 * throw nothing but a RangeError, and take no longer than a moment.
 *
 *     node test/fuzz/graphs.ts [--count 1000000] [--seed 1] [--from 0] [--load]
 *
 * `--load` gives what the checker lets through to ONNX Runtime, in this process: a crash ends it, and its last line names the case.
 */
import { writeSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { checkGraph } from '#gpu-container/runtime/check-graph.ts';
import { loadOrt } from '#gpu-container/runtime/load-ort.ts';
import { bytesOf } from '#gpu-container/runtime/onnx-wire.ts';
import { beside, edge, fn, model, node, tensor } from '../runtime/graph-parts.ts';
import { encodeGraph, field } from '../runtime/onnx-graph.ts';
import { type Dice, rollDice } from './requests-dice.ts';

export interface GraphFuzzReport {
  readonly cases: number;
  readonly accepted: number;
  readonly slowestMs: number;
  /** Errors that are no RangeError: none may be. */
  readonly findings: readonly string[];
  /** How often each sentence was said, its names and numbers left out. */
  readonly refusals: Readonly<Record<string, number>>;
}

const SEEDS: readonly Uint8Array[] = [
  model(),
  model({
    nodes: [
      node('Add', ''),
      node('If', '', Buffer.concat([field(1, 'then_branch'), field(6, field(1, node('Mul', 'ai.onnx')))])),
      node('Constant', '', Buffer.concat([field(1, 'value'), field(5, tensor({}))])),
      node('Gelu', 'mine'),
    ],
    tensors: [beside('model.onnx_data', { offset: '0', length: '16' }), tensor({ type: 10, raw: 8 })],
    functions: [fn('Gelu', [['Mul', '']])],
    inputs: [edge('in', 1, [1, 2, 3]), edge('ids', 7)],
  }),
  encodeGraph({
    inputs: [{ name: 'in', type: 'float32', shape: ['batch', 4] }],
    outputs: [{ name: 'out', type: 'float32', shape: ['batch', 3] }],
    nodes: [
      { op: 'MatMul', inputs: ['in', 'w'], output: 'm' },
      { op: 'Add', inputs: ['m', 'b'], output: 's' },
      { op: 'Softmax', inputs: ['s'], output: 'out', attributes: { axis: 1 } },
    ],
    weights: [
      { name: 'w', shape: [4, 3], data: new Float32Array(12).fill(0.5) },
      { name: 'b', shape: [3], data: new Float32Array(3) },
    ],
  }),
];

/** Case `n` of a seed: the same bytes always. */
export function makeGraph(seed: number, n: number): Uint8Array {
  const dice = rollDice(seed, n);
  let bytes = Buffer.from(dice.pick(SEEDS));
  for (let changes = 1 + dice.size(8); changes > 0; changes--) bytes = change(bytes, dice);
  return bytes;
}

/** Values at which readers of lengths and types go wrong. */
const EDGES = [0, 1, 2, 7, 8, 0x7f, 0x80, 0xff];

function change(bytes: Buffer, dice: Dice): Buffer<ArrayBuffer> {
  const at = dice.below(bytes.length + 1);
  const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)];
  switch (dice.below(7)) {
    case 0:
      return Buffer.concat([before, Buffer.of(dice.below(256)), after.subarray(1)]);
    case 1:
      return Buffer.concat([before, Buffer.of(dice.pick(EDGES)), after.subarray(1)]);
    case 2:
      return Buffer.concat([before, Buffer.of((after[0] ?? 0) ^ (1 << dice.below(8))), after.subarray(1)]);
    case 3:
      return Buffer.concat([before, dice.bytes(dice.size(16)), after]);
    case 4:
      return Buffer.concat([before, after.subarray(dice.size(32))]);
    case 5: // a piece again, or of another model
      return Buffer.concat([before, pieceOf(dice.chance(0.5) ? bytes : Buffer.from(dice.pick(SEEDS)), dice), after]);
    default: // a number of up to ten bytes where one byte was
      return Buffer.concat([before, Buffer.alloc(dice.below(10), 0xff), Buffer.of(dice.below(128)), after.subarray(1)]);
  }
}

function pieceOf(bytes: Buffer, dice: Dice): Buffer {
  const at = dice.below(bytes.length);
  return bytes.subarray(at, at + dice.size(64));
}

/** Checks cases `from` to `from + count - 1`; what is let through goes to `load`, if there is one. */
export async function fuzzGraphs(options: {
  readonly count: number;
  readonly seed: number;
  readonly from?: number;
  readonly load?: (graph: Uint8Array, n: number) => Promise<void>;
}): Promise<GraphFuzzReport> {
  const { count, seed, from = 0, load } = options;
  const refusals: Record<string, number> = {};
  const findings: string[] = [];
  let [accepted, slowestMs] = [0, 0];
  for (let n = from; n < from + count; n++) {
    const graph = makeGraph(seed, n);
    const startedMs = performance.now();
    let good = false;
    try {
      checkGraph(bytesOf(graph), name => (name === 'model.onnx_data' ? 16 : undefined));
      good = true;
    } catch (error) {
      if (!(error instanceof RangeError)) findings.push(`${n}: ${error}`);
      const sentence = String((error as Error).message).replace(/"([^"\\]|\\.)*"|\[.*?\]|\d+/g, '…');
      refusals[sentence] = (refusals[sentence] ?? 0) + 1;
    }
    slowestMs = Math.max(slowestMs, performance.now() - startedMs);
    if (!good) continue;
    accepted++;
    await load?.(graph, n);
  }
  return { cases: count, accepted, slowestMs, findings, refusals };
}

if (process.argv[1] === import.meta.filename) {
  const { values } = parseArgs({
    options: {
      count: { type: 'string', default: '1000000' },
      seed: { type: 'string', default: '1' },
      from: { type: 'string', default: '0' },
      load: { type: 'boolean', default: false },
    },
  });
  const ort = await loadOrt();
  let loaded = 0;
  const load = async (graph: Uint8Array, n: number) => {
    writeSync(2, `${n}\n`); // before the load, and at once: a crash leaves it as the last line
    const session = await ort.InferenceSession.create(graph, { logSeverityLevel: 4 }).catch(() => undefined);
    if (session !== undefined) loaded++;
    await session?.release();
  };
  const [count, seed, from] = [values.count, values.seed, values.from].map(Number) as [number, number, number];
  const report = await fuzzGraphs({ count, seed, from, ...(values.load && { load }) });
  console.log(JSON.stringify({ ...report, ...(values.load && { loaded }) }, null, 2));
  process.exitCode = report.findings.length > 0 ? 1 : 0;
}
