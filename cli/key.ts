import { createHash, randomBytes } from 'node:crypto';
import { Command } from 'commander';
import { accountLimits } from '#core/accounts/account-limits.ts';
import { inspectKey, newKey } from '#core/accounts/api-key.ts';
import { parseKeepOldHours, parseKeyFields } from '#core/accounts/key-input.ts';
import { createKey, listKeys, type MadeKey, revokeKey, rotateKey } from '#core/accounts/keys.ts';
import { isDay } from '#core/accounts/periods.ts';
import { scopes } from '#core/accounts/scopes.ts';
import { ReelayError } from '#core/errors.ts';
import { toKey, toMadeKey } from '#functions/account-wire.ts';
import { type BudgetOptions, budgetOf, listOf, tenantOf, withAccounts, withBudget, withData } from './account-store.ts';

interface KeyOptions extends BudgetOptions {
  readonly data?: string;
  readonly tenant?: string;
  readonly json?: boolean;
}

/** `reelay key`: by itself a key that a server is given by its hash; below it those that an installation stores. */
export function keyCommand(): Command {
  const key = new Command('key')
    .description('make an API key: prints it once, with the hash that a server is given instead of it')
    .option('--json', 'as JSON')
    .action((options: { json?: boolean }) => printStaticKey(options.json === true));
  const stored = (name: string, description: string) =>
    withData(key.command(name).description(description))
      .option('--tenant <id>', 'whose (default: local; of a deployment default)')
      .option('--json', 'as JSON');
  withBudget(stored('create', 'make a key in the data folder or deployment: prints it once, only its hash is kept'))
    .requiredOption('--name <text>', 'what it is for; two live keys may have the same')
    .option('--scopes <list>', `some of ${scopes.join(', ')} (default: videos:write, videos:read, usage:read)`)
    .option('--expires <when>', 'a day as 2027-06-30, or in so many days as 90d; never unless said')
    .action(async (_: unknown, command: Command) => create(command.optsWithGlobals()));
  stored('list', 'the keys, newest first; revoked and expired ones for 90 days').action(
    async (_: unknown, command: Command) => list(command.optsWithGlobals()),
  );
  stored('revoke', 'end a key for good; servers know it after ten seconds')
    .argument('<key>', 'its id, key_…')
    .action(async (id: string, _: unknown, command: Command) => revoke(id, command.optsWithGlobals()));
  stored('rotate', 'make a key in the place of another, with its name, scopes, end and budget')
    .argument('<key>', 'its id, key_…')
    .option('--keep-old-hours <n>', 'how long the old one goes on', String(accountLimits.rotationHours))
    .action(async (id: string, _: unknown, command: Command) => rotate(id, command.optsWithGlobals()));
  key
    .command('inspect')
    .description('say whether a text is a key of this form, and which; asks no server. - reads it from the input')
    .argument('<text>')
    .action(async (text: string) => inspect(text));
  return key;
}

function printStaticKey(json: boolean): void {
  // 256 bits: nobody guesses one, so a plain hash keeps it.
  const key = newKey('local', randomBytes).text;
  const sha256 = createHash('sha256').update(key).digest('hex');
  process.stdout.write(
    json
      ? `${JSON.stringify({ key, sha256 })}\n`
      : `key     ${key}\nsha256  ${sha256}\n\nClients send it as "Authorization: Bearer <key>"; it is kept nowhere, so keep it yourself.\nThe server gets the hash: REELAY_API_KEY_SHA256=<sha256>, or a line of the file of \`reelay serve --keys\`.\nIt opens everything, as the operator's. \`reelay key create\` makes keys with a tenant, scopes and a budget.\n`,
  );
}

async function create(options: KeyOptions & { name: string; scopes?: string; expires?: string }): Promise<void> {
  const { name, scopes: asked, expires } = options;
  const budget = budgetOf(options);
  const made = await withAccounts(options, async store => {
    const nowMs = store.ports.now();
    const input = {
      name,
      ...(asked === undefined ? {} : { scopes: listOf(asked) }),
      ...(budget === undefined ? {} : { budget }),
      ...(expires === undefined ? {} : { expires_at: expiryOf(expires, nowMs) }),
    };
    const key = await createKey(store.ports, await tenantOf(store, options.tenant), parseKeyFields(input, nowMs));
    await store.note('key.create', { kind: 'key', name: key.key.keyId });
    return key;
  });
  print(made, options.json === true);
}

