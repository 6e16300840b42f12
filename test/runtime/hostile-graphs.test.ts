/** What a graph may not ask for, one mutation a row, each refused by a sentence before ONNX Runtime sees a byte. */
import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { limits } from '#core/limits.ts';
import { checkGraph } from '#gpu-container/runtime/check-graph.ts';
import { bytesOf, windowOf } from '#gpu-container/runtime/onnx-wire.ts';
import { beside, edge, FLOAT32, fn, model, node, type Parts, tensor } from './graph-parts.ts';
import { encodeGraph, field, number } from './onnx-graph.ts';

const check = (graph: Uint8Array, neighbours: Record<string, number> = {}) =>
  checkGraph(bytesOf(graph), name => neighbours[name]);

describe('a graph that is as it should be', () => {
  test('is read: edges without what initializers fill, operators of bodies and functions', () => {
    const branch = Buffer.concat([field(1, 'then_branch'), field(6, field(1, node('Mul', 'ai.onnx')))]);
    const graph = model({
      nodes: [node('Add', ''), node('If', '', branch), node('Gelu', 'mine'), node('SkipLayerNorm', 'com.microsoft')],
      inputs: [edge('in', FLOAT32, [1, 2]), edge('w')],
      functions: [
        fn('Gelu', [
          ['Mul', ''],
          ['Erf', ''],
        ]),
      ],
    });
    expect(check(graph)).toEqual({
      irVersion: 10,
      opsets: new Map([['', 20]]),
      inputs: [{ name: 'in', type: 1, shape: [1, 2] }],
      outputs: [{ name: 'out', type: 1, shape: [4] }],
      calls: new Map([
        [':Add', 1],
        [':Mul', 1],
        [':If', 1],
        ['mine:Gelu', 1],
        ['com.microsoft:SkipLayerNorm', 1],
      ]),
      functions: new Map([
        [
          'mine:Gelu',
          new Map([
            [':Mul', 1],
            [':Erf', 1],
          ]),
        ],
      ]),
      external: [],
    });
  });

  test('may keep weights beside it, in a file that is listed and long enough', () => {
    const graph = model({ tensors: [beside('model.onnx_data', { offset: '64', length: '16', checksum: 'abc' })] });
    expect(check(graph, { 'model.onnx_data': 80 }).external).toEqual([
      { tensor: 'w', location: 'model.onnx_data', offset: 64, bytes: 16 },
    ]);
    expect(() => check(graph, { 'model.onnx_data': 79 })).toThrow('up to byte 80; the file has 79');
  });

  test('may have free sizes, numbers in typed fields, half precision and four-bit weights inside', () => {
    const batch = Buffer.concat([
      field(1, 'in'),
      field(2, field(1, Buffer.concat([number(1, 1), field(2, field(1, field(2, 'batch')))]))),
    ]);
    const tensors = [
      tensor({ raw: 0, more: [field(4, Buffer.alloc(16))] }), // float_data
      tensor({ raw: 0, type: 7, more: [field(7, Buffer.alloc(4))] }), // int64_data: a byte each
      tensor({ raw: 8, type: 10 }),
      tensor({ raw: 2, type: 22 }),
      tensor({ raw: 0, type: 8, more: [1, 2, 3, 4].map(() => field(6, 'text')) }),
      tensor({ raw: 0, dims: [0, 4] }),
      tensor({ raw: 4, dims: [] }),
    ];
    expect(check(model({ inputs: [batch], tensors })).inputs).toEqual([{ name: 'in', type: 1, shape: ['batch'] }]);
  });

  test('of nearly 2 GB of weights is read in a few pages; above, it is refused by its length', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'reelay-graph-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const file = openSync(join(folder, 'model.onnx'), 'w+');
    onTestFinished(() => closeSync(file));
    const start = headOfWeights(2_000_000_000);
    writeSync(file, start);
    const size = start.length + 2_000_000_000;
    ftruncateSync(file, size); // the weights are a hole in the file
    const [rss, startedMs] = [process.memoryUsage().rss, performance.now()];
    expect(checkGraph(windowOf(file, size), () => undefined).calls.size).toBe(1);
    expect(performance.now() - startedMs).toBeLessThan(1_000);
    expect(process.memoryUsage().rss - rss).toBeLessThan(50_000_000);
    expect(() => checkGraph(windowOf(file, 2 ** 31), () => undefined)).toThrow(
      '2147483648 bytes; 2147483647 are the most',
    );
  });
});

