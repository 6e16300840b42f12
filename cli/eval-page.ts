import { type ClipFigures, FIGURES } from '#gpu-container/evaluation/metrics/judge-clip.ts';
import { ATTRIBUTES, type EvalReport, type EvalRow, worstFirst } from '#gpu-container/evaluation/report.ts';
import type { Reading } from '#gpu-container/evaluation/world/readings.ts';
import { evalLimits } from './eval-limits.ts';
import type { EvalResult } from './eval-run.ts';
import {
  adherenceTable,
  defectWords,
  type EvalTable,
  FIGURE_WORDS,
  figureTable,
  firstFrameWords,
  headlines,
  isNothing,
  rfvdWords,
  rowProblems,
  shownNumber,
} from './eval-words.ts';
import { escaped } from './plan-charts.ts';

/** Shared by the pages of `reelay eval`: one column, light unless the reader's system is dark. */
export const evalStyle = `:root{color-scheme:light dark;--page:#fff;--ink:#1b1f24;--soft:#5c6570;--rule:#e3e6ea;--good:#0a7f6b;--bad:#b3261e;--wash:#f6f7f9;--badwash:#fdecea}
@media(prefers-color-scheme:dark){:root{--page:#14171a;--ink:#e8eaed;--soft:#a3abb5;--rule:#2c3238;--good:#2fbf9f;--bad:#ff8a80;--wash:#1b1f23;--badwash:#3a1f1d}}
*{box-sizing:border-box}body{font:16px/1.5 system-ui,sans-serif;max-width:68rem;margin:2rem auto;padding:0 1rem;background:var(--page);color:var(--ink)}
h1{font-size:1.6rem;margin:0}h2{font-size:1.15rem;margin:2.5rem 0 .6rem}.soft{color:var(--soft);margin:.15rem 0}
.tiles{display:flex;flex-wrap:wrap;gap:.75rem;margin:1.5rem 0 0}.tile{background:var(--wash);border-radius:.5rem;padding:.7rem 1rem;min-width:8.5rem}
.tile b{display:block;font-size:1.5rem;line-height:1.25;font-variant-numeric:tabular-nums}.tile span{color:var(--soft);font-size:.85rem}
div.table{overflow-x:auto}table{border-collapse:collapse;font-size:.85rem;font-variant-numeric:tabular-nums;white-space:nowrap}
td,th{padding:.28rem .6rem;text-align:right;border-bottom:1px solid var(--rule)}th{color:var(--soft);font-weight:600}td:first-child,th:first-child{text-align:left;padding-left:0}
article{border-top:1px solid var(--rule);padding:1.1rem 0 1.3rem}article h3{font-size:1rem;margin:0 0 .2rem;font-weight:600;overflow-wrap:anywhere}
article h3 small{color:var(--soft);font-weight:400;margin-right:.4rem}.strip{overflow-x:auto;margin:.6rem 0 .5rem}.strip img{display:block;width:100%;min-width:40rem;height:auto;border-radius:.35rem}
.bad{display:inline-block;background:var(--badwash);color:var(--bad);border-radius:.3rem;padding:.05rem .4rem;margin-right:.35rem;font-size:.82rem;white-space:nowrap}
.read{display:grid;grid-template-columns:4.5rem 1fr;gap:.1rem .6rem;font-size:.88rem;margin:0}.read dt{color:var(--soft)}.read dd{margin:0}.wrong{color:var(--bad);font-weight:600}
.figures{color:var(--soft);font-size:.8rem;font-variant-numeric:tabular-nums;margin:.35rem 0 0}`;

/** A page of ours, complete: nothing is fetched, and there is no script. */
export function evalDocument(title: string, body: string): string {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escaped(title)}</title><style>${evalStyle}</style></head><body>
${body}
</body></html>
`;
}

/** The report as one page with its contact sheets, the worst clips first. */
export function evalHtml({ report, sheets }: EvalResult): string {
  const [subject, settings] = headlines(report);
  const rows = worstFirst(report.rows).slice(0, evalLimits.maxShownClips);
  const left = report.rows.length - rows.length;
  const more = left > 0 ? `<p class="soft">${left} more with less to find are in the JSON.</p>` : '';
  const isOrdered = report.rows.some(row => rowProblems(row).length > 0);
  return evalDocument(
    `Reelay eval: ${report.subject.model}`,
    `<h1>${escaped(report.subject.model)}</h1><p class="soft">${escaped(subject)}</p><p class="soft">${escaped(settings)}</p>
