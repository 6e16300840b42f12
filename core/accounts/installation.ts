/**
 * The installation's budget, in slices. It is the one thing that all submits of all tenants share; counted in one entry it would be
 * written by each of them, and a key-value store writes one entry some hundred times a second. So the entry only says how much each
 * tenant may commit, and it is written when a tenant needs more.
 *
 * A tenant's ledger has a copy of its slice. Two rules keep copy <= given, and so the sum of what is committed <= the sum given <= budget:
 *
 *     grow    reads the ledger, then the installation; writes the installation, then the ledger at the version read
 *     shrink  reads the installation, then the ledger; writes the ledger, then the installation at the version read
 *
 * Each writes both, even where a value stays. If a shrink's second write comes between the two of a grow, its first one came after the
 * grow's first (or its version of the installation would be old) and so after the grow read the ledger: the grow's second write fails.
 * A crash between the writes leaves a copy below what is given, never above.
 */
import { ReelayError } from '../errors.ts';
import type { KeyValueEntry } from '../ports.ts';
import { accountLimits } from './account-limits.ts';
import type { Budget, Micros } from './budget.ts';
import { committed } from './budget.ts';
import { type BudgetNotice, own, sumsOf, tenantAccount } from './ledger-entry.ts';
import { type LedgerPorts, ledgerOf, ledgerSpace, readLedger, writeLedger } from './ledger-store.ts';
import { type PeriodKind, periodEndMs } from './periods.ts';

/** The value of the one entry. */
export interface Installation {
  readonly v: 1;
  /** By period and tenant. */
  readonly given: Readonly<Record<string, Readonly<Record<string, Micros>>>>;
  readonly told: readonly string[];
  readonly owed: readonly BudgetNotice[];
}

const PLACE = { space: 'ledger/installation', name: 'slices' } as const;
const NOTHING: Installation = { v: 1, given: {}, told: [], owed: [] };

/** What a tenant wants to be able to commit in a period, in all. */
export interface Want {
  readonly kind: PeriodKind;
  readonly period: string;
  readonly micros: Micros;
  /** What it has committed already. */
  readonly used: Micros;
}

/** The installation's entry, with what to hand to `writeInstallation`. */
export async function readInstallation(
  ports: LedgerPorts,
): Promise<{ readonly entry: KeyValueEntry | undefined; readonly value: Installation }> {
  const entry = await ports.kv.get(PLACE.space, PLACE.name);
  return { entry, value: (entry?.value as Installation | undefined) ?? NOTHING };
}

/** Writes it if it is still as it was read. */
export async function writeInstallation(
  ports: LedgerPorts,
  entry: KeyValueEntry | undefined,
  value: Installation,
): Promise<boolean> {
  const nowMs = ports.now();
  const isOver = (period: string) => periodEndMs(period) + accountLimits.periodGraceMs < nowMs;
  const given = Object.fromEntries(Object.entries(value.given).filter(([period]) => !isOver(period)));
  const told = value.told.filter(name => !isOver(name.split(' ')[0] ?? ''));
  const dueAtMs = value.owed.length > 0 ? nowMs + accountLimits.ledgerGraceMs : null;
  const next = { ...PLACE, value: { ...value, given, told }, expiresAtMs: null, dueAtMs };
  const written = entry === undefined ? ports.kv.create(next) : ports.kv.replace({ ...next, version: entry.version });
  return (await written) !== undefined;
}

/**
 * The first half of a grow: gives the tenant what it wants, or what is left, and returns its slices by period; undefined where another
 * one was faster, and the ledger has to be read again. The caller has read the ledger before, `copies` are its slices, and now it writes
 * those returned to it at that version. Slices that others do not use are taken back where what is left does not do.
 */
export async function growSlices(
  ports: LedgerPorts,
  tenant: string,
  wants: readonly Want[],
  budget: Budget,
  copies: Readonly<Record<string, Micros>>,
): Promise<Readonly<Record<string, Micros>> | undefined> {
  let { entry, given, short } = await plan(ports, tenant, wants, budget);
  for (const _ of wants) {
    if (short === undefined) break;
    const names = [short.period, dryFor(short, tenant)];
    if (names.some(name => ports.dry.has(name, ports.now()))) break;
    if (await reclaim(ports, tenant, short, budget[short.kind] ?? 0))
      ({ entry, given, short } = await plan(ports, tenant, wants, budget));
    // Who was given what is left, and still cannot make its job of it, is no reason to refuse a smaller one of another tenant.
    else ports.dry.note(hasSpare(given, tenant, short) ? dryFor(short, tenant) : short.period, ports.now());
  }
  const slices = Object.fromEntries(wants.map(({ period }) => [period, own(own(given, period) ?? {}, tenant) ?? 0]));
  if (Object.entries(slices).every(([period, micros]) => micros <= (own(copies, period) ?? 0))) return copies;
  // Written even where nothing is given: a shrink that is under way must see that somebody is about to use what there is.
  return (await writeInstallation(ports, entry.entry, { ...entry.value, given })) ? slices : undefined;
}

