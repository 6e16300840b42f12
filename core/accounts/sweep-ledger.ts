/** What anyone may do at any time to bring ledgers, holds and jobs together: nothing here counts anything twice. */
import type { JobStore, KeyValueEntry } from '../ports.ts';
import { accountLimits } from './account-limits.ts';
import { settleJob } from './admit.ts';
import type { Budget } from './budget.ts';
import { checkInstallation, isLeft, publishInstallationOwed, publishOwed } from './budget-events.ts';
import { flushUsage } from './flush-usage.ts';
import { type HoldRecord, rankOf, writeHold } from './hold-record.ts';
import { readInstallation, shrinkSlices, totalOf, writeInstallation } from './installation.ts';
import type { Ledger } from './ledger.ts';
import { own, tidy } from './ledger-entry.ts';
import { changeLedger, type LedgerPorts, ledgerOf, ledgerSpace, rememberDry } from './ledger-store.ts';
import { dayOf, periodKinds, periodOf } from './periods.ts';
import { type Closing, closingOf } from './quote.ts';

/** What sweeping needs. */
export interface LedgerSweepPorts extends Omit<LedgerPorts, 'dry'> {
  /** One that reaches the jobs of every class: a hold whose job it cannot find is given back. */
  readonly store: Pick<JobStore, 'load'>;
  readonly ledger: Ledger;
  /** The installation's budget as it is now. */
  readonly installationBudget: Budget;
}

/**
 * Writes what ledgers owe, closes holds whose job is over or never came to be, and tells of the installation's budget. Returns how many
 * ledgers and holds it looked at. A failure of one keeps none of the others; the first is thrown at the end.
 */
export async function sweepLedger(outside: LedgerSweepPorts): Promise<number> {
  const ports = { ...outside, dry: rememberDry() };
  const failures: unknown[] = [];
  const each = async (entries: readonly KeyValueEntry[], look: (entry: KeyValueEntry) => Promise<void>) => {
    for (const entry of entries) await look(entry).catch((error: unknown) => void failures.push(error));
    return entries.length;
  };
  const due = (kind: string) => ports.kv.listDue(kind, ports.now(), accountLimits.sweepBatch);
  const ledgers = await each(await due('ledger'), entry =>
    entry.space === ledgerSpace ? payLedger(ports, entry.name) : publishInstallationOwed(ports, isLeft(ports.now())),
  );
  const holds = await each(await due('holds'), entry => lookAtHold(ports, entry));
  await fitSlices(ports).catch((error: unknown) => void failures.push(error));
  await checkInstallation(ports, ports.installationBudget).catch((error: unknown) => void failures.push(error));
  if (failures.length > 0) throw failures[0];
  return ledgers + holds;
}

/** Brings markers, usage and notices to where they belong. */
async function payLedger(ports: LedgerPorts, tenant: string): Promise<void> {
  const entry = await ports.kv.get(ledgerSpace, tenant);
  if (entry === undefined) return;
  const moving = Object.values(ledgerOf(entry).moving);
  await Promise.all(moving.map(hold => writeHold(ports.kv, hold)));
  const written = new Map(moving.map(hold => [hold.jobId, rankOf(hold)]));
  await flushUsage(ports, tenant);
  await publishOwed(ports, tenant, isLeft(ports.now()));
  await changeLedger(ports, tenant, ledger =>
    tidy(ledger, hold => (written.get(hold.jobId) ?? 0) >= rankOf(hold), ports.now()),
  );
  await putOff(ports, tenant);
}

/** What came meanwhile has a grace of its own. */
async function putOff(ports: LedgerPorts, tenant: string): Promise<void> {
  const entry = await ports.kv.get(ledgerSpace, tenant);
  if (entry?.dueAtMs === undefined || entry.dueAtMs === null || entry.dueAtMs > ports.now()) return;
  await ports.kv.replace({ ...entry, dueAtMs: ports.now() + accountLimits.ledgerGraceMs }); // lost: it is written often
}

/** A hold whose job is over is closed; one without a job is given back once no submit can make it any more. */
async function lookAtHold(ports: LedgerPorts & LedgerSweepPorts, entry: KeyValueEntry): Promise<void> {
  const hold = entry.value as HoldRecord;
  if (hold.closed !== null) return;
  const job = await ports.store.load(hold.jobId);
  if (job !== undefined && job.terms !== null && (await settleJob(ports.ledger, job)) !== undefined) return;
  const closing = job === undefined ? abandoned(hold, ports.now()) : closingOf(job);
  if (closing !== undefined) {
    // Between our look at the records and now, a repeated request may have come to make the job: it has renewed its hold.
    const only = job === undefined ? hold.generation : undefined;
    await ports.ledger.close(hold.tenant, hold.jobId, closing, only);
    return;
  }
  await ports.kv.replace({ ...entry, dueAtMs: ports.now() + accountLimits.holdLookMs }); // lost: it was closed
}

function abandoned(hold: HoldRecord, nowMs: number): Closing | undefined {
  return nowMs - hold.heldAtMs < accountLimits.holdGraceMs ? undefined : { outcome: 'abandoned', gpuMs: 0 };
}

/** A budget that was lowered below what is given: slices shrink to what is used. */
async function fitSlices(ports: LedgerPorts & LedgerSweepPorts): Promise<void> {
  for (const kind of periodKinds) {
    const limit = ports.installationBudget[kind];
    if (limit === null) continue;
    const period = periodOf(kind, dayOf(ports.now()));
    const { entry, value } = await readInstallation(ports);
    const given = own(value.given, period) ?? {};
    const over = totalOf(given) - limit;
    if (over <= 0) continue;
    const shrunk = await shrinkSlices(ports, period, given, Object.keys(given), over);
    await writeInstallation(ports, entry, { ...value, given: { ...value.given, [period]: shrunk.given } }); // lost: next sweep
  }
}
