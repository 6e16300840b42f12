import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const ROOT = resolve(import.meta.dirname, '..', '..');
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelay-bootstrap-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** A checkout that was never set up: just what the bootstrap reads. */
async function freshCheckout(): Promise<string> {
  const checkout = join(folder, 'checkout');
  await mkdir(join(checkout, 'cli'), { recursive: true });
  for (const file of ['package.json', 'package-lock.json', '.npmrc', join('cli', 'bootstrap.mjs')])
    await cp(join(ROOT, file), join(checkout, file));
  return checkout;
}

/** An npm that reaches no registry and has nothing cached; port 9 of loopback answers nothing. */
const OFFLINE = {
  npm_config_registry: 'http://127.0.0.1:9/',
  npm_config_cache: '',
  npm_config_fetch_retries: '0',
  npm_config_offline: 'false',
};

function run(checkout: string, env: Record<string, string> = {}, args: string[] = ['start']): ChildProcess {
  const { npm_lifecycle_event: _, ...inherited } = process.env;
  return spawn(process.execPath, [join(checkout, 'cli', 'bootstrap.mjs'), ...args], {
    env: {
      ...inherited,
      ...OFFLINE,
      npm_config_cache: join(folder, 'cache'),
      PORT: '0',
      REELAY_DATA: join(folder, 'data'),
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
}

async function ended(child: ChildProcess): Promise<{ code: number | null; stderr: string }> {
  let stderr = '';
  child.stderr!.on('data', chunk => {
    stderr += chunk;
  });
  const code = await new Promise<number | null>(done => child.once('close', done));
  return { code, stderr };
}

async function isReady(child: ChildProcess): Promise<string> {
  let output = '';
  for await (const chunk of child.stdout!) {
    output += chunk;
    const url = /^ready (\S+)$/m.exec(output)?.[1];
    if (url !== undefined) return url;
  }
  throw new Error(`not ready: ${output}`);
}

const answers = (url: string) =>
  fetch(`${url}/health`).then(
    () => true,
    () => false,
  );

describe('a first start', () => {
  test('without a network says what is missing, twice, and leaves no lock', async () => {
    const checkout = await freshCheckout();
    for (let start = 0; start < 2; start++) {
      const { code, stderr } = await ended(run(checkout));
      expect(code).toBe(1);
      expect(stderr).toContain('the npm registry could not be reached. The first start needs it once');
      expect(stderr).not.toMatch(/^\s+at /m);
      expect(existsSync(join(checkout, '.reelay-setup.lock'))).toBe(false);
    }
  });

  test('takes over at once from one that died while it installed', async () => {
    const checkout = await freshCheckout();
    const dead = spawn(process.execPath, ['-e', '']);
    await new Promise(done => dead.once('exit', done));
    await mkdir(join(checkout, '.reelay-setup.lock'));
    await writeFile(join(checkout, '.reelay-setup.lock', 'pid'), String(dead.pid));
    const { stderr } = await ended(run(checkout));
    expect(stderr).toContain('could not be reached');
  });

  test('takes over a lock that nobody touches any more, whoever has its pid now', async () => {
    const checkout = await freshCheckout();
    const holder = join(checkout, '.reelay-setup.lock', 'pid');
    await mkdir(join(checkout, '.reelay-setup.lock'));
    await writeFile(holder, String(process.pid));
    const longAgo = new Date(Date.now() - 3_600_000);
    await utimes(holder, longAgo, longAgo);
    expect((await ended(run(checkout))).stderr).toContain('could not be reached');
  });

  test('waits, and says so, while a living one installs', async () => {
    const checkout = await freshCheckout();
    await mkdir(join(checkout, '.reelay-setup.lock'));
    await writeFile(join(checkout, '.reelay-setup.lock', 'pid'), String(process.pid));
    const child = run(checkout);
    const end = ended(child);
    await sleep(800);
    expect(child.exitCode).toBeNull();
    await rm(join(checkout, '.reelay-setup.lock'), { recursive: true });
    expect((await end).stderr).toMatch(/another start is installing.*\n.*first start/);
  });
});

describe('a set-up checkout', () => {
  test('installs nothing again, and drains once when a signal reaches the whole group', async () => {
    const child = run(ROOT);
    const url = await isReady(child);
    process.kill(-child.pid!, 'SIGINT');
    const { code, stderr } = await ended(child);
    expect(code).toBe(0);
    expect(stderr).not.toContain('installing');
    expect(await answers(url)).toBe(false);
  });

  test('serves no longer when the bootstrap is killed with -9', async () => {
    const child = run(ROOT);
    const url = await isReady(child);
    child.kill('SIGKILL');
    for (let looks = 0; looks < 40 && (await answers(url)); looks++) await sleep(50);
    expect(await answers(url)).toBe(false);
  });

  test('keeps prompts from other users of the machine', async () => {
    const child = run(ROOT, { REELAY_DATA: join(folder, 'private') }, ['generate', 'a secret prompt', '--steps', '1']);
    expect((await ended(child)).code).toBe(0);
    const { statSync } = await import('node:fs');
    for (const file of ['.', 'reelay.sqlite', 'log.jsonl'])
      expect([file, statSync(join(folder, 'private', file)).mode & 0o077]).toEqual([file, 0]);
    expect(await readFile(join(folder, 'private', 'log.jsonl'), 'utf8')).not.toContain('secret');
  });
});
