/**
 * @file Who may call a server, before a request's body is read.
 *
 * A key in `Authorization: Bearer` opens the routes of its scopes. A browser's <video>, <img>, download and EventSource cannot send that
 * header, so the studio trades its key for a cookie, which opens less: it reads the content and the events of one video at a time, for some
 * hours, on this process only, and never what its key does not. It changes nothing and lists nothing, so a request that another site makes
 * a browser send gains nothing; and other programs at ports of the same host, to which browsers send cookies too, do not learn the key from it.
 */
import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';
import type { Principal } from '#core/accounts/authenticate.ts';
import { isRefusal } from '#core/accounts/quote.ts';
import { refusedError } from '#core/accounts/refused-error.ts';
import { ReelayError } from '#core/errors.ts';
import { limits } from '#core/limits.ts';
import type { Deps } from '#functions/deps.ts';
import { errorResult } from '#functions/errors.ts';
import type { HttpResult } from '#functions/http.ts';
import { createCookieSeal } from './cookie-seal.ts';
import { createKeyCheck } from './wrong-keys.ts';

/** Where the studio trades its key for a cookie (POST) and gives that back (DELETE). */
export const SESSION_PATH = '/studio/session';
const COOKIE = 'reelay-media';
const PUBLIC = 'GET /health';
/** What proxies and tunnels add for somebody else; a program on this machine has no reason to. */
const FORWARDED = /^(forwarded|x-forwarded-.+|x-real-ip|x-client-ip|true-client-ip|cf-connecting-ip|via)$/;

/** Routes that the cookie opens. */
export const cookieRoutes: ReadonlySet<string> = new Set(['GET /v1/videos/{id}/content', 'GET /v1/videos/{id}/events']);

/** Who was let in; of a public route perhaps nobody in particular. */
export type LetIn = { readonly principal: Principal | undefined } | { readonly refused: HttpResult };

/** Decides before a request's body is read. */
export interface Guard {
  /** Refused with a 401, the same for no key, a wrong one and an old cookie; a 403 for a suspended tenant; a 429 after too many wrong keys. */
  check(request: IncomingMessage, route: string): Promise<LetIn>;
  /** Answers what comes to SESSION_PATH. */
  session(request: IncomingMessage): Promise<HttpResult>;
}

/** A guard whose cookies die with it. */
export function createGuard({
  authenticate,
  now,
  random,
  log,
}: Pick<Deps, 'authenticate' | 'now' | 'random' | 'log'>): Guard {
  const cookies = createCookieSeal({ now, random });
  const checkKey = createKeyCheck({ authenticate, now, log });
  const askedBy = async (request: IncomingMessage, route: string): Promise<LetIn> => {
    const asked = await checkKey(request.socket.remoteAddress ?? '', request.headers.authorization, route);
    if (typeof asked === 'number') return { refused: errorResult(tooManyWrongKeys(asked)) };
    if (isRefusal(asked)) return { refused: errorResult(refusedError(asked)) };
    const through = asked.keyId === null ? Object.keys(request.headers).find(name => FORWARDED.test(name)) : undefined;
    return through === undefined ? { principal: asked } : { refused: errorResult(notFromHere(through)) };
  };
  const check: Guard['check'] = async (request, route) => {
    const { authorization } = request.headers;
    if (route === PUBLIC) {
      // Who shows a wrong key there is nobody, and it counts: what tells more to the right one must be no place to try keys.
      const found = authorization === undefined ? undefined : await askedBy(request, route);
      if (found !== undefined && 'refused' in found) delete request.headers.authorization;
      return { principal: found !== undefined && 'principal' in found ? found.principal : undefined };
    }
    if (authorization === undefined && cookieRoutes.has(route) && isFromOwnPage(request)) {
      // As if its key came along: what ends the key or takes a scope from it ends what the cookie opens.
      const sealed = cookies.open(cookieOf(request) ?? '');
      const found = sealed === undefined ? undefined : await authenticate(sealed.authorization ?? undefined);
      if (found !== undefined && !isRefusal(found)) return { principal: found };
    }
    return askedBy(request, route);
  };
  return {
    check,
    session: async request => {
      if (request.method === 'DELETE') return cookieResult(request, '', 0);
      if (request.method !== 'POST')
        throw new ReelayError('method_not_allowed', 'method: POST and DELETE are allowed here.');
      const found = await check(request, SESSION_PATH);
      if ('refused' in found) return found.refused;
      const expiresAtMs = now() + limits.mediaCookieHours * 3_600_000;
      return cookieResult(request, cookies.seal({ authorization: request.headers.authorization ?? null, expiresAtMs }));
    },
  };
}

/** Who needs no key is on this machine; a proxy's own address is, whoever stands behind it. */
function notFromHere(header: string): ReelayError {
  const message = `${header}: this server asks for no key, so it serves its own machine and nobody through a proxy. Start it with keys: \`reelay key create\`, then --public-host.`;
  return new ReelayError('forbidden', message);
}

/** The same key is not right the next time, so clients need not come again by themselves. */
function tooManyWrongKeys(waitSeconds: number): ReelayError {
  const message = `Authorization: too many wrong keys came from this address; try again in ${waitSeconds} seconds.`;
  return new ReelayError('rate_limited', message, { retryAfterMs: waitSeconds * 1000, retryable: false });
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
