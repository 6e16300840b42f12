import { breakEvenChart, escaped, frontierChart, loadChart, sizingChart, wasteChart } from './plan-charts.ts';
import type { PlanReport } from './plan-report.ts';
import {
  breakEvenTable,
  conclusions,
  groupTable,
  headline,
  mainOutcome,
  nameOfMain,
  policyTable,
  poolTable,
  sizingTable,
  type Table,
  wasteTable,
} from './plan-words.ts';

const colors = {
  light: {
    page: '#fff',
    ink: '#1b1f24',
    soft: '#5c6570',
    rule: '#e3e6ea',
    ours: '#0a7f6b',
    peer: '#8a929c',
    sight: '#b07a00',
    owned: '#5a67c9',
    useful: '#0a7f6b',
    coldStart: '#d9822b',
    idle: '#c3c9d1',
    cancelled: '#b5467a',
    preempted: '#5a67c9',
  },
  dark: {
    page: '#14171a',
    ink: '#e8eaed',
    soft: '#a3abb5',
    rule: '#2c3238',
    ours: '#2fbf9f',
    peer: '#8b949e',
    sight: '#e0ac3b',
    owned: '#8d98f0',
    useful: '#2fbf9f',
    coldStart: '#e8984a',
    idle: '#4a525b',
    cancelled: '#d4699a',
    preempted: '#8d98f0',
  },
};

const variables = (theme: Readonly<Record<string, string>>) =>
  Object.entries(theme)
    .map(([name, color]) => `--${name}:${color}`)
    .join(';');

const style = `:root{color-scheme:light dark;${variables(colors.light)}}
@media(prefers-color-scheme:dark){:root{${variables(colors.dark)}}}
body{font:16px/1.5 system-ui,sans-serif;max-width:64rem;margin:2rem auto;padding:0 1rem;background:var(--page);color:var(--ink)}
h1{font-size:1.6rem;margin:0}h2{font-size:1.15rem;margin:2.5rem 0 .5rem}.soft{color:var(--soft);margin:.2rem 0 1.2rem}
ul{padding-left:1.2rem}figure{margin:1.6rem 0}figcaption{font-weight:600;margin-bottom:.5rem}
svg{width:100%;height:auto;font:12px system-ui,sans-serif;fill:var(--soft)}svg .strong{fill:var(--ink);font-weight:600}
.grid{stroke:var(--rule);fill:none}.frontier{stroke:var(--ours);fill:none;stroke-dasharray:4 4;opacity:.7}
.own{stroke:var(--owned);stroke-width:2.5;fill:none}.cloud{stroke:var(--ours);stroke-width:1.5;fill:none}
div.table{overflow-x:auto}table{border-collapse:collapse;font-size:.82rem;font-variant-numeric:tabular-nums;white-space:nowrap}
td,th{padding:.25rem .5rem;text-align:right;border-bottom:1px solid var(--rule)}th{color:var(--soft);font-weight:600}
td:first-child,th:first-child{text-align:left;padding-left:0}`;

function htmlTable(table: Table): string {
  const row = (cells: readonly string[], tag: string) =>
    `<tr>${cells.map(cell => `<${tag}>${escaped(cell)}</${tag}>`).join('')}</tr>`;
  const body = table.slice(1).map(cells => row(cells, 'td'));
  return `<div class="table"><table><thead>${row(table[0]!, 'th')}</thead><tbody>${body.join('')}</tbody></table></div>`;
}

function section(title: string, ...parts: readonly string[]): string {
  const body = parts.filter(part => part !== '').join('');
  return body === '' ? '' : `<section><h2>${escaped(title)}</h2>${body}</section>`;
}

/** The report as one page without scripts or anything fetched. */
export function planHtml(report: PlanReport): string {
  const main = mainOutcome(report);
  const evens = breakEvenTable(report);
  const some = report.policies.length > 0;
  const { medianColdSeconds, maxServers } = report;
  const terms = `Cold starts of ${medianColdSeconds} s (median), ${maxServers} cloud servers at most. Simulated; no prices are fetched.`;
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Reelay plan: ${escaped(report.trace.name)}</title><style>${style}</style></head><body>
<h1>Plan for ${escaped(report.trace.name)}</h1><p class="soft">${escaped(headline(report))}. ${escaped(terms)}</p>
<ul>${conclusions(report)
    .map(sentence => `<li>${escaped(sentence)}</li>`)
    .join('')}</ul>
${section('The jobs', loadChart(report))}
${section('Policies', frontierChart(report), some ? htmlTable(policyTable(report)) : '')}
${section('Billed time', wasteChart(report), some ? htmlTable(wasteTable(report)) : '')}
${section('Owned and cloud', ...report.sizing.flatMap(cell => [sizingChart(cell), htmlTable(sizingTable(cell))]), breakEvenChart(report), evens.length > 1 ? htmlTable(evens) : '')}
${main === undefined ? '' : section(`By tier and residency, in ${nameOfMain(report)}`, htmlTable(groupTable(main)), htmlTable(poolTable(main)))}
</body></html>
`;
}
