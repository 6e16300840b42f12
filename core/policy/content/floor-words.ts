/** The floor's vocabulary in all its languages, made ready once. */

import { foldText, foldWord } from './fold-text.ts';
import { type Lexicon, lexiconOf, readTerm, type Term } from './lexicon.ts';
import { unveil } from './veil.ts';
import { type Concept, type LanguageWords, termsOf } from './vocabulary.ts';
import { german } from './words/de.ts';
import { english } from './words/en.ts';
import { spanish } from './words/es.ts';
import { french } from './words/fr.ts';
import { italian } from './words/it.ts';
import { dutch } from './words/nl.ts';
import { portuguese } from './words/pt.ts';
import { russian } from './words/ru.ts';

/** The languages whose words the floor knows. */
export const floorLanguages: readonly LanguageWords[] = [
  english,
  german,
  french,
  spanish,
  portuguese,
  italian,
  dutch,
  russian,
];

/** What a mark may stand for beside a concept: how the words around it are to be read. */
export type Sense = Concept | 'idiom' | 'negator' | 'negatable' | 'ageAfter' | 'ageBefore';

function conceptTerms(words: LanguageWords): readonly Term<Sense>[] {
  const read = (lists: LanguageWords['onlyHere'], onlyIn: string | null, decode: (text: string) => string) =>
    Object.entries(lists ?? {}).flatMap(([concept, list]) =>
      termsOf(decode(list)).flatMap(term => readTerm<Sense>(concept as Concept, term, onlyIn) ?? []),
    );
  return [
    ...read(words.terms, null, text => text),
    ...read(words.veiled, null, unveil),
    ...read(words.onlyHere, words.language, text => text),
  ];
}

function readingTerms(words: LanguageWords): readonly Term<Sense>[] {
  const { idioms: idiom, negators: negator, negatable, ageAfter, ageBefore } = words;
  return Object.entries({ idiom, negator, negatable, ageAfter, ageBefore }).flatMap(([sense, list]) =>
    termsOf(list).flatMap(term => readTerm<Sense>(sense as Sense, term) ?? []),
  );
}

let lexicon: Lexicon<Sense> | undefined;

/** All terms of the floor; made ready by the first decision, so that a command that decides nothing does not wait for it. */
export function floorLexicon(): Lexicon<Sense> {
  lexicon ??= lexiconOf(floorLanguages.flatMap(words => [...conceptTerms(words), ...readingTerms(words)]));
  return lexicon;
}

/** Languages by the words that give them away. */
export const languageSigns: ReadonlyMap<string, readonly string[]> = floorLanguages.reduce((map, words) => {
  for (const sign of termsOf(words.signs)) map.set(sign, [...(map.get(sign) ?? []), words.language]);
  return map;
}, new Map<string, string[]>());

/** Numbers below 18 by their words, folded; those with an age in them ("tredicenne") are ages by themselves. */
export const numberWords: ReadonlyMap<string, number> = new Map(
  floorLanguages.flatMap(({ numbers }) =>
    termsOf(numbers).flatMap((each, n) => each.split('/').map(word => [foldWord(foldText(word)), n + 1] as const)),
  ),
);