/** A model up to the first of the `bytes` of its one tensor's raw_data, with which it ends. */
function headOfWeights(bytes: number): Buffer {
  /** The start of a field of wire type 2, of which `rest` is what `before` leaves out. */
  const open = (id: number, before: Uint8Array, rest: number) => {
    const length = number(1, before.length + rest).subarray(1);
    return Buffer.concat([Buffer.of((id << 3) | 2), length, before]);
  };
  const raw = open(9, Buffer.alloc(0), bytes);
  const weights = open(5, Buffer.concat([number(1, bytes / 4), number(2, FLOAT32), field(8, 'w'), raw]), bytes);
  const body = [field(1, node('Add', '')), field(11, edge('in')), field(12, edge('out'))];
  const graph = open(7, Buffer.concat([...body, weights]), bytes);
  return Buffer.concat([number(1, 10), field(8, number(2, 20)), graph]);
}

describe('operators and functions', () => {
  test.each<[string, Parts, string]>([
    ['of a domain of its own', { nodes: [node('Run', 'evil')] }, 'the operator "evil:Run" is of a domain of its own'],
    ['of the tokenizer extensions', { nodes: [node('A', 'ai.onnx.contrib')] }, 'ai.onnx, ai.onnx.ml and com.microsoft'],
    ['of a domain that looks like one of ours', { nodes: [node('A', 'com.microsoft:')] }, 'has a colon in it'],
    [
      'in a branch',
      { nodes: [node('If', '', Buffer.concat([field(1, 'b'), field(6, field(1, node('Run', 'evil')))]))] },
      '"evil:Run"',
    ],
    ['in a function', { functions: [fn('f', [['Run', 'evil']])] }, '"evil:Run"'],
    [
      'that loads a compiled blob',
      { nodes: [node('EPContext', 'com.microsoft')] },
      'runs code that is not in the graph',
    ],
    [
      'that loads one, with an overload',
      { nodes: [Buffer.concat([node('EPContext', 'com.microsoft'), field(8, 'x')])] },
      'runs code that is not in the graph',
    ],
    [
      'a function that calls itself',
      { functions: [fn('f', [['f', 'mine']])], nodes: [node('f', 'mine')] },
      'calls itself',
    ],
    [
      'functions that call one another',
      { functions: [fn('f', [['g', 'mine']]), fn('g', [['f', 'mine']])], nodes: [node('f', 'mine')] },
      'calls itself',
    ],
    ['a function twice', { functions: [fn('f', []), fn('f', [])] }, 'the function "mine:f" is defined twice'],
    [
      'functions that come to billions of nodes',
      {
        nodes: [node('f0', 'mine')],
        functions: [
          ...Array.from({ length: 40 }, (_, i) => fn(`f${i}`, Array(2).fill([`f${i + 1}`, 'mine']))),
          fn('f40', [['Add', '']]),
        ],
      },
      `its functions come to ${2 ** 40} nodes`,
    ],
    [
      'functions a thousand deep',
      {
        nodes: [node('f0', 'mine')],
        functions: Array.from({ length: 1000 }, (_, i) => fn(`f${i}`, [i < 999 ? [`f${i + 1}`, 'mine'] : ['Add', '']])),
      },
      'call one another more than 64 deep',
    ],
  ])('%s: refused', (_, parts, sentence) => {
    expect(() => check(model(parts))).toThrow(sentence);
  });
});

