import type { IncomingHttpHeaders } from 'node:http';

const LOOPBACK = /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/;

/**
 * The embedded server needs no key because only this machine reaches it; a page of another site, open in this machine's browser,
 * reaches it too. So the host must be a loopback name (DNS rebinding) and an Origin, where sent, must be the same host.
 */
export function isOwnOrigin(headers: IncomingHttpHeaders): boolean {
  const { host = '', origin } = headers;
  if (!LOOPBACK.test(host)) return false;
  return origin === undefined || origin === `http://${host}`;
}
