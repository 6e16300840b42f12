import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Gate } from '#gpu-container/evaluation/gates/gate-limits.ts';
import type { GateFinding } from '#gpu-container/evaluation/gates/judge-gate.ts';
import type { Subject } from '#gpu-container/evaluation/report.ts';
import type { EvalFlags } from './eval-flags.ts';
import type { GoldenManifest } from './eval-golden.ts';
import { evalDocument, htmlTable, section, stripHtml } from './eval-page.ts';
import { written } from './eval-targets.ts';
import { aligned, type EvalTable } from './eval-words.ts';
import { escaped } from './plan-charts.ts';

/** What a gate found. */
export interface GateOutcome {
  readonly gate: Gate;
  readonly flags: EvalFlags;
  /** Of the goldens. */
  readonly folder: string;
  readonly golden: GoldenManifest;
  readonly subject: Subject;
  readonly findings: readonly (GateFinding & { readonly prompt: string })[];
  /** Of the figures over all seeds, a sentence each. */
  readonly drift: readonly string[];
  /** By index: golden, new and difference under one another, JPEG. */
  readonly sheets: ReadonlyMap<number, Uint8Array>;
}

/** Where the pictures of a closed gate go when nobody says where. */
const DEFAULT_OUT = 'reelay-eval';

/** Tells the terminal, and the files that were asked for; a closed gate leaves its pictures and the exit code 1. */
export async function reportGate(outcome: GateOutcome): Promise<void> {
  const { gate, flags, folder, golden, subject, findings, drift } = outcome;
  const closed = findings.filter(({ problems }) => problems.length > 0).length;
  const passed = closed === 0 && drift.length === 0;
  const { json, html } = flags;
  if (json !== undefined) {
    const facts = {
      reelayGate: 1,
      gate,
      passed,
      subject,
      golden: golden.subject,
      settings: golden.settings,
      findings,
      drift,
    };
    await written('json', json, () => writeFile(json, `${JSON.stringify(facts, null, 1)}\n`));
  }
  if (html !== undefined) await written('html', html, () => writeFile(html, gateHtml(outcome)));
  const lines = [aligned(gateTable(outcome)), ...sentences(outcome)];
  process.stdout.write(`${lines.join('\n')}\n\ngate ${gate}: ${passed ? 'open' : 'closed'}\n`);
  if (passed) return;
  process.exitCode = 1;
  const out = flags.out ?? DEFAULT_OUT;
  const page = join(out, `gate-${gate}.html`);
  await written('out', page, async () => {
    await mkdir(out, { recursive: true });
    await writeFile(page, gateHtml(outcome));
    for (const [index, sheet] of outcome.sheets)
      await writeFile(join(out, `gate-${gate}-${String(index + 1).padStart(3, '0')}.jpg`), sheet);
  });
  process.stderr.write(
    `reelay: gate ${gate} is closed. Golden and new clips lie side by side in ${page}. Where the new ones are right: reelay eval --golden ${folder} --update-golden "<why>", with the same model and settings.\n`,
  );
}

function gateTable({ findings }: GateOutcome): EvalTable {
  const number = (value: number, digits: number) => (Number.isFinite(value) ? value.toFixed(digits) : '-');
  return [
    ['clip', 'latents', 'frames', 'least cosine', 'max abs', 'last cosine', 'PSNR', 'SSIM', 'SSIM of R, G, B', ''],
    ...findings.map((found, i) => [
      `#${i + 1}`,
      found.latentsEqual ? 'equal' : 'differ',
      found.framesEqual ? 'equal' : 'differ',
      number(found.cosine, 6),
      Number.isFinite(found.maxAbs) ? found.maxAbs.toExponential(1) : '-',
      number(found.lastCosine, 6),
      number(found.psnr, 1),
      number(found.ssim, 4),
      number(found.colorSsim, 4),
      found.problems.length === 0 ? 'passed' : 'not passed',
    ]),
  ];
}

function sentences({ findings, drift }: GateOutcome): string[] {
  const told = findings.flatMap(({ problems }, i) => problems.map(problem => `#${i + 1}: ${problem}`));
  return [...told, ...drift.map(problem => `all seeds: ${problem}`)];
}

function gateHtml(outcome: GateOutcome): string {
  const { gate, golden, subject, findings, sheets } = outcome;
  const { approvals } = golden;
  const told = sentences(outcome).map(sentence => `<li>${escaped(sentence)}</li>`);
  const clips = [...sheets].map(
    ([index, sheet]) => `<article><h3><small>#${index + 1}</small>${escaped(findings[index]!.prompt)}</h3>
<p class="soft">Above the golden clip, then the new one, then four times their difference.</p>
${stripHtml(sheet, 'golden, new and difference')}</article>`,
  );
  const named = (one: Subject) =>
    `bundle ${one.bundle?.slice(0, 12)}, reelay ${one.engine}, ONNX Runtime ${one.ort}, ${one.provider}, ${one.precision ?? 'precision not stated'}`;
  return evalDocument(
    `Reelay gate ${gate}: ${subject.model}`,
    `<h1>Gate ${gate}, ${escaped(subject.model)}</h1><p class="soft">Golden: ${escaped(named(golden.subject))}</p>
<p class="soft">New: ${escaped(named(subject))}</p><p class="soft">The goldens were taken because: ${escaped(approvals.at(-1)?.reason ?? 'not said')}</p>
<ul>${told.join('') || '<li>Nothing is outside its limits.</li>'}</ul>
${section('Clips', htmlTable(gateTable(outcome)))}${section('Side by side', clips.join(''))}`,
  );
}
