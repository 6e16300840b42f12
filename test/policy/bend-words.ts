/** What people do to words so that a list does not know them. */

/** One way. */
export interface Bend {
  readonly name: string;
  readonly apply: (word: string) => string;
}

const each = (word: string, change: (letter: string) => string) => [...word].map(change).join('');
const LEET: Readonly<Record<string, string>> = { a: '4', e: '3', i: '1', o: '0', s: '5', t: '7' };
const CYRILLIC: Readonly<Record<string, string>> = {
  a: '\u0430',
  e: '\u0435',
  o: '\u043e',
  c: '\u0441',
  p: '\u0440',
  x: '\u0445',
};
const LATIN: Readonly<Record<string, string>> = { а: 'a', е: 'e', о: 'o', с: 'c', р: 'p', х: 'x' };

const ANYWHERE: readonly Bend[] = [
  { name: 'zero-width', apply: word => each(word, letter => `${letter}\u200b`) },
  { name: 'combining', apply: word => each(word, letter => (/\p{L}/u.test(letter) ? `${letter}\u0336` : letter)) },
  {
    name: 'spaced',
    apply: word =>
      word
        .split(' ')
        .map(part => [...part].join(' '))
        .join('  '),
  },
  {
    name: 'dotted',
    apply: word =>
      word
        .split(' ')
        .map(part => [...part].join('.'))
        .join(' '),
  },
  { name: 'repeated', apply: word => word.replace(/\p{L}(?=\P{L}*$)/u, letter => letter.repeat(4)) },
  { name: 'capitals', apply: word => word.toUpperCase() },
];

const LATIN_ONLY: readonly Bend[] = [
  { name: 'leet', apply: word => each(word, letter => LEET[letter] ?? letter) },
  { name: 'look-alikes', apply: word => each(word, letter => CYRILLIC[letter] ?? letter) },
  {
    name: 'wide',
    apply: word =>
      each(word, letter => (/[!-~]/.test(letter) ? String.fromCharCode(letter.charCodeAt(0) + 0xfee0) : letter)),
  },
];

/** The ways that a language's letters allow. */
export function bendsFor(language: string): readonly Bend[] {
  if (language !== 'ru') return [...ANYWHERE, ...LATIN_ONLY];
  return [...ANYWHERE, { name: 'look-alikes', apply: word => each(word, letter => LATIN[letter] ?? letter) }];
}
