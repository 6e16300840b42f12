/**
 * Usage goes from the ledger to the entry of its day in three writes: the ledger fixes rows under a number, each day adds them unless it
 * has that number already, the ledger lets them go. Repeating any of them adds nothing.
 */
import { accountLimits } from './account-limits.ts';
import type { TenantLedger } from './ledger-entry.ts';
import { changeLedger, type LedgerPorts, pauseAfter, tooBusy } from './ledger-store.ts';
import { periodEndMs } from './periods.ts';
import { addUsage, type UsageRow } from './usage.ts';

/** The value of an entry `usage/<tenant>` under a day. */
export interface UsageDay {
  readonly v: 1;
  /** Of the last rows that were added. */
  readonly seq: number;
  readonly rows: readonly UsageRow[];
}

/** The space of a tenant's usage; the names are days. */
export function usageSpace(tenant: string): string {
  return `usage/${tenant}`;
}

/** Brings what a tenant's ledger has gathered to the entries of its days. */
export async function flushUsage(ports: LedgerPorts, tenant: string): Promise<void> {
  const { usage } = await changeLedger(ports, tenant, startFlush);
  const { flushing, seq } = usage;
  if (flushing === null) return;
  for (const day of new Set(flushing.map(row => row.day)))
    await addToDay(
      ports,
      tenant,
      day,
      seq,
      flushing.filter(row => row.day === day),
    );
  await changeLedger(ports, tenant, ledger =>
    ledger.usage.flushing === null || ledger.usage.seq !== seq
      ? undefined
      : { ...ledger, usage: { ...ledger.usage, flushing: null } },
  );
}

function startFlush(ledger: TenantLedger): TenantLedger | undefined {
  const { rows, seq, flushing } = ledger.usage;
  if (flushing !== null || rows.length === 0) return undefined;
  return { ...ledger, usage: { rows: [], seq: seq + 1, flushing: rows } };
}

async function addToDay(
  ports: LedgerPorts,
  tenant: string,
  day: string,
  seq: number,
  rows: readonly UsageRow[],
): Promise<void> {
  const space = usageSpace(tenant);
  for (let tries = 0; tries < accountLimits.ledgerTries; tries++) {
    const there = await ports.kv.get(space, day);
    const before = (there?.value as UsageDay | undefined) ?? { v: 1, seq: 0, rows: [] };
    if (before.seq >= seq) return;
    const value: UsageDay = { v: 1, seq, rows: rows.reduce(addUsage, before.rows) };
    const expiresAtMs = periodEndMs(day) + accountLimits.usageDays * 86_400_000;
    const entry = { space, name: day, value, expiresAtMs, dueAtMs: null };
    const written =
      there === undefined ? ports.kv.create(entry) : ports.kv.replace({ ...entry, version: there.version });
    if ((await written) !== undefined) return;
    await pauseAfter(ports, tries);
  }
  throw tooBusy();
}
