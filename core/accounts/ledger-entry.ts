/**
 * The ledger of one tenant: one entry, so that a job's money is taken from all budgets in one write, or from none. It has the sums of the
 * tenant and of its keys by period, the slices of the installation's budget that were given to the tenant, and what is still to be
 * written elsewhere: markers (hold-record.ts), usage, and notices. All of this file is data in, data out.
 */
import { accountLimits } from './account-limits.ts';
import { alertAt, type Budgets, budgetExceeded, committed, type Micros, noSums, type Sums } from './budget.ts';
import type { HoldRecord } from './hold-record.ts';
import { addMicros, subtractMicros } from './micros.ts';
import { periodEndMs, periodKinds, periodOf } from './periods.ts';
import type { Refusal } from './refusal.ts';
import { addUsage, type UsageRow, usageOf } from './usage.ts';

/** A value of the space `ledger/tenants`, under the tenant's name. */
export interface TenantLedger {
  readonly v: 1;
  /** By period and account: "t" is the tenant, "k:<key>" the keys that share a budget. */
  readonly sums: Readonly<Record<string, Readonly<Record<string, Sums>>>>;
  /** What the tenant may commit of the installation's budget, by period. Never more than the installation's entry has given. */
  readonly slices: Readonly<Record<string, Micros>>;
  /** The last states of holds that may not be written yet, by job. */
  readonly moving: Readonly<Record<string, HoldRecord>>;
  readonly usage: UsageBuffer;
  /** Notices that were made, "period account percent", so that each is made once. */
  readonly told: readonly string[];
  /** Made and not known to be out. */
  readonly owed: readonly BudgetNotice[];
}

/** Usage on its way to the entries of its days: `flushing` is fixed until it is there; `seq` numbers it. */
export interface UsageBuffer {
  readonly rows: readonly UsageRow[];
  readonly seq: number;
  readonly flushing: readonly UsageRow[] | null;
}

/** A budget that has come to a percentage of itself. */
export interface BudgetNotice {
  readonly scope: 'key' | 'tenant' | 'installation';
  /** The key or tenant; null for the installation. */
  readonly id: string | null;
  readonly tenant: string | null;
  readonly period: string;
  readonly percent: number;
  readonly limitMicros: Micros;
  readonly spentMicros: Micros;
  readonly heldMicros: Micros;
  readonly atMs: number;
}

/** A tenant of whom nothing is known. */
export const emptyLedger: TenantLedger = {
  v: 1,
  sums: {},
  slices: {},
  moving: {},
  usage: { rows: [], seq: 0, flushing: null },
  told: [],
  owed: [],
};

/** The tenant's own account. */
export const tenantAccount = 't';

/** The account of a budget key. */
export function keyAccount(budgetKey: string): string {
  return `k:${budgetKey}`;
}

/** What is committed in a period by an account. */
export function sumsOf(ledger: TenantLedger, period: string, account: string): Sums {
  return own(own(ledger.sums, period) ?? {}, account) ?? noSums;
}

/** The field of that name, whatever objects are made of. */
export function own<T>(record: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}

/** What came of applying a hold. */
export type Applied = { readonly ledger: TenantLedger } | { readonly ledger: TenantLedger; readonly refused: Refusal };

/**
 * Takes a hold from every budget, or from none and says which one it does not fit into. A tenant without a limit has that of all sums,
 * accountLimits.maxBudgetMicros, so that no sum ever loses a digit.
 */
export function applyHold(ledger: TenantLedger, hold: HoldRecord, budgets: Budgets, nowMs: number): Applied {
  const asked = hold.terms.held;
  for (const { scope, account, budget } of accountsOf(hold, budgets))
    for (const kind of periodKinds) {
      const limit = budget[kind] ?? (scope === 'tenant' ? accountLimits.maxBudgetMicros : null);
      const period = periodOf(kind, hold.day);
      const sums = sumsOf(ledger, period, account);
      if (limit === null || committed(sums) + asked <= limit || asked === 0) continue;
      const refused = budgetExceeded(scope, kind, hold.day, asked, { limit, sums });
      return { ledger: noticed(ledger, hold, budgets, nowMs, account), refused };
    }
  for (const kind of periodKinds) {
    const limit = budgets.installation[kind];
    const period = periodOf(kind, hold.day);
    const after = committed(sumsOf(ledger, period, tenantAccount)) + asked;
    if (limit === null || after <= (own(ledger.slices, period) ?? 0) || asked === 0) continue;
    return { ledger, refused: budgetExceeded('installation', kind, hold.day, asked, { limit, sums: noSums }) };
  }
  const moved = change(ledger, hold, sums => ({ ...sums, held: addMicros(sums.held, asked) }));
  return { ledger: noticed({ ...moved, moving: { ...moved.moving, [hold.jobId]: hold } }, hold, budgets, nowMs) };
}

