import type { OwnedRow, PlanRow } from '#core/placement/plan.ts';
import type { Outcome, Percentiles, Shares } from '#core/placement/simulation/outcome.ts';
import type { BreakEven, PlanReport, Sizing } from './plan-report.ts';

/** Rows of cells, the header first. The first column is text, the others are numbers. */
export type Table = readonly (readonly string[])[];

const percent = (share: number) => `${(100 * share).toFixed(0)} %`;
const seconds = (value: number) => (Number.isNaN(value) ? '-' : value.toFixed(0));
const dollars = (value: number) => (Math.abs(value) < 9.995 ? value.toFixed(2) : value.toFixed(0));

/** The first line: what was simulated. */
export function headline(report: PlanReport): string {
  const { name, jobs, days, workHours } = report.trace;
  const work = `${jobs} jobs in ${days.toFixed(1)} days, ${workHours.toFixed(0)} GPU-hours of work`;
  return `${name}: ${work}; ${report.gpu} at $${report.pricePerHourUsd} an hour`;
}

function cheapestPeer(report: PlanReport, wait: number): PlanRow | undefined {
  return report.policies
    .filter(row => row.kind === 'peer' && !row.outcome.cut && row.outcome.waits.p95 <= 1.02 * wait)
    .sort((a, b) => a.outcome.dollars - b.outcome.dollars)[0];
}

function policySentence(report: PlanReport, row: PlanRow): string {
  const { outcome: o, targetSeconds } = row;
  if (o.cut)
    return `At a target of ${targetSeconds} s a fleet of ${report.maxServers} servers does not catch up: try a larger --max.`;
  const kept = o.waits.p95 <= 1.02 * targetSeconds!;
  const wait = kept
    ? `95 % of the jobs start within ${seconds(o.waits.p95)} s`
    : `the target is missed: 95 % of the jobs start within ${seconds(o.waits.p95)} s`;
  const money = `the cloud costs $${dollars(o.dollars)} (${o.gpuHours.toFixed(1)} GPU-hours)`;
  const peer = cheapestPeer(report, Math.max(o.waits.p95, targetSeconds!));
  const less = peer === undefined ? 0 : 1 - o.dollars / peer.outcome.dollars;
  const versus =
    peer === undefined || less <= 0 ? '' : `, ${percent(less)} less than the best other rule (${peer.policy})`;
  return `At a target of ${targetSeconds} s ${wait}; ${money}${versus}.`;
}

function ownedSentence({ targetSeconds, servers, rows }: Sizing): string {
  const row = rows.find(other => other.servers === servers);
  if (row === undefined) {
    const most = rows.at(-1)!;
    if (most.outcome.cut)
      return `With ${most.servers} owned the simulated fleet does not catch up: try a larger --max.`;
    const { waits, sovereignWaits } = most.outcome;
    const [who, wait] =
      sovereignWaits.p95 > waits.p95 ? ['the jobs that must stay', sovereignWaits.p95] : ['the jobs', waits.p95];
    return `With ${most.servers} owned 95 % of ${who} start within ${seconds(wait)} s, so ${targetSeconds} s is missed: try --owned ${2 * most.servers + 2}.`;
  }
  if (servers === 0) return `Own none at ${targetSeconds} s: the cloud alone costs $${dollars(row.totalUsd)} a month.`;
  const none = rows.find(other => other.servers === 0);
  const versus = none === undefined ? '' : `, against $${dollars(none.totalUsd)} with none`;
  return `Own ${servers} at ${targetSeconds} s: $${dollars(row.totalUsd)} a month in all${versus}.`;
}

function breakEvenSentence({ targetSeconds, phi, onDemand, spot }: BreakEven): string {
  const at = `At ${targetSeconds} s the cloud bills ${phi.toFixed(2)} times what is used`;
  const from = (share: number | null) => (share === null ? 'never' : `from ${percent(share)} of use`);
  return `${at}; an owned GPU is cheaper ${from(onDemand)}, beside Spot ${from(spot)}.`;
}

