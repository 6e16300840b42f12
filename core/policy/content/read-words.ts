/** A text as a list of words, with what is needed to see through what was done to them. */
import { contentLimits } from './content-limits.ts';
import { foldText, foldWord, isBent, looseForm } from './fold-text.ts';
import { foldMixedCapitals } from './look-alikes.ts';

/** One word of a text. */
export interface Word {
  /** Folded, in small letters. */
  readonly text: string;
  /** What it may stand for when it looks bent, in loose form; null for a word that does not. */
  readonly bent: string | null;
  /** It begins with a capital, and not all of it is capitals. */
  readonly capital: boolean;
  /** Punctuation that ends a thought stands before it. */
  readonly apart: boolean;
}

const WORD = /[\p{L}\p{N}@$!|*]+|\p{Extended_Pictographic}/gu;
const SIGNS = '!|*';

/** The words of a text; null for one that grows past `maxFoldedChars` when it is folded. Linear. */
export function readWords(text: string): readonly Word[] | null {
  const folded = foldText(text);
  if (folded.length > contentLimits.maxFoldedChars) return null;
  const words: Word[] = [];
  let end = 0;
  for (const match of folded.matchAll(WORD)) {
    const raw = trimSigns(match[0]);
    if (raw === '') continue;
    const gap = folded.slice(end, match.index);
    const apart = end > 0 && (/[.,;:!?\n]/.test(gap) || words.length === 0 || folded[match.index] === '!');
    words.push(wordOf(raw, apart));
    end = match.index + match[0].length;
  }
  return words;
}

function wordOf(raw: string, apart: boolean): Word {
  const text = foldWord(raw);
  const mixed = foldMixedCapitals(raw);
  const bent = mixed !== undefined ? looseForm(foldWord(mixed)) : isBent(text) ? looseForm(text) : null;
  const capital = /^\p{Lu}/u.test(raw) && /\p{Ll}/u.test(raw);
  return { text, bent, capital, apart };
}

/** Signs that stand for letters inside a word are punctuation at its ends. */
function trimSigns(raw: string): string {
  let [from, to] = [0, raw.length];
  while (from < to && SIGNS.includes(raw[from]!)) from++;
  while (to > from && SIGNS.includes(raw[to - 1]!)) to--;
  return raw.slice(from, to);
}
