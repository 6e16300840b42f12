import { isUtf8 } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { APIGatewayProxyEventV2, Context } from 'aws-lambda';
import { ReelayError } from '#core/errors.ts';
import { limits } from '#core/limits.ts';
import type { FrontEvent } from '#functions/http.ts';

/** What all bodies of one server hold together, half sent ones and those being handled. */
export interface BodyPool {
  bytes: number;
  readonly maxBytes: number;
  /** Of which it is a part: what is held here is held there too. */
  readonly within?: BodyPool;
}

/** The client hung up in mid-upload: its own business, and nobody is left to answer. */
export class ClientGone extends Error {}

/** Twice the largest body that is allowed: who sends more than that will not be listened to. */
const MAX_DRAINED_BYTES = 16_777_216;
/** What most bodies fit into; a larger one doubles it as it comes. */
const FIRST_BODY_BYTES = 16_384;
/** How often a whole body lies in memory while it is handled: as it came, in its parser twice, and as the file that it brought. */
const COPIES_HANDLED = 4;
const NO_BODY = Buffer.alloc(0);
/** What reading the body of a request gives that has none. */
export const emptyBody = { body: NO_BODY, release: () => undefined };

/**
 * The whole body in one buffer, counted in the pool until `release`: once while it comes, then with the copies that handling it makes. It is copied together as it comes: a client that sends its
 * megabytes one byte a chunk makes millions of buffers of a few hundred bytes each. Throws 413 for a body over the limit, 429 for one
 * that the pool has no room for, and whatever ended the connection; the rest of the body is then the caller's to drain.
 */
export async function readBody(
  request: IncomingMessage,
  pool: BodyPool,
): Promise<{ body: Buffer<ArrayBuffer>; release: () => void }> {
  const most = limits.maxMultipartBytes;
  const tooLarge = () => new ReelayError('payload_too_large', `body: at most ${most} bytes are allowed.`);
  if (Number(request.headers['content-length'] ?? 0) > most) throw tooLarge();
  if (request.readableEnded) return emptyBody;
  if (request.destroyed) throw new ClientGone(); // while somebody asked who it is
  let room = NO_BODY;
  let [bytes, counted] = [0, 0];
  const pools = pool.within === undefined ? [pool] : [pool, pool.within];
  const count = (wanted: number) => {
    if (pools.some(({ bytes: held, maxBytes }) => held + wanted - counted > maxBytes))
      throw new ReelayError('rate_limited', 'This server is reading as many uploads as it may; try again shortly.');
    for (const one of pools) one.bytes += wanted - counted;
    counted = wanted;
  };
  const release = () => {
    for (const one of pools) one.bytes -= counted;
    counted = 0;
    room = NO_BODY;
  };
  const makeRoom = () => {
    const grown = Math.min(most, Math.max(FIRST_BODY_BYTES, room.length * 2, bytes));
    count(grown);
    const larger = Buffer.allocUnsafe(grown);
    room.copy(larger);
    room = larger;
  };
  return new Promise((resolve, reject) => {
    const fail = (error: unknown) => {
      request.off('data', take).off('end', end).off('close', hangUp);
      release();
      reject(error);
    };
    const hangUp = () => fail(new ClientGone());
    const take = (chunk: Buffer) => {
      const from = bytes;
      bytes += chunk.length;
      try {
        if (bytes > most) throw tooLarge();
        if (bytes > room.length) makeRoom();
      } catch (error) {
        return fail(error);
      }
      chunk.copy(room, from);
    };
    const end = () => {
      try {
        count(bytes * COPIES_HANDLED);
      } catch (error) {
        return fail(error);
      }
      request.off('close', hangUp);
      resolve({ body: room.subarray(0, bytes), release });
    };
    request.on('data', take).once('end', end).once('close', hangUp);
  });
}

/** Reads and forgets what is left of a refused body, so that a client that sends first and reads then finds its answer. */
export function drain(request: IncomingMessage): Promise<void> {
  let bytes = 0;
  return new Promise(resolve => {
    if (request.closed) return resolve(); // it tells of its end only once
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > MAX_DRAINED_BYTES) request.socket.destroy();
    });
    request.once('end', resolve).once('close', resolve);
  });
}

