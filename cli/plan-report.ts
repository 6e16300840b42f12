import type { OwnedRow, PlanRow } from '#core/placement/plan.ts';

/** What `reelay plan` found; also its JSON. Dollars of `sizing` are of 30 days, all others of the whole trace. */
export interface PlanReport {
  readonly trace: string;
  readonly jobs: number;
  readonly days: number;
  readonly gpu: string;
  readonly pricePerHourUsd: number;
  readonly policies: readonly PlanRow[];
  readonly breakEvens: readonly {
    readonly targetSeconds: number;
    readonly phi: number;
    /** Null: owning is never cheaper. */
    readonly utilization: number | null;
  }[];
  readonly sizing: readonly { readonly targetSeconds: number; readonly rows: readonly OwnedRow[] }[];
}

type Table = readonly (readonly string[])[];

function policyTable(report: PlanReport): Table {
  const head = ['policy', 'GPU-h', 'billed/useful', '$', 'p50 s', 'p95 s', 'p99 s', 'launches', ''];
  const rows = report.policies.toSorted((a, b) => a.outcome.dollars - b.outcome.dollars);
  return [
    head,
    ...rows.map(({ policy, outcome: o, frontier }) => [
      policy,
      o.gpuHours.toFixed(1),
      o.phi.toFixed(2),
      o.dollars.toFixed(2),
      ...[o.waits.p50, o.waits.p95, o.waits.p99].map(wait => wait.toFixed(0)),
      String(o.launches),
      o.cut ? 'did not end' : frontier ? 'frontier' : '',
    ]),
  ];
}

function sizingTable(rows: readonly OwnedRow[]): Table {
  const least = Math.min(...rows.map(row => row.totalUsd));
  const head = ['owned', 'cloud $', 'owned $', 'total $', 'in use', 'p95 s', 'p95 s that must stay', ''];
  return [
    head,
    ...rows.map(row => [
      String(row.servers),
      row.cloudUsd.toFixed(0),
      row.ownedUsd.toFixed(0),
      row.totalUsd.toFixed(0),
      `${(100 * row.utilization).toFixed(0)} %`,
      row.outcome.waits.p95.toFixed(0),
      Number.isNaN(row.outcome.sovereignWaits.p95) ? '-' : row.outcome.sovereignWaits.p95.toFixed(0),
      row.totalUsd === least ? 'cheapest' : '',
    ]),
  ];
}

function aligned(table: Table): string {
  const widths = table[0]!.map((_, c) => Math.max(...table.map(row => row[c]!.length)));
  const line = (row: readonly string[]) =>
    row.map((cell, c) => (c === 0 ? cell.padEnd(widths[c]!) : cell.padStart(widths[c]!))).join('  ');
  return `${table.map(row => line(row).trimEnd()).join('\n')}\n`;
}

function summary(report: PlanReport): string {
  const { trace, jobs, days, gpu, pricePerHourUsd } = report;
  return `${trace}: ${jobs} jobs in ${days.toFixed(1)} days, ${gpu} at $${pricePerHourUsd} an hour`;
}

function breakEvenSentence({ targetSeconds, phi, utilization }: PlanReport['breakEvens'][number]): string {
  const at = `At a target of ${targetSeconds} s the cloud bills ${phi.toFixed(2)} times what is used`;
  if (utilization === null) return `${at}; an owned GPU is never cheaper.`;
  return `${at}; an owned GPU is cheaper from ${(100 * utilization).toFixed(0)} % of use.`;
}

/** The report as text for a terminal. */
export function planTable(report: PlanReport): string {
  const sizing = report.sizing.flatMap(({ targetSeconds, rows }) =>
    rows.length === 0
      ? []
      : [`Owned and cloud at a target of ${targetSeconds} s, 30 days:\n${aligned(sizingTable(rows))}`],
  );
  const policies = report.policies.length === 0 ? [] : [aligned(policyTable(report))];
  const breakEvens = report.breakEvens.map(cell => `${breakEvenSentence(cell)}\n`).join('');
  return [`${summary(report)}\n`, ...policies, ...(breakEvens === '' ? [] : [breakEvens]), ...sizing].join('\n');
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

function htmlTable(table: Table): string {
  const row = (cells: readonly string[], tag: string) =>
    `<tr>${cells.map(cell => `<${tag}>${escaped(cell)}</${tag}>`).join('')}</tr>`;
  return `<table>${row(table[0]!, 'th')}${table
    .slice(1)
    .map(cells => row(cells, 'td'))
    .join('')}</table>`;
}

/** Waiting against money, both logarithmic: down and to the left is better. */
function plot(report: PlanReport): string {
  const rows = report.policies.filter(row => !row.outcome.cut && row.outcome.dollars > 0);
  if (rows.length === 0) return '';
  const scale = (values: readonly number[], from: number, to: number) => {
    const low = Math.log(Math.min(...values)) - 0.05;
    const high = Math.log(Math.max(...values)) + 0.05;
    return (value: number) => from + ((Math.log(value) - low) / (high - low)) * (to - from);
  };
  const wait = (row: PlanRow) => Math.max(1, row.outcome.waits.p95);
  const x = scale(rows.map(wait), 60, 700);
  const y = scale(
    rows.map(row => row.outcome.dollars),
    360,
    20,
  );
  const dots = rows.map(row => {
    const kind = row.targetSeconds === undefined ? 'peer' : 'ours';
    const title = `${row.policy}: p95 ${row.outcome.waits.p95.toFixed(0)} s, $${row.outcome.dollars.toFixed(2)}`;
    const at = `cx="${x(wait(row)).toFixed(1)}" cy="${y(row.outcome.dollars).toFixed(1)}"`;
    return `<circle class="${kind}" ${at} r="5"><title>${escaped(title)}</title></circle>`;
  });
  const axes = '<path d="M60 20V360H700" fill="none" stroke="currentColor"/>';
  const words = '<text x="380" y="390">p95 of waiting, s</text><text x="10" y="14">dollars</text>';
  return `<svg viewBox="0 0 720 400" role="img" aria-label="dollars against waiting">${axes}${words}${dots.join('')}</svg>`;
}

const style = `body{font:16px/1.5 system-ui;max-width:60rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}
table{border-collapse:collapse;margin:1rem 0;display:block;overflow-x:auto}td,th{padding:.2rem .8rem;text-align:right}
td:first-child,th:first-child{text-align:left}svg{width:100%;fill:currentColor}.ours{fill:#0a7}.peer{fill:#999}`;

/** The report as one page without scripts or anything fetched. */
export function planHtml(report: PlanReport): string {
  const sizing = report.sizing.flatMap(({ targetSeconds, rows }) =>
    rows.length === 0
      ? []
      : [`<h2>Owned and cloud at a target of ${targetSeconds} s, 30 days</h2>${htmlTable(sizingTable(rows))}`],
  );
  const policies = report.policies.length === 0 ? '' : plot(report) + htmlTable(policyTable(report));
  const breakEvens = report.breakEvens.map(cell => `<p>${escaped(breakEvenSentence(cell))}</p>`).join('');
  const title = escaped(summary(report));
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Reelay plan: ${escaped(report.trace)}</title><style>${style}</style><h1>${title}</h1>${policies}${breakEvens}${sizing.join('')}</html>
`;
}
