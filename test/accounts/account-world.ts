import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { createLocalEventBus, readEvents } from '#adapters/local/local-event-bus.ts';
import { openDatabase } from '#adapters/local/sqlite.ts';
import { createSqliteJobStore } from '#adapters/local/sqlite-job-store.ts';
import { createSqliteKeyValueStore } from '#adapters/local/sqlite-key-value-store.ts';
import { type Budget, type Budgets, committed, noBudget } from '#core/accounts/budget.ts';
import type { HoldRecord } from '#core/accounts/hold-record.ts';
import { type Installation, readInstallation, totalOf } from '#core/accounts/installation.ts';
import { createLedger, type Ledger } from '#core/accounts/ledger.ts';
import type { HoldRequest } from '#core/accounts/ledger-batch.ts';
import { own, type TenantLedger } from '#core/accounts/ledger-entry.ts';
import { type LedgerPorts, ledgerOf, ledgerSpace } from '#core/accounts/ledger-store.ts';
import { periodKinds, periodOf } from '#core/accounts/periods.ts';
import type { Quote } from '#core/accounts/quote.ts';
import type { LedgerSweepPorts } from '#core/accounts/sweep-ledger.ts';
import type { BusEvent } from '#core/events.ts';
import type { JobStore, KeyValueStore } from '#core/ports.ts';
import { temporaryFolder } from '#test/contracts/local-folder.ts';

/** Numbers that a seed repeats: mulberry32, public domain. */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

export interface World {
  readonly kv: KeyValueStore;
  readonly store: JobStore;
  readonly time: { nowMs: number };
  /** Of a process whose key-value store is this one, or that one. */
  process(kv?: KeyValueStore): { readonly ports: Omit<LedgerPorts, 'dry'>; readonly ledger: Ledger };
  sweepPorts(installationBudget: Budget, kv?: KeyValueStore): LedgerSweepPorts;
  events(): Promise<readonly BusEvent[]>;
  /** As if it was just opened, but for the events. */
  clear(): void;
  close(): void;
}

export const noon = Date.UTC(2026, 10, 21, 12);
export const today = '2026-11-21';

/** The local adapters in a folder of their own, on a clock that the test moves. Waits of the ledger are over at once. */
export function openWorld(seed = 1): World {
  const folder = temporaryFolder();
  const db = openDatabase(folder.path);
  db.exec('PRAGMA synchronous=OFF'); // what is shown here does not depend on the disk
  const kv = createSqliteKeyValueStore(db);
  const store = createSqliteJobStore(db);
  const time = { nowMs: noon };
  const eventFile = join(folder.path, 'events.jsonl');
  const events = createLocalEventBus(eventFile);
  const draw = seeded(seed);
  const portsOn = (own: KeyValueStore) => ({
    kv: own,
    events,
    now: () => time.nowMs,
    random: (n: number) => Uint8Array.from({ length: n }, () => draw() * 256),
    sleep: () => new Promise<void>(done => setImmediate(done)),
  });
  const start = (own = kv) => ({ ports: portsOn(own), ledger: createLedger(portsOn(own)) });
  return {
    kv,
    store,
    time,
    process: start,
    sweepPorts: (installationBudget, own = kv) => ({
      ...portsOn(own),
      store,
      ledger: start(own).ledger,
      installationBudget,
    }),
    events: () => Array.fromAsync(readEvents(eventFile)),
    clear: () => {
      db.exec('DELETE FROM entries; DELETE FROM jobs');
      time.nowMs = noon;
    },
    close: () => {
      db.close();
      folder.remove();
    },
  };
}

/** Terms that hold and cost this many micro-dollars. */
export function costing(micros: number): Quote {
  return {
    unit: 'output_second',
    rate: micros,
    estimated: micros,
    held: micros,
    priceVersion: 'test',
    priceDigest: 'd',
  };
}

export function budgetsOf(some: Partial<Budgets> = {}): Budgets {
  return { key: noBudget, tenant: noBudget, installation: noBudget, ...some };
}

export function asking(jobId: string, micros: number, budgets: Budgets, some: Partial<HoldRequest> = {}): HoldRequest {
  const who = { tenant: 'acme', keyId: 'key_a', budgetKey: 'key_a', model: 'tiny', outputMs: 1000 };
  return { ...who, jobId, terms: costing(micros), budgets, ...some };
}