/** Turns what was held into what was spent, which is never more; the usage goes along. `hold` is closed. */
export function applyClose(ledger: TenantLedger, hold: HoldRecord): TenantLedger {
  const { terms, closed, jobId } = hold;
  const moved = change(ledger, hold, ({ spent, held }) => ({
    spent: addMicros(spent, closed?.micros ?? 0),
    held: subtractMicros(held, terms.held),
  }));
  const row = usageOf(hold);
  const usage = row === undefined ? moved.usage : { ...moved.usage, rows: addUsage(moved.usage.rows, row) };
  return { ...moved, usage, moving: { ...moved.moving, [jobId]: hold } };
}

function accountsOf(hold: HoldRecord, budgets: Budgets) {
  const tenant = { scope: 'tenant' as const, account: tenantAccount, budget: budgets.tenant };
  if (hold.budgetKey === null) return [tenant];
  return [{ scope: 'key' as const, account: keyAccount(hold.budgetKey), budget: budgets.key }, tenant];
}

function change(ledger: TenantLedger, hold: HoldRecord, to: (sums: Sums) => Sums): TenantLedger {
  const accounts = [tenantAccount, ...(hold.budgetKey === null ? [] : [keyAccount(hold.budgetKey)])];
  const periods = periodKinds.map(kind => periodOf(kind, hold.day));
  const changed = periods.map(period => {
    const after = accounts.map(account => [account, to(sumsOf(ledger, period, account))] as const);
    return [period, { ...own(ledger.sums, period), ...Object.fromEntries(after) }] as const;
  });
  return { ...ledger, sums: { ...ledger.sums, ...Object.fromEntries(changed) } };
}

/** Adds the notices that are due and were not made: of what is reached, and of the last when a job was `refused` for that account. */
function noticed(
  ledger: TenantLedger,
  hold: HoldRecord,
  budgets: Budgets,
  atMs: number,
  refused?: string,
): TenantLedger {
  const told: string[] = [];
  const owed: BudgetNotice[] = [];
  for (const { scope, account, budget } of accountsOf(hold, budgets))
    for (const kind of periodKinds) {
      const limitMicros = budget[kind];
      if (limitMicros === null || limitMicros === 0) continue;
      const period = periodOf(kind, hold.day);
      const sums = sumsOf(ledger, period, account);
      for (const percent of reached(sums, limitMicros, account === refused && !fits(sums, hold, limitMicros))) {
        const name = `${period} ${account} ${percent}`;
        if (ledger.told.includes(name)) continue;
        told.push(name);
        const id = scope === 'key' ? hold.budgetKey : hold.tenant;
        const { spent: spentMicros, held: heldMicros } = sums;
        owed.push({ scope, id, tenant: hold.tenant, period, percent, limitMicros, spentMicros, heldMicros, atMs });
      }
    }
  return told.length === 0 ? ledger : { ...ledger, told: [...ledger.told, ...told], owed: [...ledger.owed, ...owed] };
}

function fits(sums: Sums, hold: HoldRecord, limit: Micros): boolean {
  return committed(sums) + hold.terms.held <= limit;
}

/**
 * The percentages that are told of these sums. A budget counts as used up when it is, or when a job was refused for it that had come to
 * the first percentage: jobs rarely add up to a limit, and one absurd request must not use the one notice up.
 */
export function reached(sums: Sums, limit: Micros, isRefused: boolean): readonly number[] {
  const [first = 80] = accountLimits.budgetAlerts;
  const isFull = isRefused && committed(sums) >= alertAt(limit, first);
  return accountLimits.budgetAlerts.filter(percent => isFull || committed(sums) >= alertAt(limit, percent));
}

/** Without the markers that are written and the periods that are over, in which nothing is held any more. */
export function tidy(ledger: TenantLedger, isWritten: (hold: HoldRecord) => boolean, nowMs: number): TenantLedger {
  const isOver = (period: string) => periodEndMs(period) + accountLimits.periodGraceMs < nowMs;
  const isOpen = (period: string) => (own(ledger.sums, period)?.[tenantAccount]?.held ?? 0) > 0;
  const moving = Object.values(ledger.moving).filter(hold => !isWritten(hold));
  const gone = Object.keys(ledger.sums).filter(period => isOver(period) && !isOpen(period));
  const isKept = (period: string) => !gone.includes(period);
  return {
    ...ledger,
    moving: Object.fromEntries(moving.map(hold => [hold.jobId, hold])),
    sums: gone.length === 0 ? ledger.sums : kept(ledger.sums, isKept),
    slices: kept(ledger.slices, period => !isOver(period)),
    told: ledger.told.filter(name => isKept(name.split(' ')[0] ?? '') && !isOver(name.split(' ')[0] ?? '')),
  };
}

/** Whether anything waits to be written elsewhere. */
export function isOwing({ moving, usage, owed }: TenantLedger): boolean {
  return Object.keys(moving).length > 0 || usage.rows.length > 0 || usage.flushing !== null || owed.length > 0;
}

function kept<T>(record: Readonly<Record<string, T>>, isKept: (name: string) => boolean): Record<string, T> {
  return Object.fromEntries(Object.entries(record).filter(([name]) => isKept(name)));
}
