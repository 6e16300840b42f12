/** @file What `reelay verify` prints: a file with its sentences, or many in a table. */
import type { VerdictKind } from '#core/marks/verdict.ts';
import type { Finding } from './verify.ts';
import { shown } from './verify-files.ts';

const SIGNS = { holds: 'ok  ', fails: 'BAD ', not_checked: '-   ' } as const;

const KINDS: Readonly<Record<VerdictKind, string>> = {
  ours_unaltered: 'ours, unaltered',
  ours_altered: 'ours, ALTERED',
  marked_ours: 'a copy of ours',
  foreign_signed: 'signed by others',
  unknown: 'unknown',
  unchecked: 'unchecked',
};
const C2PA = { valid: 'valid', valid_untrusted: 'untrusted', invalid: 'BROKEN', none: 'none', unchecked: '-' } as const;
const MARK = { found: 'found', not_found: 'none', unchecked: '-' } as const;

/** One finding in full. */
export function describe({ receipt, video, holds, job, checks, verdict }: Finding): string {
  const name = shown(receipt ?? video ?? '');
  const word = receipt === null && verdict !== null ? KINDS[verdict.kind] : holds ? 'holds' : 'does NOT hold';
  const named = job ?? verdict?.registry.job ?? null;
  const head = `${name}: ${word}${named === null ? '' : ` (${named})`}\n`;
  const lines = checks.map(({ check, outcome, sentence }) => `  ${SIGNS[outcome]}${check}: ${sentence}\n`);
  if (verdict === null) return head + lines.join('');
  if (receipt === null) return head + verdict.sentences.map(sentence => `  ${sentence}\n`).join('') + lines.join('');
  const sign = verdict.kind === 'ours_unaltered' ? SIGNS.holds : SIGNS.not_checked;
  return `${head}${lines.join('')}  ${sign}marks: ${verdict.sentences.join(' ')}\n`;
}

/** Many findings, one a line, and how many of each. */
export function describeAll(findings: readonly Finding[]): string {
  const rows = findings.map(rowOf);
  const widths = HEAD.map((title, i) => Math.max(title.length, ...rows.map(row => row[i]!.length)));
  const line = (row: readonly string[]) =>
    `${row
      .map((cell, i) => cell.padEnd(widths[i]!))
      .join('  ')
      .trimEnd()}\n`;
  const counts = new Map<string, number>();
  for (const [word] of rows) counts.set(word!, (counts.get(word!) ?? 0) + 1);
  const told = [...counts].map(([word, count]) => `${count} ${word}`).join(', ');
  const doubt = findings.every(({ holds }) => holds)
    ? ''
    : 'Where no watermark was found or looked for, that does not mean that a file was not made by AI.\n';
  return `${line(HEAD)}${rows.map(line).join('')}\n${findings.length} ${findings.length === 1 ? 'file' : 'files'}: ${told}.\n${doubt}`;
}

const HEAD = ['verdict', 'C2PA', 'watermark', 'receipt', 'job', 'file'] as const;

function rowOf({ receipt, video, holds, job, verdict, coveredBy }: Finding): readonly string[] {
  const byReceipt = holds && (coveredBy !== null || receipt !== null) && verdict?.kind !== 'ours_unaltered';
  const ofReceipt = holds ? 'holds' : 'does NOT hold';
  return [
    verdict === null ? ofReceipt : byReceipt ? 'ours, by receipt' : KINDS[verdict.kind],
    verdict === null ? '' : C2PA[verdict.c2pa.state],
    verdict === null ? '' : MARK[verdict.watermark.state],
    coveredBy !== null ? 'names it' : receipt === null ? '' : ofReceipt,
    job ?? verdict?.registry.job ?? '',
    shown(video ?? receipt ?? ''),
  ];
}
