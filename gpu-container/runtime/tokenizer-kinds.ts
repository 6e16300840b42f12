/**
 * @file Which kinds of tokenizer.json can be followed: those that @huggingface/tokenizers 0.2.0 has. It is asked here first, because
 * of a kind that it does not know it says the name and not what it knows, and one without a kind it takes for another.
 */
import { ReelayError } from '#core/errors.ts';

/** Part of the document -> the kinds it may be of, and where a Sequence keeps its parts. */
const KINDS: Readonly<Record<string, { readonly types: readonly string[]; readonly parts?: string }>> = {
  normalizer: {
    types: [
      ...['BertNormalizer', 'Precompiled', 'Replace', 'NFC', 'NFD', 'NFKC', 'NFKD', 'Strip', 'StripAccents'],
      ...['Lowercase', 'Prepend', 'Sequence'],
    ],
    parts: 'normalizers',
  },
  pre_tokenizer: {
    types: [
      ...['BertPreTokenizer', 'Whitespace', 'WhitespaceSplit', 'Metaspace', 'ByteLevel', 'Split', 'Punctuation'],
      ...['Digits', 'Replace', 'FixedLength', 'Sequence'],
    ],
    parts: 'pretokenizers',
  },
  model: { types: ['BPE', 'Unigram', 'WordPiece', 'WordLevel'] },
  post_processor: {
    types: ['TemplateProcessing', 'ByteLevel', 'BertProcessing', 'RobertaProcessing', 'Sequence'],
    parts: 'processors',
  },
};

/** Sequences in sequences do not occur. */
const MAX_DEPTH = 4;

/** Throws `bundle_invalid` with the part of the document that is of an unknown kind; `name` opens the sentence. */
export function checkTokenizerKinds(name: string, document: Readonly<Record<string, unknown>>): void {
  for (const [part, { types, parts }] of Object.entries(KINDS)) {
    const check = (value: unknown, where: string, depth: number): void => {
      const type = typeof value === 'object' && value !== null ? (value as { type?: unknown }).type : undefined;
      if (!types.some(known => known === type) || depth > MAX_DEPTH)
        throw new ReelayError(
          'bundle_invalid',
          `${name}: ${where}: got the type ${shown(type)}; supported: ${types.join(', ')}.`,
        );
      const below = type === 'Sequence' ? (value as Record<string, unknown>)[parts!] : [];
      if (!Array.isArray(below)) throw new ReelayError('bundle_invalid', `${name}: ${where}: has no list "${parts}".`);
      for (const [i, one] of below.entries()) check(one, `${where}.${i}`, depth + 1);
    };
    const value = document[part];
    if (part === 'model' || (value !== undefined && value !== null)) check(value, part, 0);
  }
}

function shown(type: unknown): string {
  return typeof type === 'string' ? JSON.stringify(type.slice(0, 40)) : 'none';
}
