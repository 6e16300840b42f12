/**
 * @file Prompt to ids by a bundle's tokenizer.json, equal to the Rust `tokenizers` library. @huggingface/tokenizers 0.2.0 does
 * the splitting and merging; four things it leaves out or does otherwise are done here: truncation, padding, unknown words of a
 * WordLevel model (it gives undefined), and the `Whitespace` splitter, whose \w is ASCII in JavaScript and Unicode in Rust.
 */
import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';
import { z } from 'zod';
import { ReelayError } from '#core/errors.ts';
import { limits } from '#core/limits.ts';

/** Rust's \w (UTS 18, annex C) and its complement without white space. */
const WORD = '\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\u200C\\u200D';
const UNICODE_WHITESPACE = {
  type: 'Split',
  pattern: { Regex: `[${WORD}]+|[^${WORD}\\p{White_Space}]+` },
  behavior: 'Removed',
  invert: true,
};

/** Words as people see them, "dog's" being one, and what is between them. */
const PIECES = new RegExp(`[${WORD}]+(?:['\u2019][${WORD}]+)*|[^${WORD}\\p{White_Space}]+`, 'gu');
const STARTS_AS_WORD = new RegExp(`^[${WORD}]`, 'u');

const right = z.object({ direction: z.literal('Right') });

const documentSchema = z.looseObject({
  truncation: right.nullish(),
  padding: right.extend({ pad_id: z.int().min(0) }).nullish(),
  added_tokens: z.array(z.looseObject({ id: z.int(), content: z.string() })).default([]),
  pre_tokenizer: z.unknown(),
  model: z.looseObject({ type: z.string().optional(), unk_token: z.string().nullish(), vocab: z.unknown() }),
});

/** A text's tokens, maxTokens of each. */
export interface TokenIds {
  readonly ids: number[];
  /** 1 for a token, 0 for padding. */
  readonly mask: number[];
}

/** What of a text does not reach the encoder. */
export interface TextGaps {
  /** Words of a WordLevel vocabulary's unknown token, as they are written, each once; the first limits.toldWords. Empty for others. */
  readonly unknownWords: readonly string[];
  /** Tokens of the whole text, and how many are fed; the template's own are in neither. */
  readonly tokens: number;
  readonly maxTokens: number;
}

/** Text to a fixed number of ids. */
export interface Tokenizer {
  /** Cut behind, padded behind; special tokens of the template are kept when cutting. */
  encode(text: string): TokenIds;
  gapsIn(text: string): TextGaps;
}

/**
 * `document` is tokenizer.json, parsed; `name` opens the sentence when it is not one (`bundle_invalid`). `config` is
 * tokenizer_config.json, of which only the padding token is taken where tokenizer.json has none (CLIP pads with its end token).
 */
export function createTokenizer(
  name: string,
  document: unknown,
  maxTokens: number,
  config: Readonly<Record<string, unknown>> = {},
): Tokenizer {
  const parsed = documentSchema.safeParse(document);
  if (!parsed.success) {
    const sentences = parsed.error.issues.map(issue => `${issue.path.join('.')}: ${issue.message}.`);
    throw new ReelayError('bundle_invalid', `${name}: ${sentences.join(' ')}`);
  }
  const { data } = parsed;
  const padId = data.padding?.pad_id ?? paddingOf(data.added_tokens, config.pad_token);
  if (padId === undefined) throw new ReelayError('bundle_invalid', `${name}: there is no padding token.`);
  const inner = construct(name, { ...data, pre_tokenizer: withUnicodeWords(data.pre_tokenizer) });
  const unknownId = data.model.unk_token == null ? undefined : inner.token_to_id(data.model.unk_token);

  function idsOf(text: string, special: boolean): number[] {
    const ids: (number | undefined)[] = inner.encode(text, { add_special_tokens: special }).ids;
    return ids.map(id => {
      const known = id ?? unknownId;
      if (known === undefined)
        throw new ReelayError(
          'bundle_invalid',
          `${name}: a word is not in the vocabulary, and no token stands for that.`,
        );
      return known;
    });
  }

  const frame = idsOf('', true); // the template's own tokens: [CLS] before, [SEP] or </s> behind
  const before = leadingCount(frame, inner.encode('a').ids);

  const room = Math.max(0, maxTokens - frame.length);
  const byWord = data.model.type === 'WordLevel' && unknownId !== undefined;
  const unknownWords = (text: string): string[] => {
    const found = new Map<string, string>();
    let read = 0;
    for (const [piece] of text.matchAll(PIECES)) {
      if (read >= room || found.size === limits.toldWords) break;
      const ids = idsOf(piece, false);
      const [key, isWord] = [piece.toLowerCase(), STARTS_AS_WORD.test(piece)];
      if (isWord && !found.has(key) && ids.slice(0, room - read).includes(unknownId!)) found.set(key, shortened(piece));
      read += ids.length;
    }
    return [...found.values()];
  };

  return {
    gapsIn: text => ({
      unknownWords: byWord ? unknownWords(text) : [],
      tokens: idsOf(text, false).length,
      maxTokens: room,
    }),
    encode(text) {
      const words = idsOf(text, false).slice(0, room);
      const ids = [...frame.slice(0, before), ...words, ...frame.slice(before)].slice(0, maxTokens);
      const rest = maxTokens - ids.length;
      return {
        ids: [...ids, ...new Array<number>(rest).fill(padId)],
        mask: [...ids.map(() => 1), ...new Array<number>(rest).fill(0)],
      };
    },
  };
}

/** A word that is none, a line of letters, would fill the answer. */
function shortened(word: string): string {
  const letters = [...word];
  return letters.length <= limits.toldWordChars ? word : `${letters.slice(0, limits.toldWordChars).join('')}…`;
}

/** The token that tokenizer_config.json names, as a text or an object with `content`; else the one that looks like padding. */
function paddingOf(tokens: readonly { id: number; content: string }[], named: unknown): number | undefined {
  const content = typeof named === 'string' ? named : (named as { content?: unknown } | null | undefined)?.content;
  const isPadding = (text: string) => (content === undefined ? /^(\[PAD\]|<pad>)$/i.test(text) : text === content);
  return tokens.find(token => isPadding(token.content))?.id;
}

/** How many of the template's tokens stand before the text. */
function leadingCount(frame: number[], example: number[]): number {
  let count = 0;
  while (count < frame.length && frame[count] === example[count]) count++;
  return count;
}

function withUnicodeWords(splitter: unknown): unknown {
  if (splitter === null || typeof splitter !== 'object') return splitter;
  const { type, pretokenizers } = splitter as { type?: unknown; pretokenizers?: unknown };
  if (type === 'Whitespace') return UNICODE_WHITESPACE;
  if (Array.isArray(pretokenizers)) return { ...splitter, pretokenizers: pretokenizers.map(withUnicodeWords) };
  return splitter;
}

function construct(name: string, document: object): HuggingFaceTokenizer {
  try {
    return new HuggingFaceTokenizer(document, {});
  } catch (cause) {
    throw new ReelayError('bundle_invalid', `${name}: this kind of tokenizer is not known here.`, { cause });
  }
}
