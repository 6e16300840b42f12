import type { IncomingHttpHeaders } from 'node:http';

const LOOPBACK = /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/;

/** By which names a server may be called, besides those of loopback: `name` at any port, or `name:port`; and whether it speaks TLS itself. */
export interface OwnNames {
  readonly publicHosts: readonly string[];
  readonly isTls: boolean;
}

/** What a server on loopback answers to. */
export const loopbackNames: OwnNames = { publicHosts: [], isTls: false };

/**
 * A page of another site, open in a browser that reaches this server, reaches it too, and may have given its own name this server's
 * address (DNS rebinding). So the host must be a loopback name or one that the operator named.
 */
export function isOwnHost(headers: IncomingHttpHeaders, names: OwnNames = loopbackNames): boolean {
  const host = hostOf(headers);
  const bare = host.replace(/:\d+$/, '');
  return LOOPBACK.test(host) || names.publicHosts.some(name => name === host || name === bare);
}

/** An Origin, where sent, must be the same host. In front of a public name may stand a proxy that ends TLS; on loopback nothing does. */
export function isOwnOrigin(headers: IncomingHttpHeaders, names: OwnNames = loopbackNames): boolean {
  const { origin } = headers;
  const host = hostOf(headers);
  if (origin === undefined || origin === `${names.isTls ? 'https' : 'http'}://${host}`) return true;
  return !LOOPBACK.test(host) && origin === `https://${host}`;
}

const hostOf = (headers: IncomingHttpHeaders) => (headers.host ?? '').toLowerCase();
