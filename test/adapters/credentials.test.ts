import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { resolveCredentials, whyNoCredentials } from '#adapters/aws/credentials.ts';

const DAY_MS = 86_400_000;
let folder: string;
let number = 0;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'reelay-credentials-'));
  const subject = ['-subj', '/CN=worker', '-keyout', join(folder, 'key.pem'), '-out', join(folder, 'cert.pem')];
  const make = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2';
  execFileSync('openssl', [...make.split(' '), ...subject], { stdio: 'ignore' });
  writeFileSync(join(folder, 'helper'), '#!/bin/sh\nexit 1\n', { mode: 0o755 });
  writeFileSync(join(folder, 'plain'), 'x', { mode: 0o600 });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What is said of a machine with this config file. */
function said(config: string, env: Record<string, string> = {}, nowMs = Date.now()): string {
  const path = join(folder, `config-${number++}`);
  writeFileSync(path, config);
  const files = { AWS_CONFIG_FILE: path, AWS_SHARED_CREDENTIALS_FILE: join(folder, 'none'), PATH: '/usr/bin:/bin' };
  return whyNoCredentials({ ...files, AWS_PROFILE: 'reelay', ...env }, nowMs);
}

const ARNS = {
  '--trust-anchor-arn': 'arn:aws:rolesanywhere:eu-central-1:123456789012:trust-anchor/a',
  '--profile-arn': 'arn:aws:rolesanywhere:eu-central-1:123456789012:profile/b',
  '--role-arn': 'arn:aws:iam::123456789012:role/reelay-onprem-a',
};

/** The profile of docs/on-premises.md. */
function profile(changes: Record<string, string | undefined> = {}, program = join(folder, 'helper')): string {
  const files = { '--certificate': join(folder, 'cert.pem'), '--private-key': join(folder, 'key.pem') };
  const options = Object.entries({ ...files, ...ARNS, ...changes }).filter(([, value]) => value !== undefined);
  return `[profile reelay]\ncredential_process = "${program}" credential-process ${options.flat().join(' ')}\n`;
}

describe('without credentials a person is told what is missing:', () => {
  test('half of a key', () => {
    expect(said('', { AWS_ACCESS_KEY_ID: 'AKIA' })).toMatch(/^AWS_SECRET_ACCESS_KEY: it is not set/);
    expect(said('', { AWS_SECRET_ACCESS_KEY: 'very secret' })).toBe(
      'AWS_ACCESS_KEY_ID: it is not set, although AWS_SECRET_ACCESS_KEY is.',
    );
  });

  test('everything', () => {
    expect(said('')).toMatch(/^AWS credentials: there are no keys in the environment and no profile in \S+; set/);
  });

  test('the profile', () => {
    expect(said('[default]\nregion = x\n[profile other]\n')).toMatch(
      /^AWS_PROFILE: there is no profile "reelay" in \S+; it has default, other\.$/,
    );
  });

  test('what the profile should hold', () => {
    expect(said('[profile reelay]\nregion = eu-central-1\n')).toContain('neither a credential_process nor');
  });

  test('the program', () => {
    for (const program of ['/nowhere/aws_signing_helper', 'aws_signing_helper', join(folder, 'plain')])
      expect(said(profile({}, program))).toBe(
        `credential_process of the profile "reelay": the program ${program} is not there or may not be run by this user.`,
      );
  });

  test('an option, an ARN, a file, a certificate', () => {
    for (const option of [...Object.keys(ARNS), '--certificate', '--private-key'])
      expect(said(profile({ [option]: undefined }))).toContain(`: ${option} is missing.`);
    expect(said(profile({ '--role-arn': 'reelay' }))).toContain('the value of --role-arn is no ARN');
    expect(said(profile({ '--private-key': '/nowhere/key' }))).toContain('the file /nowhere/key of --private-key');
    expect(said(profile({ '--certificate': join(folder, 'plain') }))).toContain('is no certificate in PEM');
    expect(said(profile(), {}, Date.now() + 3 * DAY_MS)).toContain('the certificate was valid until');
  });

  test('nothing that can be seen from here', () => {
    expect(said(profile())).toContain('the program gave no credentials; run it by hand');
  });
});

test('a credential process that hangs is not waited for', async () => {
  const pid = join(folder, 'pid');
  writeFileSync(join(folder, 'hanging'), `#!/bin/sh\necho $$ > ${pid}\nexec sleep 60\n`, { mode: 0o755 });
  const config = join(folder, 'hanging-config');
  writeFileSync(config, `[profile reelay]\ncredential_process = ${join(folder, 'hanging')}\n`);
  const env = {
    AWS_CONFIG_FILE: config,
    AWS_SHARED_CREDENTIALS_FILE: join(folder, 'none'),
    AWS_PROFILE: 'reelay',
    PATH: '/usr/bin:/bin',
  };
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']) vi.stubEnv(name, undefined);
  const said = await resolveCredentials(env, 'us-east-1', 1_000).catch((error: Error) => error.message);
  vi.unstubAllEnvs();
  expect(said).toContain('AWS credentials: none came within 1 seconds. credential_process of the profile "reelay": ');
  process.kill(Number(readFileSync(pid, 'utf8')));
});
