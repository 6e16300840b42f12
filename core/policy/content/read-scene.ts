/** What the texts of one request speak of: which concept stands at which words. */
import { contentLimits } from './content-limits.ts';
import { findAges } from './find-ages.ts';
import { findNames } from './find-names.ts';
import { findTerms, type Mark } from './find-terms.ts';
import { floorLexicon, languageSigns, type Sense } from './floor-words.ts';
import { readWords, type Word } from './read-words.ts';

/** Concepts by where they stand; people by their folded names. */
export interface Scene {
  readonly words: readonly Word[];
  /** First words of each concept's marks, in rising order. */
  readonly at: ReadonlyMap<Sense, readonly number[]>;
  readonly names: readonly string[];
  readonly languages: ReadonlySet<string>;
}

/** A negator reaches so many words: "no explicit sexual content". */
const NEGATION_WORDS = 3;

/** The languages that a text shows by its small words. */
function languagesOf(words: readonly Word[]): ReadonlySet<string> {
  const languages = new Set<string>();
  for (const { text } of words) for (const language of languageSigns.get(text) ?? []) languages.add(language);
  return languages;
}

/** Words whose meaning is not theirs: those of idioms, and nouns that the text says are absent. */
function silencedBy(words: readonly Word[], marks: readonly Mark<Sense>[]): Uint8Array {
  const silenced = new Uint8Array(words.length);
  const negators = new Uint8Array(words.length + 1);
  for (const { sense, to } of marks) if (sense === 'negator') negators[to] = 1;
  // Only at the end of a thought: in "never porn child" a model sees what stands there.
  const ends = (to: number) => to === words.length || words[to]!.apart;
  for (const { sense, from, to } of marks) {
    if (sense !== 'idiom' && !(sense === 'negatable' && ends(to) && isNegated(words, negators, from))) continue;
    silenced.fill(1, from, to);
  }
  return silenced;
}

function isNegated(words: readonly Word[], negators: Uint8Array, from: number): boolean {
  for (let at = from; at >= 0 && at > from - NEGATION_WORDS; at--) {
    if (negators[at] === 1) return !words[at]!.apart;
    if (words[at]!.apart) return false;
  }
  return false;
}

/** The scene of a prompt; null when it is too long to be read. */
export function readScene(text: string): Scene | null {
  if (text.length > contentLimits.maxTextChars) return null;
  const words = readWords(text);
  if (words === null) return null;
  const languages = languagesOf(words);
  const terms = findTerms(floorLexicon(), words, languages);
  const silenced = silencedBy(words, terms);
  const speaks = (mark: Mark<Sense>) => mark.sense === 'context' || !isSilenced(silenced, mark);
  const meaningful = terms.filter(speaks);
  const known = (word: string) => floorLexicon().whole.has(word);
  const people = findNames(words, meaningful, known);
  const marks = [...meaningful, ...findAges(words, meaningful).filter(speaks), ...people.map(person => person.mark)];
  return { words, at: positionsOf(marks), names: [...new Set(people.map(person => person.name))], languages };
}

/** A mark means what it says unless all of it lies in an idiom: a longer phrase around one still counts. */
function isSilenced(silenced: Uint8Array, { from, to }: Mark): boolean {
  for (let at = from; at < to; at++) if (silenced[at] === 0) return false;
  return true;
}

function positionsOf(marks: readonly Mark<Sense>[]): ReadonlyMap<Sense, readonly number[]> {
  const lists = new Map<Sense, number[]>();
  for (const { sense, from } of marks) {
    const list = lists.get(sense);
    if (list === undefined) lists.set(sense, [from]);
    else list.push(from);
  }
  for (const list of lists.values()) list.sort((a, b) => a - b);
  return lists;
}

/**
 * What a negative prompt adds to the prompt's scene: a model is led away from what stands there, so clothes in it mean nakedness, and
 * grown-ups in it mean children.
 */
export function readNegative(text: string): ReadonlyMap<Sense, readonly number[]> | null {
  const scene = readScene(text);
  if (scene === null) return null;
  const turned = new Map<Sense, readonly number[]>();
  if (scene.at.has('clothing')) turned.set('nudity', [0]);
  if (scene.at.has('grownUp') || scene.at.has('adult')) turned.set('maybeMinor', [0]);
  return turned;
}
