import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { keyCommand } from '#cli/key.ts';
import { tenantCommand } from '#cli/tenant.ts';
import { isRefusal } from '#core/accounts/quote.ts';
import { openEmbedded } from '#local/embedded.ts';
import { hasStoredKeys } from '#local/stored-keys.ts';
import { temporaryFolder } from '#test/contracts/local-folder.ts';

const { path: data, remove } = temporaryFolder();
beforeAll(() => void vi.stubEnv('REELAY_DATA', data));
afterAll(() => {
  vi.unstubAllEnvs();
  remove();
});

/** What a command prints. */
async function run(command: 'key' | 'tenant', ...args: string[]): Promise<string> {
  let text = '';
  const write = vi.spyOn(process.stdout, 'write').mockImplementation(chunk => {
    text += chunk;
    return true;
  });
  try {
    await (command === 'key' ? keyCommand() : tenantCommand()).parseAsync(args, { from: 'user' });
    return text;
  } finally {
    write.mockRestore();
  }
}

describe('reelay key and reelay tenant', () => {
  test('make a tenant and a key that a server of the data folder knows, until it is revoked', async () => {
    expect(await hasStoredKeys(`${data}/none`, Date.now())).toBe(false);
    expect(await run('tenant', 'create', 'acme', '--queued-jobs', '5', '--models', 'a,b')).toContain('queued_jobs=5');
    expect(await hasStoredKeys(data, Date.now())).toBe(false);
    const options = ['--tenant', 'acme', '--scopes', 'videos:read', '--expires', '90d', '--budget-day', '10', '--json'];
    const made = JSON.parse(await run('key', 'create', '--name', 'farm', ...options));
    expect(made).toMatchObject({ tenant: 'acme', scopes: ['videos:read'], budget: { day: '10.00', month: null } });
    expect(made.expires_at - made.created_at).toBe(90 * 86_400);
    expect(await hasStoredKeys(data, Date.now())).toBe(true);

    const listed = await run('key', 'list', '--tenant', 'acme');
    expect(listed).toContain(`${made.id}  live  farm`);
    expect(listed).not.toContain(made.key);
    expect(await run('key', 'list')).toBe('no keys\n');
    expect(await run('key', 'inspect', made.key)).toContain(made.id);

    const server = await openEmbedded({ dataFolder: data });
    const opens = async (key: string) => !isRefusal(await server.deps.authenticate(`Bearer ${key}`));
    const next = JSON.parse(await run('key', 'rotate', made.id, '--tenant', 'acme', '--json'));
    expect([next.rotated_from, next.expires_at, await opens(next.key)]).toEqual([made.id, made.expires_at, true]);
    await run('key', 'revoke', made.id, '--tenant', 'acme');
    expect(await opens(made.key)).toBe(false);
    await server.close();
  });

  test('say once that the keys that mark videos were made, where a command is the first to open a folder', async () => {
    const told: unknown[] = [];
    const write = vi.spyOn(process.stderr, 'write').mockImplementation(chunk => told.push(chunk) > 0);
    for (const _ of [1, 2]) expect(await run('key', 'list', '--data', `${data}/new`)).toBe('no keys\n');
    write.mockRestore();
    expect(told).toEqual([expect.stringContaining('keep root-key.keep-offline.pem elsewhere')]);
  });

  test('say which setting of a deployment is missing', async () => {
    vi.stubEnv('REELAY_TABLE', 'table');
    vi.stubEnv('REELAY_QUEUE_URL', '');
    const refused = { code: 'invalid_request', message: 'The environment variable REELAY_QUEUE_URL is not set.' };
    await expect(run('key', 'list')).rejects.toMatchObject(refused);
    vi.stubEnv('REELAY_TABLE', '');
  });

  test('refuse in sentences that name the option', async () => {
    for (const [args, sentence] of [
      [['create', '--name', 'x', '--tenant', 'nobody'], '--tenant: there is no tenant "nobody"'],
      [['create', '--name', 'x', '--expires', '2020-01-01'], '--expires: got "2020-01-01"'],
      [['create', '--name', 'x', '--expires', '2127-02-30'], '--expires: got "2127-02-30"'],
      [['create', '--name', 'x', '--scopes', 'all'], 'scopes: a list of one or more of'],
      [['rotate', 'key_0', '--keep-old-hours', 'x'], 'keep_old_hours: 0 to 720'],
    ] as const)
      await expect(run('key', ...args)).rejects.toThrow(sentence);
    await expect(run('tenant', 'update', 'acme', '--max-seconds', 'x')).rejects.toThrow('limits.max_seconds');
    expect(await run('tenant', 'suspend', 'acme')).toContain('suspended');
    expect(await run('tenant', 'update', 'acme', '--queued-jobs', 'none')).not.toContain('queued_jobs');
  });
});
