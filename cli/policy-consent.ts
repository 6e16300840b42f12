import { createHash } from 'node:crypto';
import { Command } from 'commander';
import { ReelayError } from '#core/errors.ts';
import { limits } from '#core/limits.ts';
import { createConsent, listConsents, listOutputs, revoke } from '#core/policy/consents/consents.ts';
import type { ConsentRecord } from '#core/policy/content/consent.ts';
import { personOf } from '#core/policy/reviews/content-ports.ts';
import { toConsent } from '#functions/policy-wire.ts';
import { asWhoever } from './policy-identity.ts';
import { readUpload } from './read-upload.ts';

interface AddOptions {
  readonly subject: string;
  readonly name: readonly string[];
  readonly picture: readonly string[];
  readonly evidence: string;
  readonly until: string;
  readonly scope: string;
}

const gathered = (value: string, before: readonly string[]) => [...before, value];

/** `reelay policy consent` */
export function consentCommand(): Command {
  const consent = new Command('consent').description('records of people who agreed to be shown');
  consent
    .command('add')
    .description('vouch for a consent; names are kept as keyed hashes, files as their SHA-256, and no file is kept')
    .requiredOption('--subject <text>', "the person's name or number")
    .requiredOption('--evidence <file>', 'the signed form or recording, which stays with you')
    .requiredOption('--until <date>', 'last day, as 2027-06-30')
    .option('--name <name>', 'a name that prompts may have; may be repeated', gathered, [])
    .option('--picture <file>', 'an image or video that requests may start from; may be repeated', gathered, [])
    .option('--scope <what>', 'likeness, voice or likeness-and-voice', 'likeness')
    .action(async (options: AddOptions) => add(options));
  consent
    .command('list')
    .description('the records')
    .option('--json', 'one JSON object a line')
    .action(async ({ json }: { json?: boolean }) => list(json === true));
  consent
    .command('revoke')
    .description('end a consent now, and list the videos that were made with it')
    .argument('<consent>', 'con_…')
    .action(async (id: string) => end(id));
  return consent;
}

async function add({ subject, name, picture, evidence, until, scope }: AddOptions): Promise<void> {
  const end = /^\d{4}-\d{2}-\d{2}$/.test(until) ? Date.parse(`${until}T23:59:59Z`) : Number.NaN;
  if (Number.isNaN(end))
    throw new ReelayError('invalid_request', `--until: got "${until.slice(0, 20)}"; a day as 2027-06-30 is allowed.`);
  const hashes = await Promise.all(picture.map(path => hashOf('--picture', path)));
  const fields = {
    ...{ subject, scope, names: name, reference_sha256: hashes },
    ...{ evidence_sha256: await hashOf('--evidence', evidence), valid_to: end / 1000 },
  };
  const record = await asWhoever(({ embedded: { deps }, principal }) =>
    createConsent(deps, { tenant: principal.tenant, by: personOf(principal.tenant, principal) }, fields),
  );
  process.stdout.write(`${record.id}\n`);
}

async function hashOf(flag: string, path: string): Promise<string> {
  const { bytes } = await readUpload(flag, path, limits.maxReferenceVideoBytes);
  return createHash('sha256').update(bytes).digest('hex');
}

async function list(json: boolean): Promise<void> {
  await asWhoever(async ({ embedded: { deps }, principal }) => {
    let shown = 0;
    for (let after: string | undefined; ; ) {
      const query = { limit: limits.listMax, ...(after === undefined ? {} : { after }) };
      const { records, hasMore } = await listConsents(deps, principal.tenant, query);
      for (const record of records)
        process.stdout.write(`${json ? JSON.stringify(toConsent(record)) : lineOf(record)}\n`);
      shown += records.length;
      after = records.at(-1)?.id;
      if (!hasMore) break;
    }
    if (shown === 0 && !json) process.stdout.write('no consent records\n');
  });
}

function lineOf({ id, scope, nameKeys, referenceSha256, validToMs, revokedAtMs }: ConsentRecord): string {
  const state = revokedAtMs === null ? `until ${new Date(validToMs).toISOString().slice(0, 10)}` : 'revoked';
  return [id, scope, state, `${nameKeys.length} names`, `${referenceSha256.length} files`].join('  ');
}

async function end(id: string): Promise<void> {
  await asWhoever(async ({ embedded: { deps }, principal: { tenant } }) => {
    await revoke(deps, tenant, id);
    process.stdout.write(`${id}  revoked\n`);
    let after: string | null = null;
    do {
      const page: Awaited<ReturnType<typeof listOutputs>> = await listOutputs(deps, tenant, id, after);
      for (const { jobId } of page.outputs) process.stdout.write(`made with it: ${jobId}\n`);
      after = page.next;
    } while (after !== null);
  });
}