export const completed = { outcome: 'completed', gpuMs: 500 } as const;
export const failed = { outcome: 'failed', gpuMs: 500 } as const;

export async function ledgers(kv: KeyValueStore): Promise<ReadonlyMap<string, TenantLedger>> {
  return new Map((await kv.list(ledgerSpace, { limit: 500 })).map(entry => [entry.name, ledgerOf(entry)]));
}

export async function holdsOf(kv: KeyValueStore, tenant: string): Promise<readonly HoldRecord[]> {
  return (await kv.list(`holds/${tenant}`, { limit: 2_000 })).map(entry => entry.value as HoldRecord);
}

/** Every budget that is exceeded, and every slice that is larger than what was given; nothing when all is well. */
export async function broken(ports: LedgerPorts, budgets: Budgets): Promise<string[]> {
  const all = await ledgers(ports.kv);
  const { value: installation } = await readInstallation(ports);
  return [...tenantBreaks(all, budgets), ...installationBreaks(all, installation, budgets.installation)];
}

function* tenantBreaks(all: ReadonlyMap<string, TenantLedger>, budgets: Budgets): Iterable<string> {
  for (const [tenant, ledger] of all)
    for (const kind of periodKinds)
      for (const [account, sums] of Object.entries(own(ledger.sums, periodOf(kind, today)) ?? {})) {
        const limit = (account === 't' ? budgets.tenant : budgets.key)[kind] ?? Number.POSITIVE_INFINITY;
        if (committed(sums) > limit) yield `${tenant} ${account} ${kind}: ${JSON.stringify(sums)} of ${limit}`;
        if (sums.held < 0 || sums.spent < 0) yield `${tenant} ${account} ${kind}: ${JSON.stringify(sums)}`;
      }
}

function* installationBreaks(
  all: ReadonlyMap<string, TenantLedger>,
  installation: Installation,
  budget: Budget,
): Iterable<string> {
  for (const kind of periodKinds) {
    const limit = budget[kind];
    if (limit === null) continue;
    const period = periodOf(kind, today);
    const given = own(installation.given, period) ?? {};
    if (totalOf(given) > limit) yield `installation ${kind}: ${totalOf(given)} given of ${limit}`;
    let sum = 0;
    for (const [tenant, ledger] of all) {
      const used = committed(own(own(ledger.sums, period) ?? {}, 't') ?? { spent: 0, held: 0 });
      const slice = own(ledger.slices, period) ?? 0;
      sum += used;
      if (used > slice) yield `${tenant} ${kind}: ${used} committed of a slice of ${slice}`;
      if (slice > (own(given, tenant) ?? 0)) yield `${tenant} ${kind}: slice ${slice} of ${own(given, tenant)} given`;
    }
    if (sum > limit) yield `installation ${kind}: ${sum} committed of ${limit}`;
  }
}

/** Thrown by a store whose process was killed. */
export class Killed extends Error {}

/** A store that dies with its process at the write of that number, before it is done or just after, without an answer. */
export function dyingAt(
  kv: KeyValueStore,
  write: number,
  moment: 'before' | 'after',
): KeyValueStore & { dead(): boolean } {
  let writes = 0;
  let isDead = false;
  const live = <T>(call: () => Promise<T>): Promise<T> => (isDead ? Promise.reject(new Killed()) : call());
  const counted = <T>(call: () => Promise<T>): Promise<T> =>
    live(async () => {
      writes++;
      if (writes < write) return call();
      isDead = true;
      if (moment === 'after') await call();
      throw new Killed();
    });
  return {
    get: (...args) => live(() => kv.get(...args)),
    list: (...args) => live(() => kv.list(...args)),
    listDue: (...args) => live(() => kv.listDue(...args)),
    create: entry => counted(() => kv.create(entry)),
    replace: entry => counted(() => kv.replace(entry)),
    put: entry => counted(() => kv.put(entry)),
    remove: (...args) => counted(() => kv.remove(...args)),
    removeExpired: (...args) => counted(() => kv.removeExpired(...args)),
    dead: () => isDead,
  };
}
