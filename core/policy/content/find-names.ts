/**
 * People by the pattern "photo of <Firstname Lastname>". No list of known people ships: it would be out of date on its first day, and it
 * would decide who deserves protection. Places and animals that look alike are known by one of their words.
 */
import type { Mark } from './find-terms.ts';
import type { Sense } from './floor-words.ts';
import { foldText, foldWord } from './fold-text.ts';
import type { Word } from './read-words.ts';

/** Words that stand between "of" and a name: articles, titles, callings. */
const MAX_TITLES = 3;
const MAX_NAME_WORDS = 4;
/** In a text like This One capitals say nothing. */
const MAX_CAPITALS_SHARE = 0.6;
const SHORT_TEXT_WORDS = 8;

/** Words of places, landmarks, breeds and feasts: a capitalized pair with one of them is no person. */
const NOT_OF_NAMES = new Set(
  `mount mt lake river park bridge tower city castle beach bay island islands valley street square avenue station cathedral church abbey palace
  museum gallery market festival harbor harbour canyon desert forest ocean sea falls mountains mountain national new north south east west
  northern southern eastern western san saint santa sao st los las el la le de rio grand great golden big old central united royal
  sierra mesa retriever shepherd terrier bulldog spaniel collie poodle husky setter pinscher cat coon shorthair bear eagle tiger lion whale shark penguin
  tree rose moon sun star galaxy way road train express airlines boeing airbus model class opera house hall garden gardens
  christmas easter halloween thanksgiving year years eve day night art deco street wall world cup league
  formula one victorian elizabethan edwardian
  berg see fluss brucke turm stadt schloss strand insel tal strasse platz bahnhof dom kirche markt hafen wald meer nord sud ost alter altes
  neue neues alte neuer grosse grosser grosses kleine kleiner kleines deutscher deutsche schweizer bayerischer
  mont lac pont tour ville chateau plage ile vallee rue place gare cathedrale eglise marche foret mer notre dame arc cote
  monte lago puente torre ciudad castillo playa isla valle calle plaza estacion catedral iglesia mercado bosque mar sagrada puerta casa
  ponte cidade castelo praia ilha vale rua praca estacao igreja floresta cristo porto serra
  citta castello spiaggia isola via piazza stazione duomo chiesa mercato foresta fontana colosseo palazzo
  meer brug toren stad kasteel eiland straat plein station kerk markt bos zee grote oude
  гора озеро река парк мост башня город замок пляж остров долина улица площадь вокзал собор церковь рынок лес море большой красная
  красной московский кремль театр зимний`
    .split(/\s+/)
    .map(word => foldWord(foldText(word))),
);

/** Words of those that never begin a name but a sentence or title. */
const isNamePart = (word: Word, at: number) =>
  word.capital &&
  (at === 0 || !word.apart) &&
  word.text.length > 1 &&
  !/\d/.test(word.text) &&
  !NOT_OF_NAMES.has(word.text);

/** A person in a text: where, and the folded name with one space between its words. */
export interface NamedPerson {
  readonly mark: Mark<Sense>;
  readonly name: string;
}

/** People named after words that say what is shown. `known` are words that mean something else. */
export function findNames(
  words: readonly Word[],
  marks: readonly Mark<Sense>[],
  known: (word: string) => boolean,
): readonly NamedPerson[] {
  const capitals = words.filter(word => word.capital).length;
  const titled = words.length >= SHORT_TEXT_WORDS && capitals > words.length * MAX_CAPITALS_SHARE;
  if (titled || capitals < 2) return [];
  const people = new Map<number, NamedPerson>();
  for (const { sense, to } of marks) {
    if (sense !== 'showing') continue;
    for (let from = to; from <= to + MAX_TITLES && from < words.length; from++) {
      if (from > to && words[from]!.apart) break;
      const person = people.get(from) ?? nameAt(words, from, known);
      if (person === undefined) continue;
      people.set(from, person);
      break;
    }
  }
  return [...people.values()];
}

function nameAt(words: readonly Word[], from: number, known: (word: string) => boolean): NamedPerson | undefined {
  let to = from;
  while (to < words.length && to - from < MAX_NAME_WORDS && isNamePart(words[to]!, to - from)) to++;
  if (to - from < 2) return undefined;
  const next = words[to];
  if (next?.capital && !next.apart && NOT_OF_NAMES.has(next.text)) return undefined;
  const parts = words.slice(from, to).map(word => word.text);
  if (parts.some(known)) return undefined;
  return { mark: { sense: 'namedPerson', from, to }, name: parts.join(' ') };
}
