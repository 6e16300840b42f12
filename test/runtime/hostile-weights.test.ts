/** Constants that are not what they claim and data in other files, one mutation a row, each refused by a sentence. */
import { describe, expect, test } from 'vitest';
import { limits } from '#core/limits.ts';
import { checkGraph } from '#gpu-container/runtime/check-graph.ts';
import { bytesOf } from '#gpu-container/runtime/onnx-wire.ts';
import { beside, fn, model, node, tensor } from './graph-parts.ts';
import { field, number } from './onnx-graph.ts';

const check = (graph: Uint8Array, neighbours: Record<string, number> = {}) =>
  checkGraph(bytesOf(graph), name => neighbours[name]);

describe('data outside the graph', () => {
  test.each([
    ['above the folder', '../x'],
    ['in a neighbouring component', '../text_encoder/model.onnx'],
    ['below the folder', 'weights/x'],
    ['at an absolute path', '/etc/passwd'],
    ['on a drive', 'C:\\x'],
    ['behind a backslash', '..\\x'],
    ['URL-encoded', '..%2Fx'],
    ['behind a URL', 'file:///etc/passwd'],
    ['under no name', ''],
    ['in the folder itself', '.'],
    ['above it', '..'],
    ['in a hidden file', '.x'],
    ['behind a zero byte', 'x\0.onnx_data'],
    ['behind a byte order mark', '\ufeffmodel.onnx_data'],
    ["at ONNX Runtime's own mark of an address in memory", '*/_ORT_MEM_ADDR_/*'],
  ])('%s is refused', (_, location) => {
    expect(() => check(model({ tensors: [beside(location)] }), { [location]: 16 })).toThrow(
      `the tensor "w" keeps its data in ${JSON.stringify(location)}; a plain name beside the graph is allowed`,
    );
  });

  test.each<[string, Buffer, string]>([
    ['not listed', beside('other.bin'), 'keeps its data in "other.bin", which bundle.json does not list'],
    ['shorter than its tensors', beside('data', { offset: '1' }), 'up to byte 17; the file has 16'],
    ['at an offset past every file', beside('data', { offset: '999999999999999' }), 'the file has 16'],
    ['at an offset below zero', beside('data', { offset: '-1' }), 'has the offset "-1" of external data'],
    ['at an offset that overflows', beside('data', { offset: '18446744073709551615' }), 'has the offset "1844'],
    ['at an offset in hex', beside('data', { offset: '0x10' }), 'has the offset "0x10"'],
    ['longer than it says', beside('data', { length: '8' }), 'is 16 bytes of external data, whose length says 8'],
    ['somewhere', beside(null), 'keeps its data in another file and does not say in which'],
    ['and prepacked by a stranger', beside('data', { prepacked_0: 'a|0;16;x' }), 'has "prepacked_0" of external data'],
    [
      'named twice',
      Buffer.concat([beside('data'), field(13, Buffer.concat([field(1, 'location'), field(2, '../x')]))]),
      'external_data names its "location" twice',
    ],
    ['and inside', Buffer.concat([beside('data'), field(9, 'x')]), 'has data inside and beside the graph'],
    [
      'of texts',
      Buffer.concat([
        number(1, 1),
        number(2, 8),
        field(8, 'w'),
        field(13, Buffer.concat([field(1, 'location'), field(2, 'data')])),
        number(14, 1),
      ]),
      'is of texts and keeps them in another file',
    ],
    [
      'named by a tensor whose data are inside',
      tensor({ raw: 0, more: [field(13, Buffer.concat([field(1, 'location'), field(2, 'data')]))] }),
      'names another file for its data and says that they are inside',
    ],
    ['in a third place', tensor({ more: [number(14, 2)] }), 'keeps its data in place 2; 0, inside, and 1, beside'],
  ])('%s is refused', (_, data, sentence) => {
    expect(() => check(model({ tensors: [data] }), { data: 16 })).toThrow(sentence);
  });

  test('is found in a constant of a node, of a branch and of a function too', () => {
    const constant = node('Constant', '', Buffer.concat([field(1, 'value'), field(5, beside('../x'))]));
    const list = node('Any', 'com.microsoft', Buffer.concat([field(1, 'values'), field(10, beside('../x'))]));
    const branch = node('If', '', Buffer.concat([field(1, 'then_branch'), field(6, field(1, constant))]));
    const branches = node('If', '', Buffer.concat([field(1, 'all'), field(11, field(5, beside('../x')))]));
    const inFunction = Buffer.concat([fn('f', []), field(7, constant)]);
    const byDefault = Buffer.concat([fn('f', []), field(11, Buffer.concat([field(1, 'a'), field(5, beside('../x'))]))]);
    for (const parts of [
      ...[constant, list, branch, branches].map(one => ({ nodes: [one] })),
      ...[inFunction, byDefault].map(one => ({ functions: [one] })),
    ])
      expect(() => check(model(parts))).toThrow('a plain name beside the graph is allowed');
  });
});

