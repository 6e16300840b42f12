/** Terms made ready for finding: one map for whole words, one for stems, one for what phrases begin with. */
import { contentLimits } from './content-limits.ts';
import { looseForm } from './fold-text.ts';
import { readWords } from './read-words.ts';

/** One term: what it stands for, the words it has, and whether the last one is a stem. */
export interface Term<Sense extends string = string> {
  readonly sense: Sense;
  readonly words: readonly string[];
  readonly stem: boolean;
  /** The language in whose texts alone it counts; null: in all. */
  readonly onlyIn: string | null;
}

/** Terms by how they are found. */
export interface Lexicon<Sense extends string = string> {
  readonly whole: ReadonlyMap<string, readonly Term<Sense>[]>;
  readonly stems: ReadonlyMap<string, readonly Term<Sense>[]>;
  readonly stemLengths: readonly number[];
  readonly phrases: ReadonlyMap<string, readonly Term<Sense>[]>;
  /** Phrases with every word in loose form. */
  readonly loosePhrases: ReadonlyMap<string, readonly Term<Sense>[]>;
  /** Single words and stems in loose form, for what was bent. */
  readonly loose: ReadonlyMap<string, readonly Term<Sense>[]>;
  readonly looseStems: ReadonlyMap<string, readonly Term<Sense>[]>;
  readonly looseStemLengths: readonly number[];
  /** Single words and stems long enough to be searched for among other letters, by their letters. */
  readonly hidden: ReadonlyMap<string, readonly Term<Sense>[]>;
  readonly longestHidden: number;
}

/** Any one word of a phrase. */
export const ANY_WORD = '_';

/** A term as people write it, `two words*`; null when nothing of it is a word. */
export function readTerm<Sense extends string>(
  sense: Sense,
  written: string,
  onlyIn: string | null = null,
): Term<Sense> | null {
  const stem = written.endsWith('*');
  const words = written
    .replaceAll('*', ' ')
    .split(/\s+/)
    .flatMap(part => (part === ANY_WORD ? [ANY_WORD] : (readWords(part) ?? []).map(word => word.text)));
  return words.length === 0 || words[0] === ANY_WORD ? null : { sense, words, stem, onlyIn };
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group === undefined) groups.set(keyOf(item), [item]);
    else group.push(item);
  }
  return groups;
}

const lengthsOf = (keys: Iterable<string>) => [...new Set([...keys].map(key => key.length))].sort((a, b) => a - b);

/** The lexicon of a list of terms. */
export function lexiconOf<Sense extends string>(terms: readonly Term<Sense>[]): Lexicon<Sense> {
  const single = terms.filter(term => term.words.length === 1);
  const first = (term: Term<Sense>) => term.words[0]!;
  const whole = groupBy(
    single.filter(term => !term.stem),
    first,
  );
  const stems = groupBy(
    single.filter(term => term.stem),
    first,
  );
  const phrases = groupBy(
    terms.filter(term => term.words.length > 1),
    first,
  );
  const bentPhrases = [...phrases.values()].flat().map(term => ({ ...term, words: term.words.map(looseForm) }));
  const loosePhrases = groupBy(bentPhrases, first);
  // Squeezed to two letters, a word could be anything.
  const bendable = single.filter(term => looseForm(first(term)).length >= 3);
  const loose = groupBy(
    bendable.filter(term => !term.stem),
    term => looseForm(first(term)),
  );
  const looseStems = groupBy(
    bendable.filter(term => term.stem && looseForm(first(term)).length >= 4),
    term => looseForm(first(term)),
  );
  const hidden = groupBy(
    single.filter(term => first(term).length >= contentLimits.shortestHiddenChars),
    first,
  );
  const longestHidden = Math.max(0, ...[...hidden.keys()].map(key => key.length));
  const [stemLengths, looseStemLengths] = [lengthsOf(stems.keys()), lengthsOf(looseStems.keys())];
  return {
    whole,
    stems,
    stemLengths,
    phrases,
    loosePhrases,
    loose,
    looseStems,
    looseStemLengths,
    hidden,
    longestHidden,
  };
}
