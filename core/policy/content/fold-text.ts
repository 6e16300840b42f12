/**
 * A text as a reader sees it: what is invisible goes, what looks like a Latin letter is one. Linear in the length of the text; nothing
 * here backtracks.
 */
import { foldLookAlikes } from './look-alikes.ts';

const NAMED: Readonly<Record<string, string>> = {
  amp: '&',
  nbsp: ' ',
  ensp: ' ',
  emsp: ' ',
  thinsp: ' ',
  shy: '',
  zwj: '',
  zwnj: '',
  period: '.',
  lowbar: '_',
};

/** Entities of HTML, decoded like the prompt cleaning of some families does it: twice, so what one pass reveals counts too. */
function decodeEntities(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6})|([a-zA-Z]{3,6}));?/g, (all, decimal, hex, name) => {
    if (name !== undefined) return NAMED[name.toLowerCase()] ?? all;
    const code = decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal);
    return code === 0 || code > 0x10ffff ? ' ' : String.fromCodePoint(code);
  });
}

/**
 * The text without marks and invisible characters, compatibility forms resolved (NFKD), look-alikes as Latin letters, capitals kept. Marks
 * go before NFKD too: putting a million of them in order is quadratic.
 */
export function foldText(text: string): string {
  const plain = text.includes('&') ? decodeEntities(decodeEntities(text)) : text;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: whether everything is ASCII
  if (/^[\u0000-\u007f]*$/.test(plain)) return plain;
  const bare = plain.replace(/[\p{Mn}\p{Me}\p{Default_Ignorable_Code_Point}]+/gu, '').normalize('NFKD');
  return foldLookAlikes(bare.replace(/[\p{Mn}\p{Me}\p{Default_Ignorable_Code_Point}]+/gu, ''));
}

/** One word in the form in which terms are compared: folded, in small letters. */
export function foldWord(folded: string): string {
  const small = folded.toLowerCase();
  // biome-ignore lint/suspicious/noControlCharactersInRegex: whether everything is ASCII
  if (/^[\u0000-\u007f]*$/.test(small)) return small;
  return foldLookAlikes(small.replace(/\p{Mn}+/gu, ''));
}

const LEET: Readonly<Record<string, string>> = {
  '0': 'o',
  '1': 'i',
  '2': 'z',
  '3': 'e',
  '4': 'a',
  '5': 's',
  '6': 'g',
  '7': 't',
  '8': 'b',
  '9': 'g',
  '@': 'a',
  $: 's',
  '!': 'i',
  '|': 'i',
  l: 'i',
};

/** What is left of a word when digits and signs stand for letters, l and i are one, and no letter comes twice in a row. */
export function looseForm(word: string): string {
  let [form, last] = ['', ''];
  for (const character of word) {
    const letter = LEET[character] ?? character;
    if (letter !== last) form += letter;
    last = letter;
  }
  return form;
}

/** Whether a word looks as if somebody had bent it: signs or digits among letters, a letter three times, or two doubled ones. */
export function isBent(word: string): boolean {
  let [digits, letters, run, doubles, last] = [0, 0, 0, 0, ''];
  for (const character of word) {
    if (LEET[character] !== undefined && character !== 'l') digits++;
    else letters++;
    run = character === last ? run + 1 : 1;
    if (run === 2) doubles++;
    if (run >= 3) return true;
    last = character;
  }
  return (digits > 0 && letters > 0) || doubles >= 2 || /[@$!|]/.test(word);
}
