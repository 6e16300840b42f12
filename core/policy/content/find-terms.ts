/**
 * Which terms stand where in a text. Each word costs a number of look-ups that depends on the lexicon only, so the whole is linear in the
 * text. What is seen through: bent words (ch1ld), one letter masked (ch*ld), words cut in two, words spelled letter by letter, two terms
 * run together, and terms inside strings that are too long for a word.
 */
import { contentLimits } from './content-limits.ts';
import { looseForm } from './fold-text.ts';
import type { Lexicon, Term } from './lexicon.ts';
import { ANY_WORD } from './lexicon.ts';
import type { Word } from './read-words.ts';

/** A term found: its first word and the one after its last. */
export interface Mark<Sense extends string = string> {
  readonly sense: Sense;
  readonly from: number;
  readonly to: number;
}

const NONE: readonly never[] = [];
const VOWELS = ['a', 'e', 'i', 'o', 'u'];
/** Longer parts than these are words by themselves. */
const MAX_CUT_CHARS = 5;
/** So many letters by themselves are a word that somebody spelled. */
const MIN_SPELLED = 3;
const MAX_TOGETHER_CHARS = 40;

function stemsOf<S extends string>(
  stems: ReadonlyMap<string, readonly Term<S>[]>,
  lengths: readonly number[],
  word: string,
): readonly Term<S>[] {
  let found: readonly Term<S>[] = NONE;
  for (const length of lengths) {
    if (length > word.length) break;
    const terms = stems.get(word.slice(0, length));
    if (terms !== undefined) found = found.length === 0 ? terms : [...found, ...terms];
  }
  return found;
}

/** The terms that a word is, whole or by its stem. */
function termsOfWord<S extends string>(lexicon: Lexicon<S>, word: string): readonly Term<S>[] {
  const whole = lexicon.whole.get(word) ?? NONE;
  const stems = stemsOf(lexicon.stems, lexicon.stemLengths, word);
  return stems.length === 0 ? whole : [...whole, ...stems];
}

function looseTerms<S extends string>(lexicon: Lexicon<S>, form: string): readonly Term<S>[] {
  const whole = lexicon.loose.get(form) ?? NONE;
  const stems = stemsOf(lexicon.looseStems, lexicon.looseStemLengths, form);
  return stems.length === 0 ? whole : [...whole, ...stems];
}

/** Terms anywhere inside a string of letters. */
function termsInside<S extends string>(lexicon: Lexicon<S>, letters: string): readonly Term<S>[] {
  const found = new Set<Term<S>>();
  for (let at = 0; at < letters.length; at++) {
    const most = Math.min(lexicon.longestHidden, letters.length - at);
    for (let length = contentLimits.shortestHiddenChars; length <= most; length++)
      for (const term of lexicon.hidden.get(letters.slice(at, at + length)) ?? NONE) found.add(term);
  }
  return [...found];
}

/** Two terms run together, "nakedchild": both halves must be terms, so that a term inside a harmless word is none. */
function termsTogether<S extends string>(lexicon: Lexicon<S>, word: string): readonly Term<S>[] {
  for (let cut = 3; cut <= word.length - 3; cut++) {
    const left = lexicon.whole.get(word.slice(0, cut)) ?? lexicon.stems.get(word.slice(0, cut));
    if (left === undefined) continue;
    const right = termsOfWord(lexicon, word.slice(cut));
    if (right.length > 0) return [...left, ...right];
  }
  return NONE;
}

function oneWord<S extends string>(lexicon: Lexicon<S>, { text, bent }: Word): readonly Term<S>[] {
  const plain = text.length <= contentLimits.longestWordChars ? termsOfWord(lexicon, text) : NONE;
  const star = text.indexOf('*');
  if (star > 0 && text.length <= contentLimits.longestWordChars)
    return VOWELS.flatMap(vowel => termsOfWord(lexicon, text.replace('*', vowel)));
  if (text.length > contentLimits.longestWordChars) return termsInside(lexicon, text);
  const loose = bent === null ? NONE : looseTerms(lexicon, bent);
  if (plain.length > 0 || loose.length > 0) return [...plain, ...loose];
  return text.length >= 7 && text.length <= MAX_TOGETHER_CHARS ? termsTogether(lexicon, text) : NONE;
}

/** Where one word of a phrase is bent, all of them are compared in loose form. */
function isLoosePhraseAt(term: Term, words: readonly Word[], at: number): boolean {
  const forms = words
    .slice(at, at + term.words.length)
    .map(word => ({ ...word, text: word.bent ?? looseForm(word.text) }));
  return isPhraseAt(term, forms, 0);
}

function isPhraseAt(term: Term, words: readonly Word[], at: number): boolean {
  const last = term.words.length - 1;
  if (at + last >= words.length) return false;
  return term.words.every((expected, n) => {
    const word = words[at + n]!;
    if (expected === ANY_WORD) return true;
    return n === last && term.stem ? word.text.startsWith(expected) : word.text === expected;
  });
}

/** The end of a row of single letters that begins here; the same number when none does. */
function spelledTo(words: readonly Word[], from: number): number {
  let to = from;
  while (to < words.length && words[to]!.text.length === 1) to++;
  return to - from >= MIN_SPELLED ? to : from;
}

/** All terms of a lexicon in a text. */
export function findTerms<S extends string>(
  lexicon: Lexicon<S>,
  words: readonly Word[],
  languages: ReadonlySet<string>,
): readonly Mark<S>[] {
  const marks: Mark<S>[] = [];
  const mark = (terms: readonly Term<S>[], from: number, to: number) => {
    for (const { sense, onlyIn } of terms)
      if (onlyIn === null || languages.has(onlyIn)) marks.push({ sense, from, to });
  };
  let spelledUntil = 0;
  for (const [at, word] of words.entries()) {
    mark(oneWord(lexicon, word), at, at + 1);
    for (const term of lexicon.phrases.get(word.text) ?? NONE)
      if (isPhraseAt(term, words, at)) mark([term], at, at + term.words.length);
    const next = words[at + 1];
    if (word.bent !== null || (next !== undefined && next.bent !== null))
      for (const term of lexicon.loosePhrases.get(word.bent ?? looseForm(word.text)) ?? NONE)
        if (isLoosePhraseAt(term, words, at)) mark([term], at, at + term.words.length);
    if (next !== undefined && word.text.length <= MAX_CUT_CHARS && next.text.length <= MAX_CUT_CHARS) {
      const joined = word.text + next.text;
      if (joined.length >= 5) mark(lexicon.whole.get(joined) ?? lexicon.stems.get(joined) ?? NONE, at, at + 2);
    }
    if (at < spelledUntil) continue;
    spelledUntil = Math.max(at, spelledTo(words, at));
    if (spelledUntil > at) {
      const letters = words.slice(at, spelledUntil).map(each => each.text);
      mark(termsInside(lexicon, letters.join('')), at, spelledUntil);
      mark(looseInside(lexicon, looseForm(letters.join(''))), at, spelledUntil);
    }
  }
  return marks;
}

/** Terms spelled with signs for letters, "n 4 k 3 d". */
function looseInside<S extends string>(lexicon: Lexicon<S>, letters: string): readonly Term<S>[] {
  const found = new Set<Term<S>>();
  for (let at = 0; at < letters.length; at++) {
    const most = Math.min(lexicon.longestHidden, letters.length - at);
    for (let length = contentLimits.shortestHiddenChars; length <= most; length++) {
      const part = letters.slice(at, at + length);
      for (const term of lexicon.loose.get(part) ?? lexicon.looseStems.get(part) ?? NONE) found.add(term);
    }
  }
  return [...found];
}
