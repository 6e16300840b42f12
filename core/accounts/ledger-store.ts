/** How ledgers are read and written: conditional writes of one entry a tenant. */
import { ReelayError } from '../errors.ts';
import type { EventBus, KeyValueEntry, KeyValueStore } from '../ports.ts';
import { accountLimits } from './account-limits.ts';
import { emptyLedger, isOwing, type TenantLedger } from './ledger-entry.ts';

/** What the ledger needs from outside. */
export interface LedgerPorts {
  readonly kv: KeyValueStore;
  readonly events: EventBus;
  readonly now: () => number;
  /** n random bytes. */
  readonly random: (n: number) => Uint8Array;
  readonly sleep: (ms: number) => Promise<void>;
  /** What this process knows to be used up. */
  readonly dry: DryPeriods;
}

/** Periods whose budget was found used up a moment ago, by all or by one tenant. */
export interface DryPeriods {
  readonly has: (period: string, nowMs: number) => boolean;
  readonly note: (period: string, nowMs: number) => void;
}

/** Remembers for accountLimits.dryMs, so that each refused job of an empty budget does not look through all tenants. */
export function rememberDry(): DryPeriods {
  const since = new Map<string, number>();
  return {
    has: (period, nowMs) => {
      const ageMs = nowMs - (since.get(period) ?? Number.NEGATIVE_INFINITY);
      return ageMs >= 0 && ageMs < accountLimits.dryMs;
    },
    note: (period, nowMs) => {
      if (since.size > accountLimits.maxSlicedTenants) since.clear();
      since.set(period, nowMs);
    },
  };
}

/** The space of the ledgers; the names are the tenants'. */
export const ledgerSpace = 'ledger/tenants';

/** A tenant's ledger, and the entry to hand to `writeLedger`; undefined where there is none yet. */
export async function readLedger(
  ports: Pick<LedgerPorts, 'kv'>,
  tenant: string,
): Promise<{ readonly entry: KeyValueEntry | undefined; readonly ledger: TenantLedger }> {
  const entry = await ports.kv.get(ledgerSpace, tenant);
  return { entry, ledger: entry === undefined ? emptyLedger : ledgerOf(entry) };
}

/** The ledger of an entry. */
export function ledgerOf(entry: KeyValueEntry): TenantLedger {
  return entry.value as TenantLedger;
}

/** Writes a ledger if it is still as it was read. What it owes is due once for the first debt: writes do not put it off. */
export async function writeLedger(
  ports: Pick<LedgerPorts, 'kv' | 'now'>,
  tenant: string,
  entry: KeyValueEntry | undefined,
  ledger: TenantLedger,
  dueAtMs: number | null = entry?.dueAtMs ?? null,
): Promise<boolean> {
  const due = isOwing(ledger) ? (dueAtMs ?? ports.now() + accountLimits.ledgerGraceMs) : null;
  const next = { space: ledgerSpace, name: tenant, value: ledger, expiresAtMs: null, dueAtMs: due };
  const written = entry === undefined ? ports.kv.create(next) : ports.kv.replace({ ...next, version: entry.version });
  return (await written) !== undefined;
}

/** Changes a ledger, again while others are faster; undefined from `change` leaves it. Throws `store_unavailable` after too many. */
export async function changeLedger(
  ports: LedgerPorts,
  tenant: string,
  change: (ledger: TenantLedger) => TenantLedger | undefined,
): Promise<TenantLedger> {
  for (let tries = 0; tries < accountLimits.ledgerTries; tries++) {
    const { entry, ledger } = await readLedger(ports, tenant);
    const next = change(ledger);
    if (next === undefined) return ledger;
    if (await writeLedger(ports, tenant, entry, next)) return next;
    await pauseAfter(ports, tries);
  }
  throw tooBusy();
}

/** Waits a random part of a time that doubles with each try: those who met once do not meet again. */
export async function pauseAfter(ports: Pick<LedgerPorts, 'random' | 'sleep'>, tries: number): Promise<void> {
  const mostMs = Math.min(accountLimits.retryMostMs, accountLimits.retryFirstMs * 2 ** Math.min(tries, 20));
  await ports.sleep((mostMs * ((ports.random(1)[0] ?? 128) + 1)) / 256);
}

/** What is said where others were faster too often. Nothing was taken from any budget. */
export function tooBusy(): ReelayError {
  return new ReelayError('store_unavailable', 'The budget is being used by many requests at once; try again shortly.');
}