<div class="tiles">${tiles(report)}</div>
${section('What was asked, and is there', htmlTable(adherenceTable(report)))}
${section('Figures', htmlTable(figureTable(report)))}
<p class="soft" style="margin-top:.8rem">Defects: ${escaped(defectWords(report))}. rFVD: ${escaped([rfvdWords(report), ...firstFrameWords(report)].join('. '))}.</p>
${section(isOrdered ? 'Clips, the worst first' : 'Clips', rows.map(row => clip(row, sheets.get(row.index))).join('') + more)}`,
  );
}

function tiles({ adherence, figures, defects, rows }: EvalReport): string {
  const broken = rows.filter(row => rowProblems(row).some(problem => !problem.startsWith('wrong '))).length;
  const facts: (readonly [string, string])[] = [
    ...(adherence === null ? [] : [[`${adherence.all!.percent.all.toFixed(0)} %`, 'all as asked'] as const]),
    [String(rows.length - defects.failed), rows.length - defects.failed === 1 ? 'clip' : 'clips'],
    [String(broken), 'with a defect'],
    ...(figures === null
      ? []
      : [
          [shownNumber(figures.warpError.mean, 3), 'warp error, levels'] as const,
          [shownNumber(figures.flickerSecond.mean, 3), 'second difference, levels'] as const,
          [`${shownNumber(figures.dynamicDegree.mean, 3)} %`, 'dynamic degree'] as const,
        ]),
  ];
  return facts
    .map(([value, words]) => `<div class="tile"><b>${escaped(value)}</b><span>${escaped(words)}</span></div>`)
    .join('');
}

function clip(row: EvalRow, sheet: Uint8Array | undefined): string {
  const problems = rowProblems(row).map(problem => `<span class="bad">${escaped(problem)}</span>`);
  const picture = sheet === undefined ? '' : stripHtml(sheet, `frames of clip ${row.index + 1}`);
  const groups = row.groups.length === 0 ? '' : ` · ${row.groups.join(', ')}`;
  return `<article><h3><small>#${row.index + 1}</small>${escaped(row.prompt)}</h3>
<p class="soft" style="font-size:.82rem">${problems.join('')}seed ${row.seed}${escaped(groups)}</p>${picture}${readings(row)}${figuresOf(row.figures)}</article>`;
}

/** A contact sheet inside the page; `words` say what it shows. On a narrow screen it is moved sideways. */
export function stripHtml(sheet: Uint8Array, words: string): string {
  const data = Buffer.from(sheet).toString('base64');
  return `<div class="strip"><img alt="${escaped(words)}" src="data:image/jpeg;base64,${data}"></div>`;
}

function readings({ want, got, marks }: EvalRow): string {
  if (want === null) return '';
  const read =
    got === null || marks === null
      ? 'the oracle does not read a clip of this size'
      : readingHtml(got, new Set(ATTRIBUTES.filter(name => name !== 'all' && !marks[name])));
  return `<dl class="read"><dt>asked</dt><dd>${readingHtml(want, new Set())}</dd><dt>read</dt><dd>${read}</dd></dl>`;
}

/** What is wrong stands out. */
function readingHtml({ things, place, background, camera }: Reading, wrong: ReadonlySet<string>): string {
  const word = (name: string, text: string) =>
    wrong.has(name) ? `<span class="wrong">${escaped(text)}</span>` : escaped(text);
  const objects = things.map(thing =>
    isNothing(thing)
      ? word('shape', 'nothing')
      : [word('color', thing.color), word('shape', thing.shape), word('motion', thing.motion)].join(' '),
  );
  const placed = place === 'single' && !wrong.has('place') ? [] : [word('place', place)];
  return [...objects, ...placed, word('background', background), word('camera', camera)].join(' · ');
}

function figuresOf(figures: ClipFigures | null): string {
  if (figures === null) return '';
  const words = FIGURES.map(name => `${FIGURE_WORDS[name][0]} ${shownNumber(figures[name])}`);
  return `<p class="figures">${words.join(' · ')}</p>`;
}

/** A section, or nothing where there is nothing in it. */
export function section(title: string, body: string): string {
  return body === '' ? '' : `<section><h2>${escaped(title)}</h2>${body}</section>`;
}

/** A table; '' of none. */
export function htmlTable(table: EvalTable): string {
  if (table.length < 2) return '';
  const row = (cells: readonly string[], tag: string) =>
    `<tr>${cells.map(cell => `<${tag}>${escaped(cell)}</${tag}>`).join('')}</tr>`;
  const body = table.slice(1).map(cells => row(cells, 'td'));
  return `<div class="table"><table><thead>${row(table[0]!, 'th')}</thead><tbody>${body.join('')}</tbody></table></div>`;
}