/** Unix seconds: the end of a day, or so many days from now. */
function expiryOf(text: string, nowMs: number): number {
  const days = /^([1-9]\d{0,4})d$/.exec(text)?.[1];
  if (days !== undefined) return Math.floor(nowMs / 1000) + Number(days) * 86_400;
  const endMs = isDay(text) ? Date.parse(`${text}T23:59:59Z`) : Number.NaN;
  if (endMs > nowMs) return Math.floor(endMs / 1000);
  throw new ReelayError(
    'invalid_request',
    `--expires: got "${text.slice(0, 20)}"; a day to come as 2027-06-30, or days from now as 90d, are allowed.`,
  );
}

async function list(options: KeyOptions): Promise<void> {
  const [keys, nowMs] = await withAccounts(options, async store => {
    const found = await listKeys(store.ports, await tenantOf(store, options.tenant));
    return [found, store.ports.now()] as const;
  });
  for (const one of keys.map(key => toKey(key, nowMs))) {
    const { id, status, name, scopes: has, expires_at: expires, last_used_at: used } = one;
    const when = (seconds: number | null) => (seconds === null ? 'never' : new Date(seconds * 1000).toISOString());
    const line = [id, status, name, has.join(','), `expires ${when(expires)}`, `used ${when(used)}`].join('  ');
    process.stdout.write(`${options.json === true ? JSON.stringify(one) : line}\n`);
  }
  if (keys.length === 0 && options.json !== true) process.stdout.write('no keys\n');
}

async function revoke(id: string, options: KeyOptions): Promise<void> {
  await withAccounts(options, async store => {
    await revokeKey(store.ports, await tenantOf(store, options.tenant), id);
    await store.note('key.revoke', { kind: 'key', name: id });
  });
  const told = { id, status: 'revoked' };
  process.stdout.write(
    options.json === true
      ? `${JSON.stringify(told)}\n`
      : `${id} is revoked; servers that run know it within ${accountLimits.keyStaleMs / 1000} seconds.\n`,
  );
}

async function rotate(id: string, options: KeyOptions & { keepOldHours: string }): Promise<void> {
  const hours = parseKeepOldHours({ keep_old_hours: Number(options.keepOldHours) });
  const made = await withAccounts(options, async store => {
    const key = await rotateKey(store.ports, await tenantOf(store, options.tenant), id, hours);
    await store.note('key.rotate', { kind: 'key', name: id });
    await store.note('key.create', { kind: 'key', name: key.key.keyId });
    return key;
  });
  print(made, options.json === true);
}

function print(made: MadeKey, json: boolean): void {
  const { key } = made;
  const expires = key.expiresAtMs === null ? 'never' : new Date(key.expiresAtMs).toISOString();
  process.stdout.write(
    json
      ? `${JSON.stringify(toMadeKey(made, key.createdAtMs))}\n`
      : `key     ${made.text}\nid      ${key.keyId}\ntenant  ${key.tenant}\nscopes  ${key.scopes.join(', ')}\nexpires ${expires}\n\nClients send it as "Authorization: Bearer <key>"; only its hash is kept, so keep it yourself.\n`,
  );
}

async function inspect(text: string): Promise<void> {
  const given = text === '-' ? await firstLine() : text.trim();
  const found = inspectKey(given);
  if (found.is === 'key') {
    process.stdout.write(`a key: ${found.keyId}, of the environment ${found.environment}\n`);
    return;
  }
  process.exitCode = 1;
  process.stdout.write(
    found.is === 'typo'
      ? 'no key: it begins like one, but a character is wrong or missing\n'
      : 'no key of this form; one that was made elsewhere may still be known by its hash\n',
  );
}

async function firstLine(): Promise<string> {
  let text = '';
  for await (const chunk of process.stdin.setEncoding('utf8')) {
    text += chunk;
    if (text.length > 4_096) break;
  }
  return text.trim();
}
