/**
 * A request's way: refused at once when the process is behind or holds too much, or has no key where one is asked for; its body read;
 * handled; answered. What clients can
 * hold of the process is bounded at each step: connections, requests in progress, requests sent ahead on a connection, bodies half sent.
 */
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { placeOf, ReelayError } from '#core/errors.ts';
import { limits } from '#core/limits.ts';
import type { Deps } from '#functions/deps.ts';
import { errorResult } from '#functions/errors.ts';
import type { HttpResult } from '#functions/http.ts';
import { speaksIn } from '#functions/middleware.ts';
import { routes } from '#functions/routes.ts';
import { createAdmission, isAnswered, MAX_IN_PROGRESS, refuseNonsense } from './admission.ts';
import { shareConnections } from './connection-share.ts';
import { type Front, publicHostsOf } from './front.ts';
import { createGuard, SESSION_PATH } from './guard.ts';
import {
  type BodyPool,
  ClientGone,
  drain,
  emptyBody,
  readBody,
  targetOf,
  toContext,
  toFrontEvent,
} from './http-event.ts';
import { isOwnHost, isOwnOrigin } from './own-origin.ts';
import { createRouter } from './router.ts';
import type { StaticFiles } from './static-files.ts';
import { createTenantShare } from './tenant-share.ts';

/** Far more than one machine's programs open; each costs some 20 KB, and up to 16 KB of headers while they arrive. */
const MAX_CONNECTIONS = 4_096;
/** One address of the network has at most this part of them: three others still get in. A proxy in front is one address. */
const ADDRESS_SHARE = 4;
/** Bodies being read or handled with their copies, all together: nine of the largest half sent, two in hand, or thousands as usual. */
const MAX_BODY_BYTES_HELD = 67_108_864;
/** Half-sent headers and bodies are looked for this often. */
const TIMEOUT_CHECK_MS = 5_000;
/** A connection on which nothing moves for so long, as with a reader that stopped, is closed; streams send a line every 15 s. */
const SILENT_MS = 120_000;

/** A server that knows what it is doing. */
export interface HttpServer extends Server {
  /** Resolves when no handler runs: one whose client is gone runs to its end, and its ports must stay open for so long. */
  settled(): Promise<void>;
  /** Ends all connections. `closeAllConnections` leaves those whose TLS handshake is not over, and `close` waits for their timeout. */
  hangUp(): void;
}

/**
 * The same handlers that Lambda runs, behind node:http or node:https: admission, keys, routing, body limit, API Gateway events in,
 * results out. Who asks is known before a body is read.
 */
export function createHttpServer(deps: Deps, files: StaticFiles, front: Front = {}): HttpServer {
  const route = createRouter(Object.keys(routes));
  const names = { publicHosts: publicHostsOf(front), isTls: front.tls !== undefined };
  const guard = createGuard(deps);
  const handlers = new Map(Object.entries(routes).map(([key, make]) => [key, make(deps)]));
  const pool: BodyPool = { bytes: 0, maxBytes: MAX_BODY_BYTES_HELD };
  const { admit, close } = createAdmission(deps.log);
  const placeFor = createTenantShare({ requests: MAX_IN_PROGRESS, pool });

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<HttpResult> => {
    // Of two a proxy in front may go by the other one (RFC 9112, 3.2).
    if ((request.headersDistinct.host ?? []).length > 1)
      throw new ReelayError('invalid_request', 'host: one Host header is allowed.');
    if (!isOwnHost(request.headers, names))
      throw new ReelayError('forbidden', 'host: this server does not go by that name; --public-host gives it names.');
    if (!isOwnOrigin(request.headers, names))
      throw new ReelayError('forbidden', 'origin: pages of other sites may not call this server.');
    const { path } = targetOf(request);
    if (path === SESSION_PATH) return guard.session(request);
    const match = route(request.method ?? 'GET', path);
    if (!('key' in match)) {
      const file = match.allowed.length === 0 && files.find(request.method ?? 'GET', path);
      if (file) return file;
      return unrouted(request.method ?? '', match.allowed);
    }
    const found = await guard.check(request, match.key);
    if ('refused' in found) return found.refused;
    if (response.closed) throw new ClientGone(); // while somebody asked who it is
    const place = placeFor(found.principal);
    response.once('close', place.leave);
    // What asks for nothing but an answer has no body to wait for; /health has no key either.
    const isRead = request.method !== 'GET' && request.method !== 'HEAD';
    const { body, release } = isRead ? await readBody(request, place.pool) : emptyBody;
    try {
      const event = toFrontEvent(request, body, match);
      if (found.principal !== undefined) speaksIn(found.principal, event);
      return await handlers.get(match.key)!(event, toContext(event));
    } finally {
      release();
    }
  };

  const serveOne = (request: IncomingMessage, response: ServerResponse) => {
    const refusal = admit(request, response);
    return (refusal === undefined ? answer(request, response) : Promise.resolve(refusal))
      .catch(error => {
        if (error instanceof ClientGone) throw error;
        if (!(error instanceof ReelayError)) deps.log('error', 'front failed', { at: placeOf(error) });
        return errorResult(error);
      })
      .then(result => reply(request, response, result))
      .catch(() => void response.destroy()); // the client went away in mid-answer
  };
  const server = boundServer(serveOne, front.tls);
  shareConnections(server, { most: MAX_CONNECTIONS / ADDRESS_SHARE, log: deps.log });
  server.once('close', close);
  return server;
}

