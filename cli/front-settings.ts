/** @file Where `reelay serve` listens and whom it lets in, from its options and the environment; an option wins. */
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { ReelayError } from '#core/errors.ts';
import { keyHashesFrom } from '#functions/bearer.ts';
import { type Front, isLoopback, LOOPBACK_HOST } from '#local/front.ts';

/** What the command line says of a front. */
export interface FrontOptions {
  readonly host?: string;
  readonly publicHost?: readonly string[];
  readonly keys?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
}

/** Adds the options of a front to a command. */
export function withFrontOptions(command: Command): Command {
  const collect = (name: string, before: readonly string[] = []) => [...before, name];
  return command
    .option('--host <address>', 'where to listen (REELAY_HOST, default 127.0.0.1); 0.0.0.0 for the network needs a key')
    .option('--public-host <name>', 'a name that clients use, name[:port]; repeatable (REELAY_PUBLIC_HOST)', collect)
    .option('--keys <file>', 'hashes of the keys that are let in, one a line (REELAY_KEYS; or REELAY_API_KEY_SHA256)')
    .option('--tls-cert <file>', 'certificate and chain as PEM (REELAY_TLS_CERT)')
    .option('--tls-key <file>', 'its private key as PEM (REELAY_TLS_KEY)');
}

/** The front that was asked for; throws sentences that name the setting. `serve` itself refuses one that would let everyone in. */
export function frontFrom(env: NodeJS.ProcessEnv, options: FrontOptions = {}): Front {
  const host = options.host ?? textOf(env.REELAY_HOST);
  const publicHosts = options.publicHost ?? listOf(env.REELAY_PUBLIC_HOST ?? '');
  const keySha256s = keysFrom(env, options);
  const [cert, key] = [options.tlsCert ?? textOf(env.REELAY_TLS_CERT), options.tlsKey ?? textOf(env.REELAY_TLS_KEY)];
  if ((cert === undefined) !== (key === undefined))
    throw new ReelayError(
      'invalid_request',
      '--tls-cert and --tls-key (REELAY_TLS_CERT, REELAY_TLS_KEY): one is given without the other.',
    );
  return {
    publicHosts,
    keySha256s,
    ...(host !== undefined && { host }),
    ...(cert !== undefined &&
      key !== undefined && {
        tls: { cert: fileOf(cert, '--tls-cert (REELAY_TLS_CERT)'), key: fileOf(key, '--tls-key (REELAY_TLS_KEY)') },
      }),
  };
}

/** What an operator should know about a front that is allowed; undefined: nothing. */
export function warningOf({ host = LOOPBACK_HOST, tls }: Front): string | undefined {
  if (isLoopback(host) || tls !== undefined) return undefined;
  return 'keys and videos cross the network unencrypted: give --tls-cert and --tls-key, or let only a proxy that speaks TLS reach this port.';
}

/** Of the variable and the file: a key that is in either is let in. A file that names no key is a mistake. */
function keysFrom(env: NodeJS.ProcessEnv, options: FrontOptions): string {
  const fromEnv = keyHashesFrom(listOf(env.REELAY_API_KEY_SHA256 ?? ''), 'REELAY_API_KEY_SHA256');
  const path = options.keys ?? textOf(env.REELAY_KEYS);
  if (path === undefined) return fromEnv;
  const setting = `--keys (REELAY_KEYS), ${path}`;
  const lines = fileOf(path, '--keys (REELAY_KEYS)').split('\n');
  const fromFile = keyHashesFrom(
    lines.map(line => line.replace(/#.*/, '')),
    setting,
  );
  if (fromFile === '')
    throw new ReelayError('invalid_request', `${setting}: there is no hash in it; \`reelay key\` makes one.`);
  return [fromFile, fromEnv].filter(text => text !== '').join(',');
}

function fileOf(path: string, setting: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'it cannot be read';
    throw new ReelayError('invalid_request', `${setting}: ${path} cannot be read (${code}).`, { cause });
  }
}

const textOf = (text: string | undefined) => (text === undefined || text.trim() === '' ? undefined : text.trim());
const listOf = (text: string) =>
  text
    .split(',')
    .map(part => part.trim())
    .filter(part => part !== '');
