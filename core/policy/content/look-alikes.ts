/**
 * Letters of other scripts that readers, and models' tokenizers, take for a Latin one. An own choice of the letters that matter for the
 * floor's words, in the sense of Unicode Technical Standard #39 (section 4, "skeleton"): both the text and the terms are folded with it, so
 * a Cyrillic word still equals itself.
 */
const LOOK_ALIKES: Readonly<Record<string, string>> = {
  a: '\u0430\u03b1\u0251\u1d00\u13aa\u2c65\u0250',
  b: '\u0299\u0253\u13f4\u0184\u0185\u044c',
  c: '\u0441\u03f2\u1d04\u13df\u0188\u2184',
  d: '\u0501\u1d05\u13a0\u0111\u00f0\u0257\u0256',
  e: '\u0435\u03b5\u1d07\u13ac\u025b\u04bd\u01dd\u0259',
  f: '\ua730\u0192\u03dd',
  g: '\u0261\u0262\u13c0\u0581\u0260',
  h: '\u04bb\u029c\u13bb\u0570\u0127\u0266',
  i: '\u0456\u03b9\u026a\u0131\u0268\u0269',
  j: '\u0458\u1d0a\u13ab\u03f3',
  k: '\u043a\u03ba\u1d0b\u13e6\u0199',
  l: '\u04cf\u029f\u13de\u0142\u026d\u01c0',
  m: '\u1d0d\u13b7\u043c\u0271',
  n: '\u0578\u057c\u0274\u03b7\u043f\u014b\u0272',
  o: '\u043e\u03bf\u1d0f\u0585\u00f8\u0275\u03c3',
  p: '\u0440\u03c1\u1d18\u13e2\u01a5',
  q: '\u051b\u0563',
  r: '\u0433\u0280\u13a1\u027e\u027d',
  s: '\u0455\ua731\u13da\u0282\u01bd',
  t: '\u0442\u03c4\u1d1b\u13a2\u0167\u01ad',
  u: '\u057d\u1d1c\u03c5\u028a\u0289',
  v: '\u0475\u03bd\u1d20\u13d9\u028b',
  w: '\u051d\u1d21\u13b3\u03c9\u0461\u026f',
  x: '\u0445\u03c7\u00d7',
  y: '\u0443\u028f\u0263\u01b4',
  z: '\u1d22\u13c3\u0290\u01b6',
  ae: '\u00e6\u04d5',
  oe: '\u0153',
  ss: '\u00df\u1e9e',
  th: '\u00fe',
};

/** Capitals whose small letters look like something else: of use only in a word that mixes scripts. */
const MIXED_CAPITALS: Readonly<Record<string, string>> = {
  b: '\u0412\u0392',
  h: '\u041d\u0397',
  m: '\u039c',
  n: '\u039d',
  p: '\u0420\u03a1',
  y: '\u03a5\u04ae',
  z: '\u0396',
  x: '\u03a7',
  k: '\u039a',
  t: '\u03a4',
};

const tableOf = (lists: Readonly<Record<string, string>>): ReadonlyMap<string, string> =>
  new Map(Object.entries(lists).flatMap(([latin, others]) => [...others].map(other => [other, latin] as const)));

const SINGLE = tableOf(LOOK_ALIKES);
const CAPITALS = tableOf(MIXED_CAPITALS);

/** First code points of 26 letters in a row that NFKD leaves alone: white on black circles and squares, and flags' letters. */
const ROWS = [0x1f150, 0x1f170, 0x1f1e6];

function latinOf(character: string): string {
  const known = SINGLE.get(character);
  if (known !== undefined) return known;
  const code = character.codePointAt(0)!;
  if (code < 0x1f150) return character;
  const row = ROWS.find(first => code >= first && code < first + 26);
  return row === undefined ? character : String.fromCharCode(97 + code - row);
}

/** Every look-alike as the Latin letter it is taken for; in one pass. */
export function foldLookAlikes(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: everything that is not ASCII
  return text.replace(/[^\u0000-\u007f]/gu, latinOf);
}

/** A word that mixes Latin with capitals of other scripts, read as Latin; undefined for a word that does not. */
export function foldMixedCapitals(word: string): string | undefined {
  if (!/[A-Za-z]/.test(word) || !/[\u0370-\u04ff]/.test(word)) return undefined;
  return [...word].map(character => CAPITALS.get(character) ?? character).join('');
}
