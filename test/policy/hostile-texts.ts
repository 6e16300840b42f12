/** Texts that are made to be slow to read, by what they do; each of a number of characters. */
const cut = (part: string) => (chars: number) => part.repeat(Math.ceil(chars / part.length)).slice(0, chars);

export const hostileTexts: readonly (readonly [string, (chars: number) => string])[] = [
  ['one letter', cut('a')],
  ['spelled', cut('n a k e d ')],
  ['one long word of terms', cut('nakedchild')],
  ['half a term', cut('nake')],
  ['signs', cut('@$!|*')],
  ['signs and letters', cut('!a@1$3|')],
  ['masked letters', cut('n*k*d ')],
  ['marks to be put in order', chars => `a${cut('\u0315\u0300\u0327')(chars - 1)}`],
  ['growing forms', cut('\ufdfa')],
  ['invisible', cut('\u200b')],
  ['entities', cut('&#97;')],
  ['entities of entities', cut('&amp;#97;')],
  ['ampersands', cut('&#')],
  ['pairs', cut('naked child ')],
  ['capitals', cut('Photo of Anna Berg ')],
  ['showing', cut('photo of ')],
  ['negations', cut('no no nudity ')],
  ['idioms', cut('naked eye ')],
  ['bent phrases', cut('n0 cl0th3s ')],
  ['half characters', cut('\ud800a')],
  ['look-alikes', cut('\u0430\u0435\u043e ')],
  ['pictures', cut('\u{1f467}')],
];
