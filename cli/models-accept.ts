import { Command } from 'commander';
import { ReelayError } from '#core/errors.ts';
import type { Acceptance } from '#core/governance/acceptance.ts';
import { missingStatements, statementNames } from '#core/governance/statement.ts';
import { writeAcceptance } from '#local/accepted-bundles.ts';
import { findBundles, type InstalledBundle } from '#local/bundles.ts';
import { withAccounts } from './account-store.ts';
import { dataFolderFrom } from './settings.ts';

/** `reelay models accept` */
export function acceptModelCommand(): Command {
  return new Command('accept')
    .description('offer a model although statements of its makers are missing; it goes into the audit ledger')
    .argument('<id>', 'as `reelay models list` names it')
    .requiredOption('--reason <text>', 'why you answer for it')
    .action(async (id: string, options: { reason: string }) => {
      const dataFolder = dataFolderFrom(process.env);
      const { installed } = await findBundles(undefined, dataFolder);
      const bundle = installed.find(one => one.card.id === id);
      if (bundle === undefined)
        throw new ReelayError(
          'model_not_found',
          `There is no model "${id}"; there are: ${installed.map(one => one.card.id).join(', ')}.`,
        );
      const { missing } = await accept(dataFolder, bundle, options.reason);
      const what = missing.map(name => statementNames[name]).join(', ');
      process.stdout.write(`accepted ${id} without ${what}; it is offered from the next start of a server or worker\n`);
    });
}

/** Writes it down for this bundle's digest. Throws `invalid_request` where nothing is missing, or no reason is given. */
export async function accept(dataFolder: string, { card }: InstalledBundle, reason: string): Promise<Acceptance> {
  const missing = missingStatements(card.governance);
  if (missing.length === 0)
    throw new ReelayError(
      'invalid_request',
      `${card.id}: its bundle.json states everything; there is nothing to accept.`,
    );
  const text = reason.trim();
  if (text === '' || text.length > 500)
    throw new ReelayError('invalid_request', `--reason: got ${text.length} characters; 1 to 500 are allowed.`);
  // Before it counts: what the ledger does not know of was not decided.
  await withAccounts({ data: dataFolder }, ({ note }) => note('bundle.accept', { kind: 'model', name: card.digest }));
  const acceptance = { id: card.id, digest: card.digest, reason: text, missing, acceptedAtMs: Date.now() };
  await writeAcceptance(dataFolder, acceptance);
  return acceptance;
}
