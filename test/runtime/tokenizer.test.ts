import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { createTokenizer } from '#gpu-container/runtime/tokenizer.ts';
import oracle from './fixtures/tokenizer.json' with { type: 'json' };

const MAX_TOKENS = 40;
/** What the template puts before the words: [CLS], [ONE] and [TWO]. */
const IN_FRONT = 3;
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
  const { encode } = createTokenizer('tokenizer.json', ended, 8);
  const { ids } = encode('a red circle a red circle a red circle');
  expect(ids.length).toBe(8);
  expect([ids[0], ids[7]]).toEqual([2, 1]);
  expect(encode('red').ids.slice(0, 6)).toEqual([2, 3, 4, tokenizer.encode('red').ids[IN_FRONT], 1, 0]);
});

describe('what of a text does not reach the encoder', () => {
  const gaps = (text: string, maxTokens = MAX_TOKENS) =>
    createTokenizer('tokenizer.json', oracle.tokenizer, maxTokens).gapsIn(text);

  test('nothing, of words that it knows', () => {
    expect(gaps('a red circle')).toEqual({ unknownWords: [], tokens: 3, maxTokens: MAX_TOKENS - IN_FRONT });
  });

  test('words that it does not know, as they are written, each once and without what stands between them', () => {
    expect(gaps('A Zebra’s hat — (zebra, ZEBRA; a red Löwe!)').unknownWords).toEqual([
      'Zebra’s',
      'hat',
      'zebra',
      'Löwe',
    ]);
  });

  test('ten words at the most, and the first letters of what is hardly one', () => {
    const many = 'zab zac zad zae zaf zag zah zai zaj zak zal'.split(' ');
    expect(gaps(many.join(' ')).unknownWords).toEqual(many.slice(0, 10));
    expect(gaps(`${'y'.repeat(41)} 𝒛𝒛`).unknownWords).toEqual([`${'y'.repeat(40)}…`, '𝒛𝒛']);
  });

  test('what comes after the last token, which is none of its words', () => {
    expect(gaps('a red circle zebra', 3 + IN_FRONT)).toEqual({ unknownWords: [], tokens: 4, maxTokens: 3 });
    expect(gaps('a red zebra circle', 3 + IN_FRONT).unknownWords).toEqual(['zebra']);
  });

  test('of a vocabulary of parts of words, no word', async () => {
    for (const [bundle, text] of [
      ['animatediff', 'zebra 斑馬'],
      ['wan-2.1-t2v', 'zebra 斑馬'],
    ] as const) {
      const folder = new URL(`../fixtures/bundles/${bundle}/tokenizer/`, import.meta.url);
      const read = async (file: string) => JSON.parse(await readFile(new URL(file, folder), 'utf8'));
      const config = await read('tokenizer_config.json');
      const parts = createTokenizer('tokenizer.json', await read('tokenizer.json'), 12, config);
      expect(parts.gapsIn(text), bundle).toMatchObject({ unknownWords: [] });
      expect(parts.gapsIn(text.repeat(9)).tokens, bundle).toBeGreaterThan(12);
    }
  });
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