describe('edges and versions', () => {
  test.each<[string, Parts, string]>([
    [
      'a bf16 input',
      { inputs: [edge('in', 16)] },
      'the input "in" is bfloat16; float32, int64 and int32 are supported',
    ],
    [
      'an f16 output',
      { outputs: [edge('out', 10)] },
      'the output "out" is float16; float32, int64 and int32 are supported',
    ],
    ['an f64 input', { inputs: [edge('in', 11)] }, 'the input "in" is float64'],
    ['an int16 input', { inputs: [edge('in', 5)] }, 'the input "in" is int16'],
    ['a text', { inputs: [edge('in', 8)] }, 'the input "in" is string'],
    [
      'a sequence',
      { inputs: [Buffer.concat([field(1, 'in'), field(2, field(4, ''))])] },
      'the input "in" is no tensor',
    ],
    [
      'a tensor that turns into a sequence',
      { inputs: [Buffer.concat([field(1, 'in'), field(2, Buffer.concat([field(1, number(1, 1)), field(4, '')]))])] },
      'the input "in" is no tensor',
    ],
    ['no type', { outputs: [field(1, 'out')] }, 'the output "out" is no tensor'],
    ['an input of terabytes', { inputs: [edge('in', 1, [1e6, 1e7])] }, 'the input "in" is [1000000, 10000000], over'],
    ['an opset of the future', { opset: 27 }, 'opset 27 of ai.onnx; 7 to 26 are supported'],
    ['an opset of long ago', { opset: 6 }, 'opset 6 of ai.onnx; 7 to 26 are supported'],
    ['a form of the future', { ir: 14 }, 'IR version 14; 3 to 13 are supported'],
  ])('%s is refused', (_, parts, sentence) => {
    expect(() => check(model(parts))).toThrow(sentence);
  });

  test('what initializers fill may be of any type', () => {
    expect(check(model({ inputs: [edge('in'), edge('w', 16)] })).inputs.map(one => one.name)).toEqual(['in']);
  });
});

describe('bytes that are no graph', () => {
  const nested = (levels: number) => {
    let inner = node('Add', '');
    for (let i = 0; i < levels; i++) inner = node('If', '', Buffer.concat([field(1, 'b'), field(6, field(1, inner))]));
    return model({ nodes: [inner] });
  };
  test.each<[string, Uint8Array, string]>([
    ['nothing', new Uint8Array(), 'there is no graph in it'],
    ['text', Buffer.from('not an onnx file'), 'wire type'],
    ['cut short', model().subarray(0, -20), 'a field runs past its message'],
    ['a length past the end', Buffer.of(0x3a, 0xff, 0xff, 0xff, 0xff, 0x07), 'a field runs past its message'],
    ['a length of 2 GB and more', Buffer.of(0x3a, ...Array(9).fill(0xff), 1), 'a field runs past its message'],
    ['a number without end', Buffer.alloc(20, 0xff), 'a number runs past its message'],
    ['a field of number 0', Buffer.of(0, 0), 'a field has no number'],
    ['a thousand bodies deep', nested(1000), 'it is nested too deeply'],
    ['two graphs, which protobuf would merge', Buffer.concat([model(), model()]), 'occurs twice in one message'],
    ['a name of 20 kB', model({ nodes: [node('A'.repeat(20_000), '')] }), 'a name of 20000 bytes'],
    ['too many nodes', manyNodes(), `it has more than ${limits.maxGraphNodes} nodes`],
  ])('%s is refused', (_, bytes, sentence) => {
    expect(() => check(bytes)).toThrow(RangeError);
    expect(() => check(bytes)).toThrow(sentence);
  });

  test('ten bodies deep is fine', () => {
    expect(check(nested(10)).calls.get(':If')).toBe(10);
  });
});

function manyNodes(): Uint8Array {
  const one = field(1, '');
  return field(7, Buffer.concat(Array(limits.maxGraphNodes + 1).fill(one)));
}

test('the graphs of the other tests are as they should be', () => {
  const graph = encodeGraph({
    inputs: [{ name: 'in', type: 'int64', shape: ['batch', 2] }],
    outputs: [{ name: 'out', type: 'float32', shape: ['batch'] }],
    nodes: [{ op: 'Cast', inputs: ['in'], output: 'out', attributes: { to: 1 } }],
    weights: [{ name: 'w', shape: [2, 3], data: new Float32Array(6) }],
  });
  expect(check(graph).inputs).toEqual([{ name: 'in', type: 7, shape: ['batch', 2] }]);
});