/** A server within its bounds that hands over request after request, and remembers those that are not done with. */
function boundServer(
  serveOne: (request: IncomingMessage, response: ServerResponse) => Promise<void>,
  tlsFiles: Front['tls'],
): HttpServer {
  const underWay = new Set<Promise<void>>();
  const listener = (request: IncomingMessage, response: ServerResponse) => {
    const served = serveOne(request, response).finally(() => underWay.delete(served));
    underWay.add(served);
  };
  const options = { connectionsCheckingInterval: TIMEOUT_CHECK_MS, optimizeEmptyRequests: true };
  const tls = { ...tlsFiles, minVersion: 'TLSv1.2', handshakeTimeout: limits.headersTimeoutMs } as const;
  const server = tlsFiles ? createTlsServer({ ...options, ...tls }, listener) : createServer(options, listener);
  server.on('clientError', refuseNonsense);
  server.maxConnections = MAX_CONNECTIONS;
  server.requestTimeout = limits.requestTimeoutMs;
  server.headersTimeout = limits.headersTimeoutMs;
  server.timeout = SILENT_MS;
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  const hangUp = () => {
    for (const socket of sockets) socket.destroy();
  };
  const settled = async () => {
    while (underWay.size > 0) await Promise.all(underWay);
  };
  return Object.assign(server, { settled, hangUp });
}

function unrouted(method: string, allowed: readonly string[]): HttpResult {
  if (allowed.length === 0) return errorResult(new ReelayError('not_found', 'path: there is nothing here.'));
  const message = `method: got ${method.slice(0, 10)}; ${allowed.join(', ')} is allowed here.`;
  const result = errorResult(new ReelayError('method_not_allowed', message));
  return { ...result, headers: { ...result.headers, allow: allowed.join(', ') } };
}

async function reply(request: IncomingMessage, response: ServerResponse, result: HttpResult): Promise<void> {
  const statusCode = result.statusCode ?? 200;
  // A handler sets the request id; a refusal before any handler gets one here: every reply has it.
  const headers = { 'x-request-id': randomUUID(), ...result.headers } as Record<string, string>;
  // The handlers' front on AWS has a host to itself. Here it would close all other ports of this one, and hosts below it, to plain HTTP.
  delete headers['Strict-Transport-Security'];
  const drained = request.complete || request.readableEnded ? undefined : drain(request);
  const noBody = request.method === 'HEAD' || statusCode === 304;
  if (response.closed) result.onClose?.();
  else if (result.onClose !== undefined) response.once('close', result.onClose);
  if (result.stream !== undefined && !noBody) {
    response.writeHead(statusCode, headers);
    // A stream of events may have nothing to say for seconds; its client waits for the head to know that it is connected.
    response.flushHeaders();
    return pipeline(result.stream, response);
  }
  // Text goes out in one write with its head; a buffer would take two.
  const body = result.isBase64Encoded ? Buffer.from(result.body ?? '', 'base64') : (result.body ?? '');
  if (!noBody) headers['content-length'] ??= String(Buffer.byteLength(body));
  response.writeHead(statusCode, headers);
  // The end of the last answer closes the connection, and over unread bytes that is a reset, which may overtake the answer.
  if (drained === undefined || response.shouldKeepAlive || noBody) return void response.end(noBody ? undefined : body);
  response.write(body);
  isAnswered(response);
  await drained;
  response.end();
}
