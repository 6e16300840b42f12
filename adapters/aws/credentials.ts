/** @file Credentials by the SDK's own chain, and, where it finds none, which piece of it is missing. No value of a key is ever in a text. */
import { X509Certificate } from 'node:crypto';
import { accessSync, constants, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, isAbsolute, join } from 'node:path';
import { SQSClient } from '@aws-sdk/client-sqs';
import { ReelayError } from '#core/errors.ts';
import { limits } from '#core/limits.ts';
import type { Environment } from './connect.ts';

/** What a credential process of IAM Roles Anywhere cannot do without. */
const FILE_OPTIONS = ['--certificate', '--private-key'] as const;
const ARN_OPTIONS = ['--trust-anchor-arn', '--profile-arn', '--role-arn'] as const;

/** Resolves credentials as every client will; `until` is their end, undefined for keys that have none. Throws `unauthorized` with the reason, also where none came in time. */
export async function resolveCredentials(
  env: Environment,
  region: string,
  mostMs: number = limits.preflightMs,
): Promise<{ until: Date | undefined }> {
  const client = new SQSClient({ region });
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), mostMs);
  try {
    const { expiration } = await Promise.race([client.config.credentials(), whenAborted(late.signal)]);
    return { until: expiration };
  } catch (cause) {
    const why = late.signal.aborted
      ? `AWS credentials: none came within ${mostMs / 1000} seconds. ${whyNoCredentials(env, Date.now())}`
      : whyNoCredentials(env, Date.now());
    throw new ReelayError('unauthorized', why, { cause });
  } finally {
    clearTimeout(timer);
    client.destroy();
  }
}

const whenAborted = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));

/** The first thing that is missing between the environment and credentials, in the order the SDK looks. */
export function whyNoCredentials(env: Environment, nowMs: number): string {
  const { AWS_ACCESS_KEY_ID: id = '', AWS_SECRET_ACCESS_KEY: secret = '' } = env;
  if (id !== '' && secret === '') return 'AWS_SECRET_ACCESS_KEY: it is not set, although AWS_ACCESS_KEY_ID is.';
  if (id === '' && secret !== '') return 'AWS_ACCESS_KEY_ID: it is not set, although AWS_SECRET_ACCESS_KEY is.';
  const home = env.HOME ?? homedir();
  const config = setOr(env.AWS_CONFIG_FILE, join(home, '.aws', 'config'));
  const shared = setOr(env.AWS_SHARED_CREDENTIALS_FILE, join(home, '.aws', 'credentials'));
  const sections = new Map([...sectionsOf(config, true), ...sectionsOf(shared, false)]);
  const profile = setOr(env.AWS_PROFILE, 'default');
  if (sections.size === 0)
    return `AWS credentials: there are no keys in the environment and no profile in ${config}; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or write a profile with a credential_process there and set AWS_PROFILE.`;
  const section = sections.get(profile);
  if (section === undefined)
    return `AWS_PROFILE: there is no profile "${profile}" in ${config}; it has ${[...sections.keys()].join(', ')}.`;
  const command = section.get('credential_process');
  if (command !== undefined) return whyNoAnswer(profile, command, { path: env.PATH ?? '', nowMs });
  return `AWS_PROFILE: the profile "${profile}" gives no credentials; it has neither a credential_process nor an aws_access_key_id that works.`;
}

function whyNoAnswer(profile: string, command: string, { path, nowMs }: { path: string; nowMs: number }): string {
  const where = `credential_process of the profile "${profile}"`;
  const words = [...command.matchAll(/"([^"]*)"|(\S+)/g)].map(match => match[1] ?? match[2] ?? '');
  const [program = '', ...rest] = words;
  if (!isExecutable(program, path))
    return `${where}: the program ${program} is not there or may not be run by this user.`;
  const argumentOf = (option: string) => rest[rest.indexOf(option) + 1] ?? '';
  if (rest[0] === 'credential-process') {
    const missing = [...FILE_OPTIONS, ...ARN_OPTIONS].find(option => !rest.includes(option));
    if (missing !== undefined) return `${where}: ${missing} is missing.`;
    const odd = ARN_OPTIONS.find(option => !argumentOf(option).startsWith('arn:'));
    if (odd !== undefined) return `${where}: the value of ${odd} is no ARN.`;
    const unread = FILE_OPTIONS.find(option => textOf(argumentOf(option)) === undefined);
    if (unread !== undefined)
      return `${where}: the file ${argumentOf(unread)} of ${unread} is not there or may not be read by this user.`;
    const end = endOf(textOf(argumentOf('--certificate')) ?? '');
    if (end === undefined) return `${where}: the file of --certificate is no certificate in PEM.`;
    if (end < nowMs) return `${where}: the certificate was valid until ${new Date(end).toISOString()}.`;
  }
  return `${where}: the program gave no credentials; run it by hand as this user to see what it says. Its clock, its way out to AWS, the trust anchor or the role's trust may be wrong.`;
}

/** Names of profiles with their settings. In the config file all but `default` are called "profile name". */
function sectionsOf(path: string, isConfig: boolean): Map<string, Map<string, string>> {
  const sections = new Map<string, Map<string, string>>();
  let current: Map<string, string> | undefined;
  for (const line of (textOf(path) ?? '').split('\n')) {
    const heading = /^\s*\[\s*([^\]]+?)\s*\]/.exec(line)?.[1];
    if (heading !== undefined) {
      const name = isConfig ? (heading === 'default' ? heading : /^profile\s+"?(.+?)"?$/.exec(heading)?.[1]) : heading;
      current = name === undefined ? undefined : (sections.get(name) ?? new Map());
      if (name !== undefined && current !== undefined) sections.set(name, current);
    }
    const [, key, value] = /^\s*([a-z_]+)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    if (key !== undefined && value !== undefined) current?.set(key, value);
  }
  return sections;
}

function isExecutable(program: string, path: string): boolean {
  const places = isAbsolute(program) ? [program] : path.split(delimiter).map(folder => join(folder, program));
  return places.some(place => {
    try {
      accessSync(place, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function endOf(pem: string): number | undefined {
  try {
    return Date.parse(new X509Certificate(pem).validTo);
  } catch {
    return undefined;
  }
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

const setOr = (text: string | undefined, otherwise: string) => (text === undefined || text === '' ? otherwise : text);
