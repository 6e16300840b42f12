import { Command } from 'commander';
import { ReelayError } from '#core/errors.ts';
import { eraseUser, namedSubject } from '#core/jobs/erase-user.ts';
import { type Embedded, LOCAL_TENANT, openEmbedded } from '#local/embedded.ts';
import { ask } from './confirm.ts';
import { exportUser } from './export-user.ts';
import { dataFolderFrom, policyFrom } from './settings.ts';

interface Whose {
  readonly tenant: string;
  readonly subject: string;
}

const TENANT = ['--tenant <id>', 'the tenant whose end user it is', LOCAL_TENANT] as const;
const SUBJECT = ['--subject <name>', 'the end user, as requests name them in the field user'] as const;

/** `reelay erase`: everything that is kept of one end user of a tenant, for good. */
export function eraseCommand(): Command {
  return new Command('erase')
    .description(
      'erase everything that is kept of one end user: prompts, references, videos (REELAY_DATA, default .reelay)',
    )
    .requiredOption(...SUBJECT)
    .option(...TENANT)
    .option('--yes', 'do not ask')
    .option('--json', 'the outcome as JSON')
    .action(async (options: Whose & { yes?: boolean; json?: boolean }) => erase(options));
}

/** `reelay subject`: what is kept of one end user. */
export function subjectCommand(): Command {
  return new Command('subject').description('what is kept of one end user of a tenant').addCommand(
    new Command('export')
      .description('write their videos, references and requests into a new folder, with SHA256SUMS')
      .argument('<folder>', 'a folder that is not there yet')
      .requiredOption(...SUBJECT)
      .option(...TENANT)
      .action(async (folder: string, whose: Whose) =>
        withFolder(async ({ deps }) => {
          const { jobs, files } = await exportUser(deps, whose, folder);
          process.stdout.write(`${jobs} videos, ${files} files in ${folder}; sha256sum -c SHA256SUMS checks them\n`);
        }),
      ),
  );
}

async function erase({ tenant, subject, yes, json }: Whose & { yes?: boolean; json?: boolean }): Promise<void> {
  await withFolder(async ({ deps }) => {
    namedSubject(deps, tenant, subject); // what is no name is told before anybody is asked
    await needYes(tenant, subject, yes === true);
    const { atMs, removed } = await eraseUser(deps, tenant, subject, { system: 'command' });
    const at = new Date(atMs).toISOString();
    const said = `erased at ${at}: the key is destroyed, ${removed} videos and folders are removed; nothing new is kept of them`;
    process.stdout.write(json === true ? `${JSON.stringify({ erased_at: at, removed })}\n` : `${said}\n`);
  });
}

async function needYes(tenant: string, subject: string, isSure: boolean): Promise<void> {
  if (isSure) return;
  if (!process.stdin.isTTY)
    throw new ReelayError('invalid_request', '--yes: without a terminal to ask at, it is needed; nothing was erased.');
  const typed = await ask(
    `This erases everything of the end user "${subject}" of the tenant ${tenant}, for good. Type the name: `,
  );
  if (typed?.trim() !== subject.trim()) throw new ReelayError('cancelled', 'That is not the name; nothing was erased.');
}

async function withFolder(use: (embedded: Embedded) => Promise<void>): Promise<void> {
  const embedded = await openEmbedded({ ...policyFrom(process.env), dataFolder: dataFolderFrom(process.env) });
  try {
    await use(embedded);
  } finally {
    await embedded.close();
  }
}