/** From which use on an owned GPU is cheaper than the cloud, by target. */
export function breakEvenTable(report: PlanReport): Table {
  const from = (share: number | null) => (share === null ? 'never' : percent(share));
  return [
    ['owned is cheaper', 'billed/useful', 'than on demand at', 'than Spot at'],
    ...report.breakEvens.map(({ targetSeconds, phi, onDemand, spot }) => [
      `at ${targetSeconds} s`,
      phi.toFixed(2),
      from(onDemand),
      from(spot),
    ]),
  ];
}

/** What to take from it, a sentence each. */
export function conclusions(report: PlanReport): readonly string[] {
  const { missingServices, sovereignJobs, jobs } = report.trace;
  const said: string[] = [];
  if (report.leftPremises > 0) said.push(`WRONG: ${report.leftPremises} jobs left the premises that must not.`);
  for (const row of report.policies) if (row.kind === 'horizon') said.push(policySentence(report, row));
  said.push(...report.sizing.map(ownedSentence));
  const promised = report.sizing[0]?.targetSeconds;
  said.push(...report.breakEvens.filter(cell => cell.targetSeconds === promised).map(breakEvenSentence));
  if (sovereignJobs > 0) said.push(`${sovereignJobs} of ${jobs} jobs must stay on the premises; none left.`);
  if (missingServices > 0) said.push(`${missingServices} jobs without a service count as the median of the others.`);
  return report.leftPremises > 0 ? said.filter(sentence => !sentence.endsWith('none left.')) : said;
}

/** Policies side by side, the cheapest first. */
export function policyTable(report: PlanReport): Table {
  const video = report.policies.some(row => Number.isFinite(row.outcome.usdPerVideoSecond));
  const head = ['policy', 'GPU-h', 'billed/useful', '$', 'regret $', 'p50 s', 'p95 s', 'p99 s', 'max s', 'launches'];
  const rows = report.policies.toSorted((a, b) => a.outcome.dollars - b.outcome.dollars);
  return [
    [...head, ...(video ? ['$/video s'] : []), ''],
    ...rows.map(({ policy, outcome: o, frontier, regretUsd, kind }) => [
      policy,
      o.gpuHours.toFixed(1),
      Number.isNaN(o.phi) ? '-' : o.phi.toFixed(2),
      dollars(o.dollars),
      dollars(regretUsd),
      ...[o.waits.p50, o.waits.p95, o.waits.p99, o.waits.max].map(seconds),
      String(o.launches),
      ...(video ? [Number.isFinite(o.usdPerVideoSecond) ? o.usdPerVideoSecond.toPrecision(2) : '-'] : []),
      o.cut ? 'did not end' : frontier ? 'frontier' : kind === 'foresight' ? 'yardstick' : '',
    ]),
  ];
}

/** The parts of billed time in the order they are shown, with their words. */
export const shareWords: readonly (readonly [keyof Shares, string])[] = [
  ['useful', 'useful'],
  ['coldStart', 'cold start'],
  ['idle', 'idle'],
  ['cancelled', 'cancelled'],
  ['preempted', 'preempted'],
];

/** Where billed time went, by policy. */
export function wasteTable(report: PlanReport): Table {
  const rows = report.policies.toSorted((a, b) => a.outcome.dollars - b.outcome.dollars);
  return [
    ['billed time', ...shareWords.map(([, word]) => word)],
    ...rows.map(({ policy, outcome }) => [
      policy,
      ...shareWords.map(([share]) => `${(100 * outcome.shares[share]).toFixed(1)} %`),
    ]),
  ];
}

const four = ({ p50, p95, p99, max }: Percentiles) => [p50, p95, p99, max].map(seconds);

