/**
 * A budget that comes to 80 % and to 100 % of itself is told on the event bus. The notice is made once, in the write that gets there, and
 * its event has an id that follows from it, so a second delivery after a crash is known for what it is.
 */
import type { BudgetEvent } from '../events.ts';
import { accountLimits } from './account-limits.ts';
import { alertAt, type Budget, committed, noSums, type Sums } from './budget.ts';
import { readInstallation, totalOf, writeInstallation } from './installation.ts';
import { type BudgetNotice, own, reached, sumsOf, tenantAccount } from './ledger-entry.ts';
import { changeLedger, type LedgerPorts, pauseAfter, readLedger } from './ledger-store.ts';
import { dayOf, type PeriodKind, periodKinds, periodOf } from './periods.ts';

/** The event of a notice; money in whole micro-dollars. */
export function budgetEvent(notice: BudgetNotice): BudgetEvent {
  const { scope, id, tenant, period, percent, atMs, ...sums } = notice;
  return {
    specversion: '1.0',
    id: `evt_budget_${scope}_${id ?? 'all'}_${period}_${percent}`,
    source: 'reelay/accounts',
    type: 'budget.reached',
    subject: id ?? 'installation',
    time: new Date(atMs).toISOString(),
    datacontenttype: 'application/json',
    data: { scope, id, tenant, period, percent, currency: 'USD', ...sums },
  };
}

/** Whether a notice is to be told by its sweeper: whoever made it has had the time to. */
export function isLeft(nowMs: number): (notice: BudgetNotice) => boolean {
  return notice => nowMs - notice.atMs >= accountLimits.ledgerGraceMs;
}

/** Tells those notices of a tenant's ledger that are `mine` to tell, then takes them off. */
export async function publishOwed(
  ports: LedgerPorts,
  tenant: string,
  mine: (notice: BudgetNotice) => boolean,
): Promise<void> {
  const owed = (await readLedger(ports, tenant)).ledger.owed.filter(mine);
  if (owed.length === 0) return;
  for (const notice of owed) await ports.events.publish(budgetEvent(notice));
  const told = owed.map(noticeName);
  await changeLedger(ports, tenant, ledger => {
    const left = ledger.owed.filter(notice => !told.includes(noticeName(notice)));
    return left.length === ledger.owed.length ? undefined : { ...ledger, owed: left };
  });
}

/**
 * Adds up what all tenants have committed of the installation's budget and tells what it has come to; `refused` where a job of today was
 * refused for it. At most once every accountLimits.dryMs.
 */
export async function checkInstallation(ports: LedgerPorts, budget: Budget, refused?: PeriodKind): Promise<void> {
  const day = dayOf(ports.now());
  for (const kind of periodKinds) {
    const limit = budget[kind];
    const period = periodOf(kind, day);
    const name = `notice ${period} ${kind === refused}`;
    if (limit === null || limit === 0 || ports.dry.has(name, ports.now())) continue;
    ports.dry.note(name, ports.now());
    const made = await noticeInstallation(ports, period, limit, kind === refused);
    await publishInstallationOwed(ports, notice => made.includes(noticeName(notice)));
  }
}

async function noticeInstallation(
  ports: LedgerPorts,
  period: string,
  limit: number,
  isRefused: boolean,
): Promise<readonly string[]> {
  for (let tries = 0; tries < accountLimits.ledgerTries; tries++) {
    const { entry, value } = await readInstallation(ports);
    const given = own(value.given, period) ?? {};
    const untold: readonly number[] = accountLimits.budgetAlerts.filter(
      percent => !value.told.includes(`${period} ${percent}`),
    );
    // Less is committed than is given: below the first notice there is nothing to add up.
    if (untold.length === 0 || totalOf(given) < alertAt(limit, untold[0] ?? 100)) return [];
    const sums = await sumsOfAll(ports, period, Object.keys(given));
    const due = reached(sums, limit, isRefused).filter(percent => untold.includes(percent));
    if (due.length === 0) return [];
    const { spent: spentMicros, held: heldMicros } = sums;
    const base = { scope: 'installation' as const, id: null, tenant: null, period, limitMicros: limit };
    const owed = due.map(percent => ({ ...base, percent, spentMicros, heldMicros, atMs: ports.now() }));
    const told = [...value.told, ...due.map(percent => `${period} ${percent}`)];
    if (await writeInstallation(ports, entry, { ...value, told, owed: [...value.owed, ...owed] }))
      return owed.map(noticeName);
    await pauseAfter(ports, tries);
  }
  return []; // the next check makes it
}

/** The same for those of the installation. */
export async function publishInstallationOwed(
  ports: LedgerPorts,
  mine: (notice: BudgetNotice) => boolean,
): Promise<void> {
  for (let tries = 0; tries < accountLimits.ledgerTries; tries++) {
    const { entry, value } = await readInstallation(ports);
    const owed = value.owed.filter(mine);
    if (owed.length === 0) return;
    for (const notice of tries === 0 ? owed : []) await ports.events.publish(budgetEvent(notice));
    if (await writeInstallation(ports, entry, { ...value, owed: value.owed.filter(notice => !mine(notice)) })) return;
    await pauseAfter(ports, tries);
  }
}

/** What tenants have spent and held in a period, added up. */
export async function sumsOfAll(
  ports: Pick<LedgerPorts, 'kv'>,
  period: string,
  tenants: readonly string[],
): Promise<Sums> {
  let all = noSums;
  for (const tenant of tenants) {
    const { spent, held } = sumsOf((await readLedger(ports, tenant)).ledger, period, tenantAccount);
    all = { spent: all.spent + spent, held: all.held + held };
  }
  return committed(all) === 0 ? noSums : all;
}

/** Says which notice it is. */
export function noticeName({ scope, id, period, percent }: BudgetNotice): string {
  return `${scope} ${id} ${period} ${percent}`;
}
