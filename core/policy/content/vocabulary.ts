/**
 * What the floor's rules speak of, as lists of terms in one language. A term is a word or a phrase of up to six; `*` ends a stem, `_` is
 * any one word of a phrase. Lists are texts with commas, so that people can read and change them.
 */

/** What a term stands for. */
export type Concept =
  /** A person under 18. */
  | 'minor'
  /** May be one: "girl", "youth". Cleared by a stated age of 18 or more. */
  | 'maybeMinor'
  /** An age of 18 or more; found by numbers, in no list. */
  | 'adult'
  /** Sexual acts and pornography; nothing excuses it beside a minor. */
  | 'explicit'
  /** Nakedness; medicine and art have it too. */
  | 'nudity'
  /** Sexualized without either. */
  | 'suggestive'
  /** Stands for sexual content with minors by itself. */
  | 'coded'
  /** Taking clothes off. */
  | 'undress'
  /** An instruction to take them off somebody in particular. */
  | 'undressCommand'
  /** Filmed or shown without consent; with a private place or nakedness it is intimate imagery. */
  | 'unasked'
  /** Brought out against somebody's will; also said of water, so a bathroom beside it means nothing. */
  | 'leaked'
  | 'privatePlace'
  /** Intimate imagery without consent by its name. */
  | 'abuseImagery'
  /** Points at somebody who exists: "my neighbor", "this person". */
  | 'realPerson'
  /** A person whose name stands after "photo of"; found by its pattern, in no list. */
  | 'namedPerson'
  /** Putting somebody's face or voice on something. */
  | 'imitation'
  /** After it comes what is shown: "photo of". */
  | 'showing'
  /** Medicine, art, teaching and news. */
  | 'context'
  /** Clothes and grown-ups: of interest in a negative prompt only. */
  | 'clothing'
  | 'grownUp';

/** The terms of one language. */
export interface LanguageWords {
  readonly language: string;
  readonly terms: Readonly<Partial<Record<Concept, string>>>;
  /** The same, written as veil.ts says. */
  readonly veiled?: Readonly<Partial<Record<Concept, string>>>;
  /** Terms that are other words in other languages: they count only where one of `signs` stands in the text too. */
  readonly onlyHere?: Readonly<Partial<Record<Concept, string>>>;
  readonly signs: string;
  /** Phrases that mean something else than their words: what lies in them counts for nothing. */
  readonly idioms: string;
  /** Words that say that the next noun is absent, and the nouns that they may take away: a model draws a "no nude" person all the same. */
  readonly negators: string;
  readonly negatable: string;
  /** Units after and words before a number that make an age of it. */
  readonly ageAfter: string;
  readonly ageBefore: string;
  /** The numbers 1 to 17 in words, in order, alternatives with a slash. */
  readonly numbers: string;
}

/** The terms of a list. */
export function termsOf(list: string): readonly string[] {
  return list
    .split(',')
    .map(term => term.trim())
    .filter(term => term !== '');
}