/** Waiting and end-to-end times of an outcome by tier and residency. */
export function groupTable(outcome: Outcome): Table {
  const times = ['p50', 'p95', 'p99', 'max'];
  const head = ['jobs of', 'number', ...times.map(p => `wait ${p}`), ...times.map(p => `end ${p}`)];
  return [
    head,
    ...outcome.groups.map(group => [
      `${group.tier}${group.sovereign ? ', must stay' : ''}`,
      String(group.jobs),
      ...four(group.waits),
      ...four(group.endToEnd),
    ]),
  ];
}

/** The run that tells most: with the GPUs to own, or horizon at the middle target. */
export function mainOutcome(report: PlanReport): Outcome | undefined {
  const [sizing] = report.sizing;
  const row = sizing?.rows.find(other => other.servers === sizing.servers) ?? sizing?.rows[0];
  return row?.outcome ?? report.policies[0]?.outcome;
}

/** Dollars and use by pool of one outcome. */
export function poolTable(outcome: Outcome): Table {
  return [
    ['pool', 'GPU-h', 'busy h', '$', 'launches', 'cancelled', 'idle', 'cold start'],
    ...outcome.pools.map(pool => [
      pool.pool,
      pool.gpuHours.toFixed(1),
      pool.busyHours.toFixed(1),
      pool.pool === 'owned' ? '-' : dollars(pool.dollars),
      String(pool.launches),
      String(pool.cancelled),
      percent(pool.shares.idle),
      percent(pool.shares.coldStart),
    ]),
  ];
}

/** Owned GPUs from none on, dollars of 30 days. */
export function sizingTable({ rows, servers }: Sizing): Table {
  const head = ['owned', 'cloud $', 'owned $', 'total $', 'in use', 'p95 s', 'p95 s must stay', ''];
  const verdict = (row: OwnedRow) => (row.servers === servers ? 'best' : row.keepsTarget ? '' : 'misses the target');
  return [
    head,
    ...rows.map(row => [
      String(row.servers),
      row.cloudUsd.toFixed(0),
      row.ownedUsd.toFixed(0),
      row.totalUsd.toFixed(0),
      percent(row.utilization),
      seconds(row.outcome.waits.p95),
      seconds(row.outcome.sovereignWaits.p95),
      verdict(row),
    ]),
  ];
}

function aligned(table: Table): string {
  const widths = table[0]!.map((_, c) => Math.max(...table.map(row => row[c]!.length)));
  const line = (row: readonly string[]) =>
    row.map((cell, c) => (c === 0 ? cell.padEnd(widths[c]!) : cell.padStart(widths[c]!))).join('  ');
  return `${table.map(row => line(row).trimEnd()).join('\n')}\n`;
}

/** The report as text for a terminal. */
export function planText(report: PlanReport): string {
  const main = mainOutcome(report);
  const policies = report.policies.length === 0 ? [] : [aligned(policyTable(report)), aligned(wasteTable(report))];
  const sizing = report.sizing.map(
    cell => `Owned and cloud at a target of ${cell.targetSeconds} s, 30 days:\n${aligned(sizingTable(cell))}`,
  );
  const best =
    main === undefined
      ? []
      : [`In ${nameOfMain(report)}, seconds:\n${aligned(groupTable(main))}\n${aligned(poolTable(main))}`];
  const evens = report.breakEvens.length === 0 ? [] : [aligned(breakEvenTable(report))];
  return [
    `${headline(report)}\n`,
    ...policies,
    ...sizing,
    ...evens,
    ...best,
    `${conclusions(report).join('\n')}\n`,
  ].join('\n');
}

/** Words for `mainOutcome`. */
export function nameOfMain(report: PlanReport): string {
  const [sizing] = report.sizing;
  if (sizing === undefined) return report.policies[0]?.policy ?? '';
  const servers = sizing.servers ?? sizing.rows[0]!.servers;
  return `the run with ${servers} owned at ${sizing.targetSeconds} s`;
}
