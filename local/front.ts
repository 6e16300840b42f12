/** @file Where a server listens and whom it lets in, checked before it opens anything. */
import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { createSecureContext } from 'node:tls';
import { ReelayError } from '#core/errors.ts';

/** A certificate (with its chain) and its private key, as PEM. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
}

/** How a server faces its clients; without any of it: loopback, no key, no TLS. */
export interface Front {
  /** An IP address of this machine, 0.0.0.0 or :: for all of them; 127.0.0.1 unless said otherwise. */
  readonly host?: string;
  /** Names by which clients call it: `name` or `name:port`. */
  readonly publicHosts?: readonly string[];
  /**
   * SHA-256 hashes of the operator's keys, comma-separated. undefined or '': on loopback no key is asked for, elsewhere those that are
   * stored in the data folder.
   */
  readonly keySha256s?: string;
  readonly tls?: TlsFiles;
}

/** Where a server listens unless said otherwise. */
export const LOOPBACK_HOST = '127.0.0.1';
const HOST_NAME = /^(\[[0-9a-f:.]+\]|[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?)(:\d{1,5})?$/;

/** Whether only this machine reaches an address. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || shortest(host) === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

/** Whether an address stands for all of the machine's; `::ffff:0:0` is 0.0.0.0 as IPv6 writes it. */
export function isWildcard(host: string): boolean {
  return ['0.0.0.0', '::', '::ffff:0:0'].includes(shortest(host));
}

/** An address as it stands in a URL, and so in the Host that clients send. */
export function inUrl(host: string): string {
  return host.includes(':') ? `[${shortest(host)}]` : host;
}

/** The one form of an IPv6 address that URLs have (RFC 5952), without the zone, which they have not. */
function shortest(host: string): string {
  if (!host.includes(':')) return host;
  return URL.parse(`http://[${host.split('%')[0]}]`)?.hostname.slice(1, -1) ?? host;
}

/** The names a server answers to, lower case: those it was given, and the address it listens on where that is one. */
export function publicHostsOf({ host = LOOPBACK_HOST, publicHosts = [] }: Front): readonly string[] {
  const own = isWildcard(host) ? [] : [inUrl(host)];
  return [...own, ...publicHosts].map(name => name.toLowerCase());
}

/** Whether a front lets in who has no key: it has no keys of its own, and only this machine reaches it, not even through a proxy. */
export function isKeyless({ host = LOOPBACK_HOST, publicHosts = [], keySha256s = '' }: Front): boolean {
  return keySha256s === '' && isLoopback(host) && publicHosts.length === 0;
}

/**
 * Throws `invalid_request` with a sentence that names the setting, where a front cannot be meant or would let everyone in.
 * `hasStoredKeys`: there is a live key in the data folder.
 */
export function checkFront(front: Front, nowMs: number, hasStoredKeys = false): void {
  const { host = LOOPBACK_HOST, publicHosts = [], keySha256s = '', tls } = front;
  if (isIP(host) === 0 && host !== 'localhost')
    throw refusal(
      `--host (REELAY_HOST): got "${host.slice(0, 60)}"; an IP address of this machine is allowed, 0.0.0.0 for all of them.`,
    );
  const odd = publicHosts.find(name => !HOST_NAME.test(name.toLowerCase()));
  if (odd !== undefined)
    throw refusal(
      `--public-host (REELAY_PUBLIC_HOST): got "${odd.slice(0, 60)}"; name or name:port is allowed, without https:// and without a path.`,
    );
  const hasKeys = keySha256s !== '' || hasStoredKeys;
  if (!isLoopback(host) && !hasKeys)
    throw refusal(
      `--host (REELAY_HOST): ${host} is reached by other machines, so a key is required; \`reelay key create\` makes one in the data folder, or \`reelay key\` one whose hash goes into REELAY_API_KEY_SHA256 or the file of --keys.`,
    );
  if (publicHosts.length > 0 && !hasKeys)
    throw refusal(
      '--public-host (REELAY_PUBLIC_HOST): a server with a name for others is reached by others, be it through a proxy, so a key is required; `reelay key create` makes one in the data folder, or `reelay key` one whose hash goes into REELAY_API_KEY_SHA256.',
    );
  if (isWildcard(host) && publicHosts.length === 0)
    throw refusal(
      `--public-host (REELAY_PUBLIC_HOST): with --host ${host} the name that clients use is needed, e.g. --public-host reelay.corp.example; calls by any other name are refused.`,
    );
  if (tls !== undefined) checkTls(tls, nowMs);
}

function checkTls({ cert, key }: TlsFiles, nowMs: number): void {
  const where = '--tls-cert and --tls-key (REELAY_TLS_CERT, REELAY_TLS_KEY)';
  let leaf: X509Certificate;
  try {
    leaf = new X509Certificate(cert);
    createSecureContext({ cert, key });
  } catch (cause) {
    throw refusal(`${where}: these are no certificate and its own unencrypted private key, both as PEM.`, cause);
  }
  if (Date.parse(leaf.validTo) < nowMs) throw refusal(`${where}: the certificate was valid until ${leaf.validTo}.`);
}

function refusal(message: string, cause?: unknown): ReelayError {
  return new ReelayError('invalid_request', message, { cause });
}
