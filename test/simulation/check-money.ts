/** What must hold of money: no ledger above its budget at any write, and in the end each job paid for what it came to, once. */
import { committed } from '#core/accounts/budget.ts';
import type { UsageDay } from '#core/accounts/flush-usage.ts';
import { type HoldRecord, later } from '#core/accounts/hold-record.ts';
import { sumsOf, type TenantLedger, tenantAccount } from '#core/accounts/ledger-entry.ts';
import { ledgerSpace } from '#core/accounts/ledger-store.ts';
import { periodKinds, periodOf } from '#core/accounts/periods.ts';
import type { PriceList } from '#core/accounts/price-list.ts';
import type { UsageRow } from '#core/accounts/usage.ts';
import type { KeyValueEntry } from '#core/ports.ts';
import type { World } from './world.ts';

/** A video of the simulation has two seconds. */
export const simPrices: PriceList = {
  version: 'sim',
  digest: '',
  prices: { '*': { unit: 'output_second', rates: { '*': 20_001 } } },
};
/** Micro-dollars of one video. */
export const simPrice = 40_002;

/** Judges a write of a ledger. */
export function checkLedger(
  world: World,
  { space, name, value }: Pick<KeyValueEntry, 'space' | 'name' | 'value'>,
): void {
  const { budget } = world.scenario;
  if (space !== ledgerSpace || budget === null) return;
  for (const [period, accounts] of Object.entries((value as TenantLedger).sums)) {
    const sums = accounts[tenantAccount];
    if (sums !== undefined && committed(sums) > budget)
      world.violate(
        'no bill above the budget',
        `${name} has ${JSON.stringify(sums)} in ${period}; ${budget} is allowed`,
      );
  }
}

/** Judges a settled world. */
export function checkMoney(world: World): void {
  const entries = world.kv.entries();
  const ledgers = entries.filter(({ space }) => space === ledgerSpace);
  const holds = holdsOf(entries, ledgers);
  for (const hold of holds.values()) checkHold(world, hold);
  for (const id of world.facts.endedAs.keys())
    if (world.facts.priced.has(id) && !holds.has(id)) world.violate('each end is settled', `${id} has no hold`);
  for (const { name, value } of ledgers) checkSums(world, name, value as TenantLedger, [...holds.values()], entries);
}

/** The state of each hold: what is written of it, or what its ledger has decided since. */
function holdsOf(entries: readonly KeyValueEntry[], ledgers: readonly KeyValueEntry[]): Map<string, HoldRecord> {
  const written = entries.filter(({ space }) => space.startsWith('holds/')).map(({ value }) => value as HoldRecord);
  const moving = ledgers.flatMap(({ value }) => Object.values((value as TenantLedger).moving));
  const holds = new Map<string, HoldRecord>();
  for (const hold of [...written, ...moving]) holds.set(hold.jobId, later(holds.get(hold.jobId), hold)!);
  return holds;
}

function checkHold(world: World, { jobId, closed, terms }: HoldRecord): void {
  const ended = world.facts.endedAs.get(jobId);
  const is = (holds: boolean, rule: string) => {
    if (!holds) world.violate(rule, `${jobId} is ${ended ?? 'no job'}: ${JSON.stringify(closed)} of ${terms.held}`);
  };
  if (ended === undefined) is(closed === null || closed.outcome === 'abandoned', 'only a job costs something');
  else if (closed === null) is(false, 'each end is settled');
  // Who is ten minutes ahead takes a hold for one whose job never came.
  else if (closed.outcome === 'abandoned') is(clocksDiffer(world), 'what has a job is not abandoned');
  else {
    const micros = ended === 'completed' ? terms.held : 0;
    is(closed.outcome === ended, 'a hold closes as its job ended');
    is(closed.micros === micros, 'the completed cost their price, the others nothing');
  }
}

/** What a ledger says is what its holds come to, and so is the usage, wherever its rows are. */
function checkSums(
  world: World,
  tenant: string,
  ledger: TenantLedger,
  all: readonly HoldRecord[],
  entries: readonly KeyValueEntry[],
): void {
  const holds = all.filter(hold => hold.tenant === tenant);
  const sum = (some: readonly HoldRecord[], of: (hold: HoldRecord) => number) =>
    some.reduce((total, hold) => total + of(hold), 0);
  for (const kind of periodKinds)
    for (const period of new Set(holds.map(({ day }) => periodOf(kind, day)))) {
      const own = holds.filter(({ day }) => periodOf(kind, day) === period);
      const held = sum(own, hold => (hold.closed === null ? hold.terms.held : 0));
      const spent = sum(own, hold => hold.closed?.micros ?? 0);
      const said = sumsOf(ledger, period, tenantAccount);
      if (said.held !== held || said.spent !== spent)
        world.violate(
          'a ledger is the sum of its holds',
          `${tenant} ${period}: ${JSON.stringify(said)}, ${held}, ${spent}`,
        );
    }
  const rows = usageRows(tenant, ledger, entries);
  const counted = rows.reduce((total, { completed, uncharged }) => total + completed + uncharged, 0);
  const over = holds.filter(({ closed }) => closed !== null && closed.outcome !== 'abandoned');
  const micros = rows.reduce((total, row) => total + row.micros, 0);
  if (counted !== over.length || micros !== sum(over, hold => hold.closed?.micros ?? 0))
    world.violate('each end is counted once', `${tenant}: ${counted} of ${over.length}, ${micros} micro-dollars`);
}

function usageRows(tenant: string, { usage }: TenantLedger, entries: readonly KeyValueEntry[]): readonly UsageRow[] {
  const days = entries
    .filter(({ space }) => space === `usage/${tenant}`)
    .map(({ value, name }) => ({
      name,
      ...(value as UsageDay),
    }));
  const arrived = new Set(days.flatMap(day => (day.seq === usage.seq ? [day.name] : [])));
  const flushing = (usage.flushing ?? []).filter(({ day }) => !arrived.has(day));
  return [...days.flatMap(({ rows }) => rows), ...flushing, ...usage.rows];
}

function clocksDiffer({ scenario }: World): boolean {
  return scenario.skewMs > 10_000 || scenario.calamities.some(one => one === 'clock_jump' || one === 'suspend');
}
