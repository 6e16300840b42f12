/**
 * A request's way: refused at once when the process is behind or holds too much; its body read; handled; answered. What clients can
 * hold of the process is bounded at each step: connections, requests in progress, requests sent ahead on a connection, bodies half sent.
 */
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { placeOf, ReelayError } from '#core/errors.ts';
import { limits } from '#core/limits.ts';
import type { Deps, Log } from '#functions/deps.ts';
import { errorResult } from '#functions/errors.ts';
import type { HttpResult } from '#functions/http.ts';
import { routes } from '#functions/routes.ts';
import { type BodyPool, ClientGone, drain, readBody, targetOf, toContext, toFrontEvent } from './http-event.ts';
import { isOwnOrigin } from './own-origin.ts';
import { createRouter } from './router.ts';
import type { StaticFiles } from './static-files.ts';

/** Far more than one machine's programs open; each costs some 20 KB, and up to 16 KB of headers while they arrive. */
const MAX_CONNECTIONS = 4_096;
/** Requests in progress, streams being read included; a stream's buffers hold some 100 KB. */
const MAX_IN_PROGRESS = 1_024;
/** One connection's requests sent ahead of their answers: a packet holds a thousand, and each may ask for a page of a hundred records. */
const MAX_SENT_AHEAD = 16;
/** Bodies being read or handled with their copies, all together: nine of the largest half sent, two in hand, or thousands as usual. */
const MAX_BODY_BYTES_HELD = 67_108_864;
/** Who had no idle moment for this long is overloaded; pauses (garbage, a checkpoint of the log, another program) are caught up sooner. */
const BEHIND_MS = 250;
/** What an overloaded process spends on serving in one round of its event loop. Short, since libuv accepts one connection a round. */
const ROUND_MS = 3;
/** Less than this between two rounds is the price of looking for more, and no rest. */
const IDLE_MS = 0.1;
/** Half-sent headers and bodies are looked for this often. */
const TIMEOUT_CHECK_MS = 5_000;
/** A connection on which nothing moves for so long, as with a reader that stopped, is closed; streams send a line every 15 s. */
const SILENT_MS = 120_000;
/** Refusals are logged in sums: an overload must not fill the log. */
const LOG_REFUSALS_EVERY_MS = 1_000;

/** Of each connection, the admitted requests whose answers are not out. */
const unansweredOf = new WeakMap<Socket, IncomingMessage[]>();

/** The same handlers that Lambda runs, behind node:http: admission, routing, body limit, API Gateway events in, results out. */
export function createHttpServer(deps: Deps, files: StaticFiles): Server {
  const route = createRouter(Object.keys(routes));
  const handlers = new Map(Object.entries(routes).map(([key, make]) => [key, make(deps)]));
  const pool: BodyPool = { bytes: 0, maxBytes: MAX_BODY_BYTES_HELD };
  const admit = createAdmission(deps.log);

  const answer = async (request: IncomingMessage): Promise<HttpResult> => {
    if (!isOwnOrigin(request.headers))
      throw new ReelayError('forbidden', 'origin: pages of other sites may not call this server.');
    const { path } = targetOf(request);
    const match = route(request.method ?? 'GET', path);
    if (!('key' in match)) {
      const file = match.allowed.length === 0 && files.find(request.method ?? 'GET', path);
      if (file) return file;
      return unrouted(request.method ?? '', match.allowed);
    }
    const { body, release } = await readBody(request, pool);
    try {
      const event = toFrontEvent(request, body, match);
      return await handlers.get(match.key)!(event, toContext(event));
    } finally {
      release();
    }
  };

  const options = { connectionsCheckingInterval: TIMEOUT_CHECK_MS, optimizeEmptyRequests: true };
  const server = createServer(options, (request, response) => {
    const refusal = admit(request, response);
    (refusal === undefined ? answer(request) : Promise.resolve(refusal))
      .catch(error => {
        if (error instanceof ClientGone) throw error;
        if (!(error instanceof ReelayError)) deps.log('error', 'front failed', { at: placeOf(error) });
        return errorResult(error);
      })
      .then(result => reply(request, response, result))
      .catch(() => response.destroy()); // the client went away in mid-answer
  });
  server.on('clientError', refuseNonsense);
  server.maxConnections = MAX_CONNECTIONS;
  server.requestTimeout = limits.requestTimeoutMs;
  server.headersTimeout = limits.headersTimeoutMs;
  server.timeout = SILENT_MS;
  return server;
}

