import type { Dice } from './requests-dice.ts';
import { fieldName, oddText } from './requests-texts.ts';

/** A body that claims to be multipart/form-data, and the content-type it comes with. */
export function multipartBody(dice: Dice): { contentType: string; body: Buffer } {
  const boundary = dice.chance(0.8) ? '----x7f3a' : oddBoundary(dice);
  const parts = Array.from({ length: partCount(dice) }, () => part(dice));
  if (dice.chance(0.1) && parts[0] !== undefined) parts.push(parts[0]);
  const line = dice.chance(0.9) ? '\r\n' : dice.pick(['\n', '\r', '']);
  const used = dice.chance(0.93)
    ? boundary
    : dice.pick([`${boundary}x`, boundary.slice(1), '', boundary.toUpperCase()]);
  const end = dice.chance(0.9)
    ? `--${used}--${line}`
    : dice.pick(['', `--${used}-`, `--${used}`, `--${used}--${oddText(dice)}`]);
  const preamble = dice.chance(0.05) ? oddText(dice) + line : '';
  const body = Buffer.concat([
    Buffer.from(preamble),
    ...parts.flatMap(bytes => [Buffer.from(`--${used}${line}`), bytes, Buffer.from(line)]),
    Buffer.from(end),
  ]);
  const cut = dice.chance(0.07) ? body.subarray(0, dice.below(body.length + 1)) : body;
  return { contentType: contentType(dice, boundary), body: cut };
}

function partCount(dice: Dice): number {
  return dice.chance(0.02) ? dice.size(800) : dice.size(9);
}

function oddBoundary(dice: Dice): string {
  return dice
    .pick(['', ' ', 'a'.repeat(71), 'a'.repeat(4_000), '--', '"', 'a b', 'a;b', 'ä', '\\', '=_?:/', 'boundary'])
    .replace(/[^\x20-\x7e]/g, '?');
}

function contentType(dice: Dice, boundary: string): string {
  if (dice.chance(0.85)) return `multipart/form-data; boundary=${boundary}`;
  return dice.pick([
    ...[
      'multipart/form-data',
      'multipart/form-data;',
      'multipart/form-data; boundary',
      'multipart/form-data; boundary=',
      'multipart/mixed; boundary=x',
    ],
    ...[
      `multipart/form-data; boundary="${boundary}"`,
      `multipart/form-data; boundary="${boundary}`,
      `MULTIPART/FORM-DATA; BOUNDARY=${boundary}`,
    ],
    ...[
      `multipart/form-data; boundary=${boundary}; boundary=other`,
      `multipart/form-data; charset=utf-16; boundary=${boundary}`,
      `multipart/form-data;boundary*=utf-8''${boundary}`,
    ],
  ]);
}

function part(dice: Dice): Buffer {
  const line = dice.chance(0.95) ? '\r\n' : dice.pick(['\n', '']);
  const head = headers(dice).join(line);
  const gap = dice.chance(0.95) ? line + line : dice.pick([line, '', '\n\n', '\r\r']);
  return Buffer.concat([Buffer.from(head + gap, dice.chance(0.97) ? 'utf8' : 'latin1'), value(dice)]);
}

function headers(dice: Dice): string[] {
  const name = fieldName(dice).slice(0, dice.chance(0.02) ? 100_000 : 300);
  const quoted = dice.chance(0.9)
    ? `"${name.replaceAll('"', '%22')}"`
    : dice.pick([name, `"${name}`, `${name}"`, `"${name}\\"`, `'${name}'`, '""', '']);
  const lines = [`Content-Disposition: form-data; name=${quoted}`];
  if (dice.chance(0.15))
    lines[0] += `; filename=${dice.pick(['"x.png"', '"../../x"', '""', '"a\0b"', 'x', '"', `"${'y'.repeat(3_000)}"`, "*=utf-8''%00"])}`;
  if (dice.chance(0.15))
    lines.push(
      dice.pick([
        'Content-Type: image/png',
        'Content-Type: text/plain; charset=utf-16',
        'Content-Type:',
        'Content-Type: a/b; c="',
      ]),
    );
  if (dice.chance(0.05))
    lines.push(`Content-Transfer-Encoding: ${dice.pick(['base64', 'quoted-printable', '7bit', 'x'])}`);
  if (dice.chance(0.05)) lines.push(`Content-Length: ${dice.pick(['0', '-1', '99999999999', 'x'])}`);
  if (dice.chance(0.03)) lines.push(`X-${'a'.repeat(dice.size(20_000))}: ${oddText(dice)}`);
  if (dice.chance(0.03)) lines.push(oddText(dice), ': x', ' folded');
  if (dice.chance(0.03)) lines.shift();
  if (dice.chance(0.03)) lines.push(lines[0] ?? '');
  if (dice.chance(0.02))
    lines[0] = dice.pick([
      'Content-Disposition: attachment; name="prompt"',
      'content-disposition:form-data;name=prompt',
      'Content-Disposition: form-data',
    ]);
  return lines;
}

function value(dice: Dice): Buffer {
  if (dice.chance(0.05)) return dice.bytes(dice.size(2_000));
  if (dice.chance(0.05)) return Buffer.from(`\r\n------x7f3a${dice.pick(['', '-', '--', '\r', 'x'])}`);
  return Buffer.from(dice.chance(0.4) ? 'a red circle' : oddText(dice));
}
