import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { createTokenizer } from '#gpu-container/runtime/tokenizer.ts';
import oracle from './fixtures/tokenizer.json' with { type: 'json' };

const MAX_TOKENS = 24;
const tokenizer = createTokenizer('tokenizer.json', oracle.tokenizer, MAX_TOKENS);

describe('the same ids as the Rust library', () => {
  test.each(oracle.cases)('$prompt', ({ prompt, ids }) => {
    expect(tokenizer.encode(prompt).ids).toEqual(ids);
  });
});

test('the fixture is the bundled tokenizer', async () => {
  const path = new URL('../../models/reelay-mini/tokenizer/tokenizer.json', import.meta.url);
  expect(JSON.parse(await readFile(path, 'utf8'))).toEqual(oracle.tokenizer);
});

test('an end token of the template survives the cut', () => {
  const ended = structuredClone(oracle.tokenizer) as any;
  ended.post_processor.single.push({ SpecialToken: { id: '[UNK]', type_id: 0 } });
  ended.post_processor.special_tokens['[UNK]'] = { id: '[UNK]', ids: [1], tokens: ['[UNK]'] };
  const ids = createTokenizer('tokenizer.json', ended, 8).encode('a red circle a red circle a red circle').ids;
  expect(ids.length).toBe(8);
  expect([ids[0], ids[7]]).toEqual([2, 1]);
  expect(createTokenizer('tokenizer.json', ended, 8).encode('red').ids.slice(0, 4)).toEqual([
    2,
    tokenizer.encode('red').ids[1],
    1,
    0,
  ]);
});

test('what cannot be followed is refused by name', () => {
  const make = (change: object) => () =>
    createTokenizer('tokenizer.json', { ...oracle.tokenizer, ...change }, MAX_TOKENS);
  expect(make({ padding: null, added_tokens: [] })).toThrow('no padding token');
  expect(make({ truncation: { direction: 'Left' } })).toThrow('truncation.direction');
  expect(make({ pre_tokenizer: { type: 'Riddle' } })).toThrow('not known here');
  const strict = { ...oracle.tokenizer.model, unk_token: null };
  expect(() => make({ model: strict })().encode('zebra')).toThrow('not in the vocabulary');
});
