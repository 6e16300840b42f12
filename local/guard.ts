/**
 * @file Who may call which route of a server that asks for keys.
 *
 * A key in `Authorization: Bearer` opens every route. A browser's <video>, <img>, download and EventSource cannot send that header, so
 * the studio trades its key for a cookie, which opens less: it reads the content and the events of one video at a time, for some hours,
 * on this process only. It changes nothing and lists nothing, so a request that another site makes a browser send gains nothing;
 * and other programs at ports of the same host, to which browsers send cookies too, do not learn the key from it.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';
import { ReelayError } from '#core/errors.ts';
import { limits } from '#core/limits.ts';
import type { Deps } from '#functions/deps.ts';
import { errorResult } from '#functions/errors.ts';
import type { HttpResult } from '#functions/http.ts';
import { createKeyCheck } from './wrong-keys.ts';

/** Where the studio trades its key for a cookie (POST) and gives that back (DELETE). */
export const SESSION_PATH = '/studio/session';
const COOKIE = 'reelay-media';
const PUBLIC = 'GET /health';

/** Routes that the cookie opens. */
export const cookieRoutes: ReadonlySet<string> = new Set(['GET /v1/videos/{id}/content', 'GET /v1/videos/{id}/events']);

/** Decides before a request's body is read. */
export interface Guard {
  /** undefined lets it in; else a 401, the same for no key, a wrong one and an old cookie, or a 429 after too many wrong ones. */
  check(request: IncomingMessage, route: string): HttpResult | undefined;
  /** Answers what comes to SESSION_PATH. */
  session(request: IncomingMessage): HttpResult;
}

/** A guard whose cookies die with it. */
export function createGuard({
  authenticate,
  now,
  random,
  log,
}: Pick<Deps, 'authenticate' | 'now' | 'random' | 'log'>): Guard {
  const secret = random(32);
  const signatureOf = (expiresAtMs: string) => createHmac('sha256', secret).update(expiresAtMs).digest('base64url');
  const checkKey = createKeyCheck({ authenticate, now, log });
  const hasCookie = (request: IncomingMessage) => {
    const [expiresAtMs = '', signature = ''] = (cookieOf(request) ?? '').split('.');
    const [given, right] = [Buffer.from(signature), Buffer.from(signatureOf(expiresAtMs))];
    return given.length === right.length && timingSafeEqual(given, right) && Number(expiresAtMs) > now();
  };
  const check: Guard['check'] = (request, route) => {
    if (route === PUBLIC) {
      const { authorization } = request.headers;
      // Who shows a wrong key there is nobody, and it counts: what tells more to the right one must be no place to try keys.
      if (
        authorization !== undefined &&
        checkKey(request.socket.remoteAddress ?? '', authorization, route) !== undefined
      )
        delete request.headers.authorization;
      return undefined;
    }
    if (cookieRoutes.has(route) && isFromOwnPage(request) && hasCookie(request)) return undefined;
    const waitSeconds = checkKey(request.socket.remoteAddress ?? '', request.headers.authorization, route);
    return waitSeconds === undefined ? undefined : refusal(waitSeconds);
  };
  return {
    check,
    session: request => {
      if (request.method === 'DELETE') return cookieResult(request, '', 0);
      if (request.method !== 'POST')
        throw new ReelayError('method_not_allowed', 'method: POST and DELETE are allowed here.');
      const refused = check(request, SESSION_PATH);
      if (refused !== undefined) return refused;
      const expiresAtMs = String(now() + limits.mediaCookieHours * 3_600_000);
      return cookieResult(request, `${expiresAtMs}.${signatureOf(expiresAtMs)}`);
    },
  };
}

function refusal(waitSeconds: number): HttpResult {
  const result = errorResult(
    waitSeconds === 0
      ? new ReelayError('unauthorized', 'Authorization: a valid API key is required as "Bearer <key>".')
      : new ReelayError(
          'rate_limited',
          `Authorization: too many wrong keys came from this address; try again in ${waitSeconds} seconds.`,
        ),
  );
  // RFC 9110, 15.5.2 and 10.2.3. The same key is not right the next time, so clients need not retry by themselves.
  const more =
    waitSeconds === 0
      ? { 'www-authenticate': 'Bearer' }
      : { 'retry-after': `${waitSeconds}`, 'retry-after-ms': `${waitSeconds * 1000}`, 'x-should-retry': 'false' };
  return { ...result, headers: { ...result.headers, ...more } };
}

/** Browsers that tell say where a request comes from; a page at another port of this host is not ours. */
function isFromOwnPage({ headers }: IncomingMessage): boolean {
  return [undefined, 'same-origin', 'none'].includes(headers['sec-fetch-site'] as string | undefined);
}

function cookieOf({ headers }: IncomingMessage): string | undefined {
  const pairs = (headers.cookie ?? '').split(';').map(pair => pair.trim());
  return pairs.find(pair => pair.startsWith(`${COOKIE}=`))?.slice(COOKIE.length + 1);
}

/** Without an age it goes when the browser closes. Secure where the page came by TLS, be it a proxy's. */
function cookieResult({ headers, socket }: IncomingMessage, value: string, maxAgeSeconds?: number): HttpResult {
  const secure = socket instanceof TLSSocket || headers.origin?.startsWith('https:') === true ? '; Secure' : '';
  const age = maxAgeSeconds === undefined ? '' : `; Max-Age=${maxAgeSeconds}`;
  const cookie = `${COOKIE}=${value}; Path=/v1/videos; HttpOnly; SameSite=Strict${secure}${age}`;
  return { statusCode: 204, headers: { 'set-cookie': cookie, 'cache-control': 'no-store' } };
}
