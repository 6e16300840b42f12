import type { Dice } from './requests-dice.ts';

/** Texts that break things: scripts, controls, formats of other languages, prototypes, numbers that are none. */
const ODD = [
  ...[
    '',
    ' ',
    '\0',
    'a\0b',
    '\u0001\u001f',
    '\t\n\r',
    '\u2028\u2029',
    '\ufeff',
    '\ud83d\ude00',
    '\u202eabc',
    'e\u0301'.repeat(20),
    '\uffff',
  ],
  ...[
    '__proto__',
    'constructor',
    'prototype',
    'toString',
    'hasOwnProperty',
    'then',
    'toJSON',
    'length',
    'valueOf',
    '$where',
  ],
  ...[
    'NaN',
    'Infinity',
    '-Infinity',
    '1e400',
    '-0',
    '0x10',
    '1_000',
    '٣',
    '1,5',
    '.5',
    '1.',
    '+1',
    '1e',
    '9'.repeat(400),
    '-1',
    'null',
    'true',
  ],
  ...[
    '../../etc/passwd',
    '..\\..\\',
    "' OR 1=1 --",
    '#{7*7}',
    '{{7*7}}',
    '%00',
    '%s%n',
    '<script>',
    '; ls',
    '`id`',
    '[object Object]',
  ],
  ...['video_', `video_${'0'.repeat(26)}`, 'video_zzzzzzzzzzzzzzzzzzzzzzzzzz', 'VIDEO_00000000000000000000000000'],
];

/** A text that a careless reader of texts may trip over. */
export function oddText(dice: Dice): string {
  if (dice.chance(0.6)) return dice.pick(ODD);
  const unit = dice.pick(['x', 'ä', '漢', '\u{1f600}', ' ', '\\', '"', '[', '(((', 'a]']);
  return unit.repeat(dice.size(dice.chance(0.02) ? 40_000 : 600));
}

/** The names of the API's fields, those of others, and none of anybody's. */
export function fieldName(dice: Dice): string {
  if (dice.chance(0.15)) return oddText(dice);
  return dice.pick([
    ...[
      'prompt',
      'model',
      'seconds',
      'size',
      'seed',
      'fps',
      'num_frames',
      'num_inference_steps',
      'guidance_scale',
      'negative_prompt',
    ],
    ...[
      'width',
      'height',
      'metadata',
      'priority',
      'deadline',
      'webhook_url',
      'input_reference',
      'residency',
      'max_cost',
      'dry_run',
      'lora',
    ],
    ...[
      'extra_params',
      'prompt ',
      'Prompt',
      'n',
      'user',
      'metadata[a]',
      'metadata[a][b]',
      'tags[]',
      '[]',
      '[a]',
      'a[',
      'a]b[',
    ],
  ]);
}

/** A character a header's value may carry; others end the connection, which is another test. */
export function headerText(dice: Dice): string {
  const text = oddText(dice).slice(0, 300);
  return Buffer.from(text)
    .toString('latin1')
    .replace(/[^\t\x20-\x7e\x80-\xff]/g, '?');
}
