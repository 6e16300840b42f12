/** Usage of a tenant by day, key and model, and what its budgets have left; as data for the API and as CSV for a spreadsheet. */
import { invalidRequest } from '../errors.ts';
import type { KeyValueStore } from '../ports.ts';
import { accountLimits } from './account-limits.ts';
import type { Sums } from './budget.ts';
import { type UsageDay, usageSpace } from './flush-usage.ts';
import { keyAccount, sumsOf, tenantAccount } from './ledger-entry.ts';
import { readLedger } from './ledger-store.ts';
import { formatDollars } from './micros.ts';
import { dayOf, daysBetween, isDay, type PeriodKind, periodEndMs, periodOf } from './periods.ts';
import { addUsage, sumOf, type UsageCounts, type UsageRow } from './usage.ts';

/** What rows are told apart by. */
export const usageGroups = ['day', 'key', 'model'] as const;
/** One of them. */
export type UsageGroup = (typeof usageGroups)[number];

/** A question: days from first to last, and what to tell apart. */
export interface UsageQuery {
  readonly first: string;
  readonly last: string;
  readonly by: readonly UsageGroup[];
}

/** An answer; of what is not told apart a row has null. */
export interface UsageReport {
  readonly rows: readonly (UsageCounts & Readonly<Record<UsageGroup, string | null>>)[];
  readonly total: UsageCounts;
}

const NOTHING: UsageCounts = { completed: 0, uncharged: 0, outputMs: 0, gpuMs: 0, micros: 0 };

/** A query from what a client wrote; the current month by day, key and model unless it says otherwise. Throws `invalid_request`. */
export function parseUsageQuery(
  input: {
    readonly from?: string | undefined;
    readonly to?: string | undefined;
    readonly group_by?: string | undefined;
  },
  nowMs: number,
): UsageQuery {
  const last = input.to ?? dayOf(nowMs);
  const first = input.from ?? `${last.slice(0, 7)}-01`;
  const by = input.group_by === undefined ? usageGroups : input.group_by.split(',');
  const fail = (path: string, text: string) => invalidRequest([{ path, message: `${path}: ${text}` }]);
  for (const [path, day] of [
    ['from', first],
    ['to', last],
  ] as const)
    if (!isDay(day)) throw fail(path, 'a day as YYYY-MM-DD (UTC) is needed.');
  const days = (periodEndMs(last) - periodEndMs(first)) / 86_400_000 + 1;
  if (days < 1 || days > accountLimits.maxReportDays)
    throw fail('to', `1 to ${accountLimits.maxReportDays} days from "from" on are allowed.`);
  if (!by.every((group): group is UsageGroup => (usageGroups as readonly string[]).includes(group)))
    throw fail('group_by', `a list of ${usageGroups.join(', ')}, separated by commas, is needed.`);
  return { first, last, by };
}

/** What a tenant has used; the sum of its rows is the sum of its settlements, to the micro-dollar. */
export async function readUsage(
  ports: { readonly kv: KeyValueStore },
  tenant: string,
  { first, last, by }: UsageQuery,
): Promise<UsageReport> {
  const rows = (await readRows(ports, tenant, daysBetween(first, last))).filter(
    ({ day }) => day >= first && day <= last,
  );
  const groups = new Map<string, UsageReport['rows'][number]>();
  for (const { day, key, model, ...counts } of rows) {
    const shown = { day, key, model };
    const of = Object.fromEntries(usageGroups.map(group => [group, by.includes(group) ? shown[group] : null]));
    const name = JSON.stringify(usageGroups.map(group => of[group]));
    const there = groups.get(name);
    const sum = there === undefined ? counts : sumOf(there, counts);
    groups.set(name, { ...(of as Record<UsageGroup, string | null>), ...sum });
  }
  const sorted = [...groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
  return { rows: sorted, total: rows.reduce<UsageCounts>(sumOf, NOTHING) };
}

/** Rows of the days' entries and those that are still on their way there, each once. */
async function readRows(
  ports: { readonly kv: KeyValueStore },
  tenant: string,
  days: readonly string[],
): Promise<readonly UsageRow[]> {
  for (let tries = 0; ; tries++) {
    const { usage } = (await readLedger(ports, tenant)).ledger;
    const entries = await Promise.all(days.map(day => ports.kv.get(usageSpace(tenant), day)));
    const kept = entries.flatMap(entry => (entry === undefined ? [] : [entry.value as UsageDay]));
    // Rows went on to their day since the ledger was read: they would count twice.
    if (kept.some(({ seq }) => seq > usage.seq) && tries < 8) continue;
    const arrived = new Set(
      entries.flatMap(entry => ((entry?.value as UsageDay | undefined)?.seq === usage.seq ? [entry?.name] : [])),
    );
    const flushing = (usage.flushing ?? []).filter(({ day }) => !arrived.has(day));
    return [...kept.flatMap(({ rows }) => rows), ...flushing, ...usage.rows].reduce<readonly UsageRow[]>(addUsage, []);
  }
}

/** A report as CSV (RFC 4180), dollars with six decimals at most. */
export function usageCsv({ rows }: UsageReport): string {
  const head = 'day,key,model,completed,uncharged,output_seconds,gpu_seconds,cost_usd';
  const lines = rows.map(({ day, key, model, completed, uncharged, outputMs, gpuMs, micros }) =>
    [day ?? '', key ?? '', model ?? '', completed, uncharged, outputMs / 1000, gpuMs / 1000, formatDollars(micros)]
      .map(cell => csvCell(String(cell)))
      .join(','),
  );
  return `${[head, ...lines].join('\r\n')}\r\n`;
}

/** A spreadsheet runs what begins like a formula: such a text gets an apostrophe before it. */
function csvCell(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** What a tenant, or one of its keys by its `budgetKey`, has spent and holds today and this month. */
export async function readSums(
  ports: { readonly kv: KeyValueStore },
  tenant: string,
  budgetKey: string | null,
  nowMs: number,
): Promise<Readonly<Record<PeriodKind, Sums>>> {
  const { ledger } = await readLedger(ports, tenant);
  const account = budgetKey === null ? tenantAccount : keyAccount(budgetKey);
  const of = (kind: PeriodKind) => sumsOf(ledger, periodOf(kind, dayOf(nowMs)), account);
  return { day: of('day'), month: of('month') };
}
