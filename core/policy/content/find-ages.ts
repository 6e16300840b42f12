/** Ages in a text: "13 years old", "13yo", "treize ans", "zehnjährig"; below 18 a minor, from 18 an adult. */

import type { Mark } from './find-terms.ts';
import type { Sense } from './floor-words.ts';
import { numberWords } from './floor-words.ts';
import type { Word } from './read-words.ts';

const ADULT_AGE = 18;
const OLDEST = 120;
const UNITS = /^(\d{1,3})(?:yo|y|yr|yrs|jahrig\w*|jahrige\w*|jarig\w*|летн\S*|-?letn\S*)$/;
const NUMBER_THEN_UNIT = /^(.{3,14}?)(?:jahrig|jaehrig|jarig|enne$|enni$)/;

/** Between whoever may be a child and a bare number it makes an age of the number: "a girl of twelve". */
const OF = new Set(['of', 'de', 'von', 'mit', 'di', 'van']);

function numberOf(word: string): number | undefined {
  if (/^\d{1,3}$/.test(word)) return Number(word);
  return numberWords.get(word);
}

/** An age that is one word by itself. */
function ageOfWord(word: string): number | undefined {
  if (word.length > 24) return undefined;
  const digits = UNITS.exec(word)?.[1];
  if (digits !== undefined) return Number(digits);
  if (word.endsWith('enne')) return numberWords.get(word);
  const stem = NUMBER_THEN_UNIT.exec(word)?.[1];
  return stem === undefined ? undefined : numberWords.get(stem);
}

const isYoung = (sense: Sense) => sense === 'maybeMinor' || sense === 'minor';

/** Marks of ages; `marks` has the units that stand after and the words that stand before a number. */
export function findAges(words: readonly Word[], marks: readonly Mark<Sense>[]): readonly Mark<Sense>[] {
  const ages: Mark<Sense>[] = [];
  const add = (age: number | undefined, from: number, to: number) => {
    if (age === undefined || age > OLDEST) return;
    ages.push({ sense: age < ADULT_AGE ? 'minor' : 'adult', from, to });
  };
  for (const { sense, from, to } of marks) {
    if (sense === 'ageAfter' && from > 0) add(numberOf(words[from - 1]!.text), from - 1, to);
    // Only what is stricter: a number of something else after "of" must not make anybody an adult.
    const bare = isYoung(sense) && OF.has(words[to]?.text ?? '') ? numberOf(words[to + 1]?.text ?? '') : undefined;
    if (bare !== undefined && bare < ADULT_AGE) add(bare, from, to + 2);
    if (sense === 'ageBefore' && to < words.length) add(numberOf(words[to]!.text), from, to + 1);
  }
  for (const [at, { text }] of words.entries()) add(ageOfWord(text), at, at + 1);
  return ages;
}