describe('a constant that is not what it claims is refused', () => {
  const most = limits.maxTensorBytes;
  test.each<[string, Buffer, string]>([
    ['more elements than bytes', tensor({ dims: [5] }), 'the tensor "w" claims [5] of float32, 20 bytes, and holds 16'],
    ['fewer elements than bytes', tensor({ dims: [3] }), 'claims [3] of float32, 12 bytes, and holds 16'],
    ['nothing behind it', tensor({ raw: 0 }), 'claims [4] of float32 and holds at most 0 bytes'],
    ['too few numbers', tensor({ raw: 0, more: [field(4, Buffer.alloc(12))] }), 'holds at most 12 bytes'],
    [
      'its numbers in the list of another type',
      tensor({ raw: 0, more: [field(10, Buffer.alloc(32)), field(5, Buffer.alloc(16))] }),
      'claims [4] of float32 and holds at most 0 bytes',
    ],
    [
      'its numbers spread over two lists',
      tensor({ raw: 0, more: [field(4, Buffer.alloc(8)), field(10, Buffer.alloc(8))] }),
      'holds at most 8 bytes',
    ],
    ['too few texts', tensor({ raw: 0, type: 8, more: [field(6, 'a')] }), 'claims [4] of string and holds 1'],
    ['dims of terabytes', tensor({ dims: [1e6, 1e6] }), `${most} bytes are the most of one tensor`],
    ['dims whose product overflows', tensor({ dims: [2 ** 32, 2 ** 32, 2 ** 32] }), `${most} bytes are the most`],
    ['a product that overflows to 4', tensor({ dims: [2 ** 62 + 1, 4] }), `${most} bytes are the most`],
    ['a dim below zero', tensor({ more: [Buffer.of(8, ...Array(9).fill(255), 1)] }), `${most} bytes are the most`],
    ['a hundred dims', tensor({ dims: Array(100).fill(1) }), 'a tensor has more than 32 dimensions'],
    ['no type', tensor({ type: 0 }), 'has the element type 0, which is none'],
    ['an unknown type', tensor({ type: 99 }), 'has the element type 99, which is none'],
    ['a type that is cut to float32', tensor({ type: 2 ** 32 + 1 }), 'has the element type 4294967297'],
    ['two types', tensor({ more: [number(2, 7)] }), 'field 2 occurs twice in one message'],
    [
      'dims that protobuf would ignore',
      tensor({ more: [Buffer.of((1 << 3) | 1, ...Array(8).fill(1))] }),
      'field 1 is stored as fixed64',
    ],
    ['segments', tensor({ more: [field(3, number(1, 0))] }), 'is in segments'],
  ])('%s', (_, data, sentence) => {
    expect(() => check(model({ tensors: [data] }))).toThrow(sentence);
  });

  test.each([
    [1, 4, 16],
    [7, 7, 4],
    [10, 5, 4],
    [11, 10, 32],
    [13, 11, 4],
  ])('numbers of type %i in list %i, %i bytes, are taken', (type, list, bytes) => {
    const numbers = tensor({ raw: 0, type, more: [field(list, Buffer.alloc(bytes))] });
    expect(() => check(model({ tensors: [numbers] }))).not.toThrow();
  });

  test('sparse tensors and training information are none of ours', () => {
    expect(() => check(model({ graph: [field(15, field(1, tensor({})))] }))).toThrow('sparse tensors');
    const attribute = Buffer.concat([field(1, 'sparse_value'), field(22, field(1, tensor({})))]);
    expect(() => check(model({ nodes: [node('Constant', '', attribute)] }))).toThrow('sparse tensors');
    expect(() => check(model({ model: [field(20, '')] }))).toThrow('training information');
  });
});
