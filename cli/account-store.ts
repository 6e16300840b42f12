/** @file Keys and tenants of an installation as their commands have them: those of a data folder, or of a deployment by its settings. */
import { createHash, randomBytes } from 'node:crypto';
import type { Command } from 'commander';
import type { KeyPorts } from '#core/accounts/key-record.ts';
import { readTenant } from '#core/accounts/tenants.ts';
import type { AuditName, AuditPort } from '#core/audit/audit-port.ts';
import { ReelayError } from '#core/errors.ts';
import { LOCAL_TENANT, openEmbedded } from '#local/embedded.ts';
import { tellMadeKeys } from './made-keys.ts';
import { dataFolderFrom, policyFrom } from './settings.ts';

/** An installation whose keys are managed. */
export interface AccountStore {
  readonly ports: KeyPorts;
  /** Whose keys are meant where no tenant is named. */
  readonly tenant: string;
  /** Writes down in the audit ledger what this command did. */
  readonly note: (action: string, object: AuditName) => Promise<void>;
}

/** Adds `--data` to a command. */
export function withData(command: Command): Command {
  return command.option(
    '--data <folder>',
    'the data folder (REELAY_DATA, default .reelay); without it REELAY_TABLE and the other settings of a deployment name that one',
  );
}

/** Runs `work` on the installation that `--data` or the environment names, and closes it. */
export async function withAccounts<T>(
  { data }: { readonly data?: string },
  work: (store: AccountStore) => Promise<T>,
): Promise<T> {
  const { env } = process;
  if (data === undefined && (env.REELAY_TABLE ?? '') !== '') return work(await openDeployment(env));
  const embedded = await openEmbedded({ ...policyFrom(env), dataFolder: data ?? dataFolderFrom(env) });
  tellMadeKeys(embedded);
  const { kv, now, random, sha256, audit, keyEnvironment: environment } = embedded.deps;
  try {
    const ports = { kv, now, random, sha256, environment };
    return await work({ ports, tenant: LOCAL_TENANT, note: noteIn(audit) });
  } finally {
    await embedded.close();
  }
}

async function openDeployment(env: NodeJS.ProcessEnv): Promise<AccountStore> {
  // The SDK takes a while to load, and only this needs it.
  const { awsResourcesFrom, connectAws } = await import('#adapters/aws/connect.ts');
  const { auditSettingsFrom, connectAudit } = await import('#adapters/aws/connect-audit.ts');
  const { kv } = connectAws(awsResourcesFrom(env));
  const now = () => Date.now();
  const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
  const audit = connectAudit(kv, auditSettingsFrom(env), { kind: 'door' }, now);
  const ports = { kv, now, random: randomBytes, sha256, environment: 'live' };
  return { ports, tenant: 'default', note: noteIn(audit) };
}

const noteIn =
  (audit: AuditPort): AccountStore['note'] =>
  (action, object) =>
    audit.record({ actor: { system: 'command' }, action, object, decision: { outcome: 'done' } });

/** The tenant that `--tenant` names, or the installation's own. Throws a sentence for an unknown one. */
export async function tenantOf({ ports, tenant }: AccountStore, named: string | undefined): Promise<string> {
  if (named === undefined) return tenant;
  if ((await readTenant(ports, named)) !== undefined) return named;
  const shown = named.slice(0, 40);
  throw new ReelayError(
    'invalid_request',
    `--tenant: there is no tenant "${shown}"; \`reelay tenant create\` makes one.`,
  );
}

/** Options of a budget as the API takes one; undefined where neither is given. `none`: no limit. */
export function budgetOf({ budgetDay, budgetMonth }: BudgetOptions): Record<string, string | null> | undefined {
  if (budgetDay === undefined && budgetMonth === undefined) return undefined;
  const amount = (text: string | undefined) => (text === undefined || text === 'none' ? null : text);
  return { day: amount(budgetDay), month: amount(budgetMonth) };
}

/** What a command says of a budget. */
export interface BudgetOptions {
  readonly budgetDay?: string;
  readonly budgetMonth?: string;
}

/** Adds them to a command. */
export function withBudget(command: Command): Command {
  return command
    .option('--budget-day <dollars>', 'what its jobs of a day (UTC) may cost; none: no limit')
    .option('--budget-month <dollars>', 'and those of a month');
}

/** A list as the command line has one. */
export function listOf(text: string): readonly string[] {
  return text
    .split(',')
    .map(part => part.trim())
    .filter(part => part !== '');
}
