import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { loadBundle } from '#gpu-container/runtime/load-bundle.ts';
import { createOrtBackend, describeRuntime } from '#gpu-container/runtime/ort-backend.ts';
import { encodeGraph } from './onnx-graph.ts';

const MINI = fileURLToPath(new URL('../../models/reelay-mini', import.meta.url));
const GRAPH = join(MINI, 'text_encoder/model.onnx');
const { maxTokens, width } = (await loadBundle(MINI)).manifest.components.text_encoder;
const ids = {
  type: 'int64',
  data: BigInt64Array.from({ length: maxTokens }, (_, i) => (i === 0 ? 2n : 0n)),
  dims: [1, maxTokens],
} as const;
const known = { input_ids: { type: 'int64', dims: [null, maxTokens] } } as const;
const backend = createOrtBackend({ threads: 1 });

describe('a session', () => {
  test('runs, takes only the inputs the graph declares, and gives the same bits each time', async () => {
    const session = await backend.createSession(GRAPH, {
      name: 'text encoder',
      knownInputs: { ...known, attention_mask: { type: 'int64', dims: [null, maxTokens] } },
      neededOutputs: ['last_hidden_state'],
    });
    expect(session.inputs.map(input => input.name)).toEqual(['input_ids']);
    const feeds = { input_ids: ids, attention_mask: ids };
    const [first, again] = [await session.run(feeds), await session.run(feeds)];
    expect(first.last_hidden_state).toMatchObject({ type: 'float32', dims: [1, maxTokens, width] });
    expect(again).toEqual(first);
    await expect(session.run({})).rejects.toThrow('input_ids was not fed');
    await session.release();
  });

  test.each([
    ['an unknown input', {}, ['last_hidden_state'], `input input_ids (int64 [batch, ${maxTokens}]) cannot be fed`],
    ['another size', { input_ids: { type: 'int64', dims: [null, 77] } }, ['last_hidden_state'], 'cannot be fed'],
    ['a missing output', known, ['last_hidden_state', 'pooler_output'], 'output pooler_output (float32) is missing'],
  ] as const)('is refused for %s', async (_, knownInputs, neededOutputs, sentence) => {
    const made = backend.createSession(GRAPH, { name: 'text encoder', knownInputs, neededOutputs });
    await expect(made).rejects.toMatchObject({ code: 'bundle_invalid', message: expect.stringContaining(sentence) });
  });
});

test.each(['int32', 'int64', 'float32'] as const)(
  'whole numbers and floats reach an input of %s, and one value an input without dims',
  async type => {
    const folder = await mkdtemp(join(tmpdir(), 'reelay-edges-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const attributes = { to: 1 }; // float32
    const graph = encodeGraph({
      inputs: [
        { name: 'ids', type, shape: ['n'] },
        { name: 'timestep', type, shape: [] },
      ],
      outputs: [{ name: 'out', type: 'float32', shape: ['n'] }],
      nodes: [
        { op: 'Cast', inputs: ['ids'], output: 'a', attributes },
        { op: 'Cast', inputs: ['timestep'], output: 'b', attributes },
        { op: 'Add', inputs: ['a', 'b'], output: 'out' },
      ],
      weights: [],
    });
    await writeFile(join(folder, 'model.onnx'), graph);
    const session = await backend.createSession(join(folder, 'model.onnx'), {
      name: 'edges',
      knownInputs: { ids: { type: 'int64', dims: [undefined] }, timestep: { type: 'float32', dims: [1] } },
      neededOutputs: ['out'],
    });
    const feeds = {
      ids: { type: 'int64', data: BigInt64Array.of(1n, -2n, 49_407n), dims: [3] },
      timestep: { type: 'float32', data: Float32Array.of(999), dims: [1] },
    } as const;
    expect((await session.run(feeds)).out).toEqual({
      type: 'float32',
      data: Float32Array.of(1000, 997, 50_406),
      dims: [3],
    });
    await session.release();
  },
);

test('a graph of one fixed size says so when it is fed another', async () => {
  const session = await backend.createSession(GRAPH, {
    name: 'text encoder',
    knownInputs: { input_ids: { type: 'int64', dims: [null, undefined] } },
    neededOutputs: ['last_hidden_state'],
  });
  const short = { type: 'int64', data: new BigInt64Array(8), dims: [1, 8] } as const;
  await expect(session.run({ input_ids: short })).rejects.toMatchObject({
    code: 'bundle_invalid',
    message: `text encoder: input_ids would be fed [1, 8], but the graph was exported for [batch, ${maxTokens}].`,
  });
  await session.release();
});

test('a file that is no graph is bundle_invalid', async () => {
  const made = backend.createSession(fileURLToPath(import.meta.url), {
    name: 'this test',
    knownInputs: known,
    neededOutputs: [],
  });
  await expect(made).rejects.toMatchObject({ code: 'bundle_invalid' });
});

test('the runtime describes itself', async () => {
  expect(await describeRuntime()).toMatch(/^\d+\.\d+\.\d+ \(.*cpu.*\)$/);
});

test('a thread count that is none is refused', () => {
  expect(() => createOrtBackend({ threads: 0 })).toThrow('threads: got 0');
});