/** Nothing is left in the period for this one, which is more than nothing for another one. */
function dryFor({ period }: Want, tenant: string): string {
  return `${period} ${tenant}`;
}

function hasSpare(given: Installation['given'], tenant: string, { period, used }: Want): boolean {
  return (own(own(given, period) ?? {}, tenant) ?? 0) > used;
}

/** What the installation's entry would say if the tenant got what it wants, as far as there is; `short`: what there is too little of. */
async function plan(ports: LedgerPorts, tenant: string, wants: readonly Want[], budget: Budget) {
  const entry = await readInstallation(ports);
  let given = entry.value.given;
  let short: Want | undefined;
  for (const want of wants) {
    const period = own(given, want.period) ?? (await enrolled(ports, want.period));
    const have = own(period, tenant) ?? 0;
    if (have === 0 && Object.keys(period).length >= accountLimits.maxSlicedTenants) throw tooManyTenants();
    const left = Math.max(0, (budget[want.kind] ?? 0) - totalOf(period));
    const need = Math.max(0, want.micros - have);
    if (need > left) short ??= want;
    const more = need === 0 ? 0 : Math.min(left, Math.max(need, Math.floor(left / accountLimits.sliceDivisor)));
    given = { ...given, [want.period]: { ...period, [tenant]: have + more } };
  }
  return { entry, given, short };
}

/** A period that is new here, or whose budget is: what tenants have committed in it already counts as given to them. */
async function enrolled(ports: LedgerPorts, period: string): Promise<Record<string, Micros>> {
  const given: Record<string, Micros> = {};
  for (let after: string | undefined; ; ) {
    const page = await ports.kv.list(ledgerSpace, { limit: 500, ...(after === undefined ? {} : { after }) });
    for (const entry of page) {
      const used = committed(sumsOf(ledgerOf(entry), period, tenantAccount));
      if (used > 0) given[entry.name] = used;
    }
    after = page.at(-1)?.name;
    if (page.length < 500) return given;
  }
}

/** Shrinks the slices of other tenants to what they use, until what is wanted is free. Whether anything was freed. */
async function reclaim(ports: LedgerPorts, tenant: string, want: Want, limit: Micros): Promise<boolean> {
  const { entry, value } = await readInstallation(ports);
  const period = own(value.given, want.period) ?? {};
  const others = Object.keys(period).filter(name => name !== tenant);
  const missing = want.micros - (own(period, tenant) ?? 0) - Math.max(0, limit - totalOf(period));
  const { given, freed } = await shrinkSlices(ports, want.period, period, others, missing);
  if (freed === 0) return false;
  // A lost race leaves copies below what is given, which costs a grow and nothing else.
  return (
    (await writeInstallation(ports, entry, { ...value, given: { ...value.given, [want.period]: given } })) || freed > 0
  );
}

/** The first half of shrinks: the tenants' ledgers. `given` was read from the installation before. */
export async function shrinkSlices(
  ports: LedgerPorts,
  period: string,
  given: Readonly<Record<string, Micros>>,
  tenants: readonly string[],
  enough: Micros,
): Promise<{ readonly given: Readonly<Record<string, Micros>>; readonly freed: Micros }> {
  let freed = 0;
  let after = given;
  for (const name of someOf(ports, tenants)) {
    if (freed >= enough) break;
    const { entry, ledger } = await readLedger(ports, name);
    const used = committed(sumsOf(ledger, period, tenantAccount));
    const spare = (own(given, name) ?? 0) - used;
    if (spare <= 0) continue;
    // Busy: it is being used, so it is no slice to take.
    const shrunk = { ...ledger, slices: { ...ledger.slices, [period]: used } };
    if (!(await writeLedger(ports, name, entry, shrunk))) continue;
    freed += spare;
    const { [name]: _, ...others } = after;
    after = used === 0 ? others : { ...others, [name]: used };
  }
  return { given: after, freed };
}

/** accountLimits.reclaimBatch of them, others each time: those at the front may be the ones that use all they have. */
function someOf({ random }: Pick<LedgerPorts, 'random'>, tenants: readonly string[]): readonly string[] {
  if (tenants.length <= accountLimits.reclaimBatch) return tenants;
  const [high = 0, low = 0] = random(2);
  const from = Math.floor(((high * 256 + low) / 65_536) * tenants.length);
  return [...tenants.slice(from), ...tenants.slice(0, from)].slice(0, accountLimits.reclaimBatch);
}

function tooManyTenants(): ReelayError {
  const most = accountLimits.maxSlicedTenants;
  return new ReelayError(
    'store_unavailable',
    `More than ${most} tenants share the installation's budget; it has no room for another.`,
  );
}

/** All that is given of a period. */
export function totalOf(given: Readonly<Record<string, Micros>>): Micros {
  return Object.values(given).reduce((sum, micros) => sum + micros, 0);
}
