import { Command, Option } from 'commander';
import type { TenantRecord } from '#core/accounts/tenant.ts';
import { createTenant, listTenants, updateTenant } from '#core/accounts/tenants.ts';
import { disclosureProfiles } from '#core/audit/disclosure.ts';
import { limits } from '#core/limits.ts';
import { toTenant } from '#functions/account-wire.ts';
import { type BudgetOptions, budgetOf, listOf, withAccounts, withBudget, withData } from './account-store.ts';

const NUMBERS = {
  requestsPerMinute: ['requests_per_minute', 'requests it may send, in bursts of as many'],
  concurrentJobs: ['concurrent_jobs', 'jobs that may run at once'],
  queuedJobs: ['queued_jobs', 'jobs that may wait'],
  maxPixels: ['max_pixels', 'width times height of a video'],
  maxSeconds: ['max_seconds', 'length of a video'],
} as const;
const LISTS = {
  models: ['models', 'models it may use'],
  residency: ['residency', 'residency classes it may use'],
} as const;
const ALL = { ...NUMBERS, ...LISTS } as Readonly<Record<string, readonly [field: string, what: string]>>;

interface TenantOptions extends BudgetOptions {
  readonly data?: string;
  readonly json?: boolean;
  readonly name?: string;
  readonly disclosure?: string;
  readonly label?: boolean;
  readonly keepDays?: string;
  readonly [limit: string]: unknown;
}

/** `reelay tenant`: who shares an installation, and what each may ask for. */
export function tenantCommand(): Command {
  const tenant = new Command('tenant').description(
    'tenants of the data folder or deployment: who pays, and what they may ask for',
  );
  const one = (name: string, description: string) =>
    withData(tenant.command(name).description(description))
      .argument('<id>', 'a to z, 0 to 9, - and _')
      .option('--json', 'as JSON');
  const set = (command: Command) => {
    withBudget(command.option('--name <text>', 'what people call it'));
    for (const [field, what] of Object.values(ALL))
      command.addOption(new Option(`--${field.replaceAll('_', '-')} <value>`, `${what}; none: no limit`));
    return command
      .option(
        '--disclosure <profiles>',
        `what its videos disclose: ${disclosureProfiles.join(', ')}; none: as the installation`,
      )
      .option('--label', 'with --disclosure: a label in the picture although no profile wants one')
      .option('--keep-days <days>', 'how long finished videos stay; none: as long as the installation keeps them');
  };
  set(one('create', 'make a tenant; `reelay key create --tenant` gives it a key')).action(
    async (id: string, options: TenantOptions) =>
      act(options, 'tenant.create', store => createTenant(store, id, fieldsOf(options))),
  );
  set(one('update', 'set what is named; the rest stays as it is')).action(async (id: string, options: TenantOptions) =>
    act(options, 'tenant.change', store => updateTenant(store, id, fieldsOf(options))),
  );
  one('suspend', 'its keys open nothing from now on; jobs that wait go on').action(
    async (id: string, options: TenantOptions) =>
      act(options, 'tenant.suspend', store => updateTenant(store, id, { suspended: true })),
  );
  one('resume', 'its keys open what they did').action(async (id: string, options: TenantOptions) =>
    act(options, 'tenant.resume', store => updateTenant(store, id, { suspended: false })),
  );
  withData(tenant.command('list').description('the tenants that were made or set, by id'))
    .option('--json', 'one JSON object a line')
    .action(async (options: TenantOptions) => list(options));
  return tenant;
}

type Stores = Parameters<typeof createTenant>[0];

async function act(
  options: TenantOptions,
  action: string,
  verb: (ports: Stores) => Promise<TenantRecord>,
): Promise<void> {
  const record = await withAccounts(options, async store => {
    const done = await verb(store.ports);
    await store.note(action, { kind: 'tenant', name: done.id });
    return done;
  });
  print(record, options.json === true);
}

/** The fields of a tenant as the API takes them; what is no number is told as the API tells it. */
function fieldsOf(options: TenantOptions): Record<string, unknown> {
  const set: Record<string, unknown> = {};
  for (const [option, [field]] of Object.entries(ALL)) {
    const text = options[option];
    if (typeof text !== 'string') continue;
    if (text === 'none') set[field] = null;
    else if (option in LISTS) set[field] = listOf(text);
    else set[field] = /^\d+(\.\d+)?$/.test(text) ? Number(text) : text;
  }
  const budget = budgetOf(options);
  return {
    ...(options.name === undefined ? {} : { name: options.name }),
    ...(Object.keys(set).length === 0 ? {} : { limits: set }),
    ...(budget === undefined ? {} : { budget }),
    ...disclosureOf(options),
    ...(options.keepDays === undefined ? {} : { retention: keepOf(options.keepDays) }),
  };
}

function disclosureOf({ disclosure, label = false }: TenantOptions): Record<string, unknown> {
  if (disclosure === undefined) return label ? { disclosure: { label } } : {};
  return { disclosure: disclosure === 'none' ? null : { profiles: listOf(disclosure), label } };
}

const keepOf = (days: string) => (days === 'none' ? null : { output: /^\d+$/.test(days) ? Number(days) : days });

async function list(options: TenantOptions): Promise<void> {
  const found: TenantRecord[] = [];
  await withAccounts(options, async ({ ports }) => {
    for (let after: string | undefined; ; ) {
      const page = await listTenants(ports, { limit: limits.listMax, ...(after === undefined ? {} : { after }) });
      found.push(...page);
      after = page.at(-1)?.id;
      if (page.length < limits.listMax) return;
    }
  });
  for (const record of found) print(record, options.json === true);
  if (found.length === 0 && options.json !== true) process.stdout.write('no tenants were made\n');
}

function print(record: TenantRecord, json: boolean): void {
  const { id, name, suspended, limits: has, budget, disclosure, retention } = toTenant(record);
  const set = Object.entries(has).flatMap(([field, value]) => (value === null ? [] : [`${field}=${String(value)}`]));
  const money = Object.entries(budget).flatMap(([kind, usd]) => (usd === null ? [] : [`budget_${kind}=${usd}`]));
  const more = [
    ...(disclosure === null ? [] : [`disclosure=${disclosure.profiles}${disclosure.label ? '+label' : ''}`]),
    ...(retention === null ? [] : [`keep_days=${retention.output}`]),
  ];
  const line = [id, name, suspended ? 'suspended' : 'active', ...set, ...money, ...more].join('  ');
  process.stdout.write(`${json ? JSON.stringify(toTenant(record)) : line}\n`);
}
