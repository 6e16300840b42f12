import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { createOrtBackend, describeRuntime } from '#gpu-container/runtime/ort-backend.ts';

const GRAPH = fileURLToPath(new URL('../../models/reelay-mini/text_encoder/model.onnx', import.meta.url));
const ids = {
  type: 'int64',
  data: BigInt64Array.from({ length: 24 }, (_, i) => (i === 0 ? 2n : 0n)),
  dims: [1, 24],
} as const;
const known = { input_ids: { type: 'int64', dims: [null, 24] } } as const;
const backend = createOrtBackend({ threads: 1 });

describe('a session', () => {
  test('runs, takes only the inputs the graph declares, and gives the same bits each time', async () => {
    const session = await backend.createSession(GRAPH, {
      name: 'text encoder',
      knownInputs: { ...known, attention_mask: { type: 'int64', dims: [null, 24] } },
      neededOutputs: ['last_hidden_state'],
    });
    expect(session.inputs.map(input => input.name)).toEqual(['input_ids']);
    const feeds = { input_ids: ids, attention_mask: ids };
    const [first, again] = [await session.run(feeds), await session.run(feeds)];
    expect(first.last_hidden_state).toMatchObject({ type: 'float32', dims: [1, 24, 128] });
    expect(again).toEqual(first);
    await expect(session.run({})).rejects.toThrow('input_ids was not fed');
    await session.release();
  });

  test.each([
    ['an unknown input', {}, ['last_hidden_state'], 'input input_ids (int64 [batch, 24]) cannot be fed'],
    ['another size', { input_ids: { type: 'int64', dims: [null, 77] } }, ['last_hidden_state'], 'cannot be fed'],
    ['a missing output', known, ['last_hidden_state', 'pooler_output'], 'output pooler_output (float32) is missing'],
  ] as const)('is refused for %s', async (_, knownInputs, neededOutputs, sentence) => {
    const made = backend.createSession(GRAPH, { name: 'text encoder', knownInputs, neededOutputs });
    await expect(made).rejects.toMatchObject({ code: 'bundle_invalid', message: expect.stringContaining(sentence) });
  });
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
