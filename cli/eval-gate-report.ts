import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Gate } from '#gpu-container/evaluation/gates/gate-limits.ts';
import type { GateFinding } from '#gpu-container/evaluation/gates/judge-gate.ts';
import type { Subject } from '#gpu-container/evaluation/report.ts';
import type { EvalFlags } from './eval-flags.ts';
import type { GoldenSet } from './eval-golden-sets.ts';
import { evalDocument, htmlTable, section, stripHtml } from './eval-page.ts';
import { written } from './eval-targets.ts';
import { aligned, type EvalTable, settingsLine } from './eval-words.ts';
import { escaped } from './plan-charts.ts';

/** Of one clip. */
export type NamedFinding = GateFinding & { readonly prompt: string };

/** What a gate found of one set. */
export interface SetOutcome extends GoldenSet {
  readonly findings: readonly NamedFinding[];
  /** Of the figures over all seeds, a sentence each. */
  readonly drift: readonly string[];
  /** By index: golden, new and difference under one another, JPEG. */
  readonly sheets: ReadonlyMap<number, Uint8Array>;
}

/** What a gate found. */
export interface GateOutcome {
  readonly gate: Gate;
  readonly flags: EvalFlags;
  readonly subject: Subject;
  /** One at least. */
  readonly sets: readonly SetOutcome[];
}

/** Where the pictures of a closed gate go when nobody says where. */
const DEFAULT_OUT = 'reelay-eval';

const isClosed = ({ findings, drift }: SetOutcome) =>
  drift.length > 0 || findings.some(({ problems }) => problems.length > 0);

/** Tells the terminal, and the files that were asked for; a closed gate leaves its pictures and the exit code 1. */
export async function reportGate(outcome: GateOutcome): Promise<void> {
  const { gate, flags, sets } = outcome;
  const closed = sets.filter(isClosed);
  const { json, html } = flags;
  if (json !== undefined)
    await written('json', json, () => writeFile(json, `${JSON.stringify(gateJson(outcome), null, 1)}\n`));
  if (html !== undefined) await written('html', html, () => writeFile(html, gateHtml(outcome)));
  const told = sets.map(set => [headline(set), aligned(gateTable(set)), ...sentences(set)].join('\n'));
  process.stdout.write(`${told.join('\n\n')}\n\ngate ${gate}: ${closed.length === 0 ? 'open' : 'closed'}\n`);
  if (closed.length === 0) return;
  process.exitCode = 1;
  const out = flags.out ?? DEFAULT_OUT;
  const page = join(out, `gate-${gate}.html`);
  await written('out', page, async () => {
    await mkdir(out, { recursive: true });
    await writeFile(page, gateHtml(outcome));
    for (const { name, sheets } of closed)
      for (const [index, sheet] of sheets) {
        const words = ['gate', gate, ...(name === null ? [] : [name]), String(index + 1).padStart(3, '0')];
        await writeFile(join(out, `${words.join('-')}.jpg`), sheet);
      }
  });
  process.stderr.write(
    `reelay: gate ${gate} is closed. Golden and new clips lie side by side in ${page}. Where the new ones are right, with the same model and prompts: ${closed.map(renewal).join('; ')}\n`,
  );
}

/** Of several sets `golden` and `settings` are those of the first, and each finding says whose it is. */
function gateJson({ gate, subject, sets }: GateOutcome): object {
  const [{ manifest: first }] = sets as [SetOutcome];
  return {
    reelayGate: 1,
    gate,
    passed: !sets.some(isClosed),
    subject,
    golden: first.subject,
    settings: first.settings,
    sets: sets.map(({ name, manifest: { subject: golden, settings } }) => ({ set: name, golden, settings })),
    findings: sets.flatMap(({ name, findings }) => findings.map(found => ({ set: name, ...found }))),
    drift: sets.flatMap(({ name, drift }) => drift.map(problem => (name === null ? problem : `${name}: ${problem}`))),
  };
}

/** The command that would take a set anew. */
function renewal({ folder, manifest: { settings, asked, prompts } }: SetOutcome): string {
  const flags = { ...(settings.task !== 't2v' && { task: settings.task }), ...asked, count: prompts.length };
  const words = Object.entries(flags).flatMap(([name, value]) => (value === null ? [] : [` --${name} ${value}`]));
  // What a shell takes for one word may stand as it is.
  const named = /^[\w./@%+=:,-]+$/.test(folder) ? folder : `'${folder.replaceAll("'", "'\\''")}'`;
  return `reelay eval --golden ${named} --update-golden "<why>"${words.join('')}`;
}

function headline({ name, manifest, findings }: SetOutcome): string {
  return `${name === null ? '' : `${name}: `}${settingsLine(manifest.settings, findings.length)}`;
}

function gateTable({ findings }: SetOutcome): EvalTable {
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

function sentences({ findings, drift }: SetOutcome): string[] {
  const told = findings.flatMap(({ problems }, i) => problems.map(problem => `#${i + 1}: ${problem}`));
  return [...told, ...drift.map(problem => `all seeds: ${problem}`)];
}

function gateHtml({ gate, subject, sets }: GateOutcome): string {
  return evalDocument(
    `Reelay gate ${gate}: ${subject.model}`,
    `<h1>Gate ${gate}, ${escaped(subject.model)}</h1><p class="soft">New: ${escaped(nameOf(subject))}</p>${sets.map(setHtml).join('')}`,
  );
}

function setHtml(set: SetOutcome): string {
  const { manifest, findings, sheets } = set;
  const told = sentences(set).map(sentence => `<li>${escaped(sentence)}</li>`);
  const clips = [...sheets].map(
    ([index, sheet]) => `<article><h3><small>#${index + 1}</small>${escaped(findings[index]!.prompt)}</h3>
<p class="soft">Above the golden clip, then the new one, then four times their difference.</p>
${stripHtml(sheet, 'golden, new and difference')}</article>`,
  );
  return section(
    headline(set),
    `<p class="soft">Golden: ${escaped(nameOf(manifest.subject))}</p>
<p class="soft">The goldens were taken because: ${escaped(manifest.approvals.at(-1)?.reason ?? 'not said')}</p>
<ul>${told.join('') || '<li>Nothing is outside its limits.</li>'}</ul>
${htmlTable(gateTable(set))}${clips.join('')}`,
  );
}

function nameOf({ bundle, engine, ort, provider, precision }: Subject): string {
  return `bundle ${bundle?.slice(0, 12)}, reelay ${engine}, ONNX Runtime ${ort}, ${provider}, ${precision ?? 'precision not stated'}`;
}