/**
 * Refuses what there is no room or time for: undefined lets a request in.
 *
 * Handlers run to their end when their request is read, so what waits, waits unread in the sockets, and nobody can count it. But an event
 * loop that never rests has a queue: after BEHIND_MS of that, each round serves for ROUND_MS and refuses the rest, which costs a fraction
 * of serving it, so that the next round comes soon. (As in CoDel, RFC 8289: what counts is how long a queue has been standing.)
 */
function createAdmission(log: Log): (request: IncomingMessage, response: ServerResponse) => HttpResult | undefined {
  const refuse = refusals(log);
  let inProgress = 0;
  let roundMs: number | undefined;
  let idleBeforeMs = 0;
  let busySinceMs = 0;
  const endRound = () => {
    roundMs = undefined;
    idleBeforeMs = idleMs();
  };
  const isBehind = (): boolean => {
    const nowMs = performance.now();
    if (roundMs === undefined) {
      roundMs = nowMs;
      if (idleMs() - idleBeforeMs > IDLE_MS) busySinceMs = nowMs;
      setImmediate(endRound); // runs when all that had arrived is read
    }
    return nowMs - roundMs > ROUND_MS && nowMs - busySinceMs > BEHIND_MS;
  };
  return (request, response) => {
    const { socket } = request;
    const unanswered = unansweredOf.get(socket) ?? [];
    const isTooMuch = isBehind() || unanswered.length >= MAX_SENT_AHEAD || inProgress >= MAX_IN_PROGRESS;
    // A look at its health is how an operator tells overload from death.
    if (isTooMuch && request.url !== '/health') return refuse();
    inProgress++;
    unansweredOf.set(socket, unanswered);
    unanswered.push(request);
    response.once('close', () => {
      inProgress--;
      unanswered.splice(unanswered.indexOf(request), 1);
    });
    return undefined;
  };
}

/** How long this thread's event loop has had nothing to do, ever. */
const idleMs = () => performance.eventLoopUtilization().idle;

/** The answer that says to come again, and a log line for each second of them. */
function refusals(log: Log): () => HttpResult {
  const result = errorResult(
    new ReelayError('rate_limited', 'This server has more to do than it can; try again shortly.'),
  );
  let refused = 0;
  return () => {
    if (refused++ === 0)
      setTimeout(() => {
        log('warn', 'requests refused', { refused, withinMs: LOG_REFUSALS_EVERY_MS });
        refused = 0;
      }, LOG_REFUSALS_EVERY_MS).unref();
    // Who was refused together should not come back together.
    const retryAfterMs = Math.round(limits.retryAfterMs * (0.5 + Math.random()));
    return { ...result, headers: { ...result.headers, 'retry-after-ms': String(retryAfterMs) } };
  };
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
  const drained = request.complete || request.readableEnded ? undefined : drain(request);
  const noBody = request.method === 'HEAD' || statusCode === 304;
  if (result.onClose !== undefined) response.once('close', result.onClose);
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
  await drained;
  response.end();
}

/** Bytes that are not HTTP, headers over 16 KB, requests that never end: the envelope, as far as anyone reads it, and the connection closes. */
function refuseNonsense(error: Error & { code?: string }, socket: Socket): void {
  const status = error.code === 'HPE_HEADER_OVERFLOW' ? 431 : error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400;
  // Where another request waits for its answer, or has half of it, this would be taken for that.
  const [waiting, ...more] = unansweredOf.get(socket) ?? [];
  if (!socket.writable || more.length > 0 || waiting?.complete === true) return void socket.destroy();
  const body = errorResult(
    new ReelayError('invalid_request', 'request: this is not a whole, well-formed HTTP request.'),
  ).body;
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nconnection: close\r\ncontent-type: application/json; charset=utf-8\r\n` +
      `content-length: ${body?.length}\r\nx-request-id: ${randomUUID()}\r\nx-should-retry: false\r\n\r\n${body}`,
    () => socket.destroy(),
  );
}
