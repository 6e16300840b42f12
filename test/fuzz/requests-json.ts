import type { Dice } from './requests-dice.ts';
import { fieldName, oddText } from './requests-texts.ts';

const NUMBERS = [
  ...[
    '0',
    '-0',
    '1',
    '-1',
    '0.1',
    '4',
    '8',
    '1e3',
    '1e400',
    '-1e400',
    '1e-400',
    '9007199254740993',
    '4294967296',
    '4294967295',
    '1.7976931348623157e308',
  ],
  ...['5e-324', '2147483648', '99999999999999999999999999', '0.30000000000000004', '1E+2'],
];
/** What JSON does not know. */
const NO_JSON = [
  ...[
    'NaN',
    'Infinity',
    '-Infinity',
    'undefined',
    "'x'",
    '01',
    '.5',
    '1.',
    '+1',
    '0x10',
    '1_0',
    '{a:1}',
    '[1,]',
    '{"a":1,}',
    '/* */1',
    '//\n1',
    'True',
    'nul',
  ],
  ...[
    '"\u0001"',
    '"\\x41"',
    '"\\u12"',
    '"abc',
    '{"a"}',
    '{"a":}',
    '{,}',
    '[',
    '{',
    ']',
    '}',
    '"',
    '\\',
    '1 2',
    '{}{}',
    '[][]',
    '',
  ],
];

/** A body that claims to be JSON. */
export function jsonBody(dice: Dice): Buffer {
  const text = dice.chance(0.85) ? objectText(dice) : dice.chance(0.5) ? dice.pick(NO_JSON) : valueText(dice, 0);
  return encode(dice, dice.chance(0.15) ? damage(dice, text) : text);
}

/** Mostly a create body with a few things wrong. */
function objectText(dice: Dice): string {
  if (dice.chance(0.03)) return nested(dice);
  const members: string[] = [];
  if (dice.chance(0.7)) members.push('"prompt":"a red circle"');
  for (let n = dice.size(dice.chance(0.01) ? 3_000 : 12); n >= 0; n--)
    members.push(`${stringText(dice, fieldName(dice))}:${valueText(dice, 0)}`);
  // As many problems as fit: each is told, but not without end.
  if (dice.chance(0.005)) for (let n = dice.size(50_000); n >= 0; n--) members.push(`"${n.toString(36)}":1`);
  // Twice the same name: which of them counts?
  if (dice.chance(0.1)) members.push(dice.pick(members));
  if (dice.chance(0.05))
    members.push(`"__proto__":{"prompt":"x","isAdmin":true}`, `"constructor":{"prototype":{"a":1}}`);
  const space = dice.chance(0.05) ? dice.pick([' ', '\n', '\t', '\r\n']).repeat(dice.size(2_000)) : '';
  return `${space}{${space}${members.join(`,${space}`)}}${space}`;
}

function valueText(dice: Dice, depth: number): string {
  const kind = dice.below(depth > 3 ? 6 : 10);
  if (kind < 2) return dice.pick(NUMBERS);
  if (kind < 5) return stringText(dice, oddText(dice));
  if (kind === 5) return dice.pick(['true', 'false', 'null', ...NO_JSON.slice(0, 4)]);
  const inner = Array.from({ length: dice.size(6) }, () => valueText(dice, depth + 1));
  if (kind < 8) return `[${inner.join(',')}]`;
  return `{${inner.map(value => `${stringText(dice, fieldName(dice))}:${value}`).join(',')}}`;
}

/** As JSON writes it, or with its escapes abused: halves of a surrogate pair, controls as they are, all of it in \u. */
function stringText(dice: Dice, text: string): string {
  if (dice.chance(0.04))
    return `"${dice.pick(['\\ud800', '\\udc00\\ud800', '\\ud83d', '\\u0000', '\\udfff'])}${text.length}"`;
  if (dice.chance(0.03))
    return `"${[...text].map(c => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`).join('')}"`;
  return dice.chance(0.02) ? `"${text}"` : JSON.stringify(text);
}

/** Deep enough to end a parser that calls itself. */
function nested(dice: Dice): string {
  const depth = dice.size(dice.chance(0.1) ? 200_000 : 5_000);
  const [open, close] = dice.pick([
    ['[', ']'],
    ['{"a":', '}'],
    ['[{"prompt":', '}]'],
  ] as const);
  const deep = `${open.repeat(depth)}1${dice.chance(0.8) ? close.repeat(depth) : ''}`;
  return dice.chance(0.5) ? deep : `{"prompt":"x","${dice.pick(['metadata', 'prompt', 'seed', 'zzz'])}":${deep}}`;
}

function damage(dice: Dice, text: string): string {
  const at = dice.below(text.length + 1);
  switch (dice.below(4)) {
    case 0:
      return text.slice(0, at);
    case 1:
      return text.slice(0, at) + dice.pick(['\0', '"', '\\', ',', '{', ']', '\u0007', '\ud800']) + text.slice(at);
    case 2:
      return text.slice(0, at) + text.slice(at + 1 + dice.below(4));
    default:
      return text + text;
  }
}

function encode(dice: Dice, text: string): Buffer {
  if (dice.chance(0.85)) return Buffer.from(text);
  const bytes = Buffer.from(text);
  switch (dice.below(6)) {
    case 0:
      return Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), bytes]);
    case 1:
      return Buffer.from(text, 'utf16le');
    case 2:
      return Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(text, 'utf16le')]);
    case 3:
      return Buffer.concat([Buffer.from([0xfe, 0xff]), Buffer.from(text, 'utf16le').swap16()]);
    case 4: {
      // Bytes that UTF-8 never has, an overlong slash, half a character.
      const at = dice.below(bytes.length + 1);
      const bad = dice.pick([[0xff], [0xc0, 0xaf], [0xe2, 0x82], [0xed, 0xa0, 0x80], [0xf8, 0x88, 0x80, 0x80, 0x80]]);
      return Buffer.concat([bytes.subarray(0, at), Buffer.from(bad), bytes.subarray(at)]);
    }
    default:
      return Buffer.from(text, 'latin1');
  }
}
