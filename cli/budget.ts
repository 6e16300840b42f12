import { Command } from 'commander';
import { type Budget, parseBudget } from '#core/accounts/budget.ts';
import { sumsOfAll } from '#core/accounts/budget-events.ts';
import { ledgerSpace } from '#core/accounts/ledger-store.ts';
import { formatDollars } from '#core/accounts/micros.ts';
import { dayOf, periodKinds, periodOf } from '#core/accounts/periods.ts';
import { readInstallationBudget, readTenant, setInstallationBudget, updateTenant } from '#core/accounts/tenants.ts';
import { readSums } from '#core/accounts/usage-report.ts';
import { ReelayError } from '#core/errors.ts';
import { toBudget } from '#functions/account-wire.ts';
import { type AccountStore, tenantOf, withAccounts, withData } from './account-store.ts';

interface BudgetOptions {
  readonly data?: string;
  readonly tenant?: string;
  readonly day?: string;
  readonly month?: string;
}

/** `reelay budget`: what the installation or a tenant may spend, and what is left of it. */
export function budgetCommand(): Command {
  const budget = new Command('budget').description(
    'what jobs may cost in a day and a month: all together, or of a tenant',
  );
  const one = (name: string, description: string) =>
    withData(budget.command(name).description(description)).option(
      '--tenant <id>',
      'of this tenant; else of the installation',
    );
  one('show', 'the limits, what is spent, and what is held for jobs under way').action(async (options: BudgetOptions) =>
    withAccounts(options, store => show(store, options.tenant)),
  );
  one('set', 'set what is named; servers know it after ten seconds')
    .option('--day <dollars>', 'for a day (UTC); none: no limit')
    .option('--month <dollars>', 'for a month')
    .action(async (options: BudgetOptions) => withAccounts(options, store => set(store, options)));
  return budget;
}

async function show(store: AccountStore, named: string | undefined): Promise<void> {
  const { ports } = store;
  const tenant = named === undefined ? undefined : await tenantOf(store, named);
  const limit = toBudget(await limitOf(store, tenant));
  const own = tenant === undefined ? undefined : await readSums(ports, tenant, null, ports.now());
  for (const kind of periodKinds) {
    const period = periodOf(kind, dayOf(ports.now()));
    const { spent, held } = own?.[kind] ?? (await sumsOfAll(ports, period, await tenants(store)));
    const sums = `${formatDollars(spent)} spent, ${formatDollars(held)} held`;
    process.stdout.write(`${tenant ?? 'installation'}  ${period}  ${limit[kind] ?? 'no limit'}  ${sums} (USD)\n`);
  }
}

/** All that have a ledger. */
async function tenants({ ports }: AccountStore): Promise<readonly string[]> {
  const found: string[] = [];
  for (let after: string | undefined; ; ) {
    const page = await ports.kv.list(ledgerSpace, { limit: 500, ...(after === undefined ? {} : { after }) });
    found.push(...page.map(({ name }) => name));
    after = page.at(-1)?.name;
    if (page.length < 500) return found;
  }
}

async function limitOf({ ports }: AccountStore, tenant: string | undefined): Promise<Budget> {
  return tenant === undefined ? readInstallationBudget(ports) : (await readTenant(ports, tenant))!.budget;
}

async function set(store: AccountStore, options: BudgetOptions): Promise<void> {
  if (options.day === undefined && options.month === undefined)
    throw new ReelayError(
      'invalid_request',
      'reelay budget set: --day or --month with an amount in dollars is needed.',
    );
  const tenant = options.tenant === undefined ? undefined : await tenantOf(store, options.tenant);
  const asked = { ...toBudget(await limitOf(store, tenant)), ...amounts(options) };
  const problems: string[] = [];
  const budget = parseBudget(asked, (path, text) => void problems.push(`--${path}: ${text}`));
  if (budget === undefined) throw new ReelayError('invalid_request', problems.join(' '));
  if (tenant === undefined) await setInstallationBudget(store.ports, budget);
  else await updateTenant(store.ports, tenant, { budget: toBudget(budget) });
  await store.note(
    'budget.set',
    tenant === undefined ? { kind: 'budget', name: 'all' } : { kind: 'tenant', name: tenant },
  );
  await show(store, options.tenant);
}

function amounts({ day, month }: BudgetOptions): Record<string, string | null> {
  const said = Object.entries({ day, month }).filter(([, text]) => text !== undefined);
  return Object.fromEntries(said.map(([kind, text]) => [kind, text === 'none' ? null : (text ?? null)]));
}