/** Path and query of a request's target; one that is no path (`*`, a full URL, nonsense) becomes one that nothing matches. */
export function targetOf(request: IncomingMessage): { path: string; query: string } {
  const target = request.url ?? '';
  // Most targets are plain; the parser of URLs costs more than matching a route.
  if (/^(\/[\w-]+)+$/.test(target)) return { path: target, query: '' };
  // Joined, not resolved: `//host/path` names a path here and no other host.
  const url = target.startsWith('/') ? URL.parse(`http://localhost${target}`) : null;
  return url === null ? { path: '/?', query: '' } : { path: url.pathname, query: url.search.slice(1) };
}

/**
 * A Node request as the event an API Gateway HTTP API sends (payload format 2.0): header names in lower case with repeats joined by
 * commas, cookies split out, repeated query values joined by commas, bodies that are not text in base64.
 */
export function toEvent(
  request: IncomingMessage,
  body: Buffer,
  route: { key: string; parameters: Record<string, string> },
): APIGatewayProxyEventV2 {
  const target = targetOf(request);
  const { cookie, ...plain } = request.headers;
  const headers: Record<string, string> = {};
  for (const name in plain) {
    const value = plain[name];
    headers[name] = Array.isArray(value) ? value.join(',') : (value ?? '');
  }
  // Text that is not UTF-8 would be mended on the way if it travelled as text; the handler must see it as it came.
  const isText = /^(text\/|application\/(json|javascript|xml))/.test(headers['content-type'] ?? '') && isUtf8(body);
  const timeEpoch = Date.now();
  const [method = 'GET', host = 'localhost'] = [request.method, headers.host];
  return {
    version: '2.0',
    routeKey: route.key,
    rawPath: target.path,
    rawQueryString: target.query,
    ...(cookie === undefined ? {} : { cookies: cookie.split('; ') }),
    headers,
    ...(target.query === '' ? {} : { queryStringParameters: queryOf(target.query) }),
    ...(Object.keys(route.parameters).length > 0 ? { pathParameters: route.parameters } : {}),
    requestContext: {
      accountId: 'local',
      apiId: 'local',
      domainName: host,
      domainPrefix: 'local',
      http: {
        method,
        path: target.path,
        protocol: `HTTP/${request.httpVersion}`,
        sourceIp: request.socket.remoteAddress ?? '',
        userAgent: headers['user-agent'] ?? '',
      },
      requestId: randomUUID(),
      routeKey: route.key,
      stage: '$default',
      time: new Date(timeEpoch).toISOString(),
      timeEpoch,
    },
    ...(body.length === 0 ? {} : { body: isText ? body.toString('utf8') : body.toString('base64') }),
    isBase64Encoded: body.length > 0 && !isText,
  };
}

/** Without a prototype: a parameter named `__proto__` is one like any other. */
function queryOf(text: string): Record<string, string> {
  const query: Record<string, string> = Object.create(null);
  for (const [name, value] of new URLSearchParams(text))
    query[name] = name in query ? `${query[name]},${value}` : value;
  return query;
}

/** The same event for handlers in this process, which take the body as it came. */
export function toFrontEvent(
  request: IncomingMessage,
  body: Buffer<ArrayBuffer>,
  route: { key: string; parameters: Record<string, string> },
): FrontEvent {
  const event = toEvent(request, NO_BODY, route);
  return body.length === 0 ? event : { ...event, bytes: body };
}

/** The Lambda context a handler may look at. */
export function toContext(event: APIGatewayProxyEventV2): Context {
  const { requestId } = event.requestContext;
  return {
    awsRequestId: requestId,
    callbackWaitsForEmptyEventLoop: false,
    functionName: 'reelay-local',
    functionVersion: '1',
    invokedFunctionArn: 'local',
    memoryLimitInMB: '0',
    logGroupName: 'local',
    logStreamName: 'local',
    getRemainingTimeInMillis: () => 30_000,
    done: () => undefined,
    fail: () => undefined,
    succeed: () => undefined,
  };
}
