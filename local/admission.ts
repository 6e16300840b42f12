/** @file Which requests are taken in at all: what there is no room or time for is refused before anything is read of it. */
import { randomUUID } from 'node:crypto';
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { ReelayError } from '#core/errors.ts';
import { limits } from '#core/limits.ts';
import type { Log } from '#functions/deps.ts';
import { errorResult } from '#functions/errors.ts';
import type { HttpResult } from '#functions/http.ts';

/** Requests in progress, streams being read included; a stream's buffers hold some 100 KB. */
export const MAX_IN_PROGRESS = 1_024;
/** One connection's requests sent ahead of their answers: a packet holds a thousand, and each may ask for a page of a hundred records. */
const MAX_SENT_AHEAD = 16;
/** Who had no idle moment for this long is overloaded; pauses (garbage, a checkpoint of the log, another program) are caught up sooner. */
const BEHIND_MS = 250;
/** What an overloaded process spends on serving in one round of its event loop. Short, since libuv accepts one connection a round. */
const ROUND_MS = 3;
/** Less than this between two rounds is the price of looking for more, and no rest. */
const IDLE_MS = 0.1;
/** Refusals are logged in sums: an overload must not fill the log. */
const LOG_REFUSALS_EVERY_MS = 1_000;

/** Of each connection, the admitted requests whose answers are not out. */
const unansweredOf = new WeakMap<Socket, IncomingMessage[]>();
/** What ends the count of an admitted request, by its answer. */
const countedBy = new WeakMap<ServerResponse, () => void>();

/**
 * Counts a request no more whose answer is written, while the rest of its body is still read away. Whoever is refused could else send
 * the end of a body never, and with a thousand connections and no key keep everybody out.
 */
export function isAnswered(response: ServerResponse): void {
  countedBy.get(response)?.();
}

/** The door of one server. */
export interface Admission {
  /** The refusal of a request; undefined lets it in. */
  readonly admit: (request: IncomingMessage, response: ServerResponse) => HttpResult | undefined;
  /** Logs what was refused since the last line, and waits for no more of it. */
  readonly close: () => void;
}

/**
 * Refuses what there is no room or time for.
 *
 * Handlers run to their end when their request is read, so what waits, waits unread in the sockets, and nobody can count it. But an event
 * loop that never rests has a queue: after BEHIND_MS of that, each round serves for ROUND_MS and refuses the rest, which costs a fraction
 * of serving it, so that the next round comes soon. (As in CoDel, RFC 8289: what counts is how long a queue has been standing.)
 */
export function createAdmission(log: Log): Admission {
  const { refuse, tell } = refusals(log);
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
  const admit = (request: IncomingMessage, response: ServerResponse) => {
    const { socket } = request;
    const unanswered = unansweredOf.get(socket) ?? [];
    const isTooMuch = isBehind() || unanswered.length >= MAX_SENT_AHEAD || inProgress >= MAX_IN_PROGRESS;
    // A look at its health is how an operator tells overload from death.
    if (isTooMuch && request.url !== '/health') return refuse();
    inProgress++;
    unansweredOf.set(socket, unanswered);
    unanswered.push(request);
    let isCounted = true;
    const uncount = () => {
      if (isCounted) inProgress--;
      isCounted = false;
    };
    countedBy.set(response, uncount);
    response.once('close', () => {
      uncount();
      unanswered.splice(unanswered.indexOf(request), 1);
    });
    return undefined;
  };
  return { admit, close: tell };
}

/** How long this thread's event loop has had nothing to do, ever. */
const idleMs = () => performance.eventLoopUtilization().idle;

/** The answer that says to come again, and a log line for each second of them, or at once with `tell`. */
function refusals(log: Log): { readonly refuse: () => HttpResult; readonly tell: () => void } {
  const result = errorResult(
    new ReelayError('rate_limited', 'This server has more to do than it can; try again shortly.'),
  );
  let refused = 0;
  let timer: NodeJS.Timeout | undefined;
  const tell = () => {
    clearTimeout(timer);
    if (refused > 0) log('warn', 'requests refused', { refused, withinMs: LOG_REFUSALS_EVERY_MS });
    refused = 0;
  };
  const refuse = () => {
    if (refused++ === 0) timer = setTimeout(tell, LOG_REFUSALS_EVERY_MS).unref();
    // Who was refused together should not come back together.
    const retryAfterMs = Math.round(limits.retryAfterMs * (0.5 + Math.random()));
    return { ...result, headers: { ...result.headers, 'retry-after-ms': String(retryAfterMs) } };
  };
  return { refuse, tell };
}

/** Bytes that are not HTTP, headers over 16 KB, requests that never end: the envelope, as far as anyone reads it, and the connection closes. */
export function refuseNonsense(error: Error & { code?: string }, socket: Socket): void {
  // Of a broken connection, or one that is not TLS where that is spoken, nobody could read an answer.
  if (!/^(HPE_|ERR_HTTP_)/.test(error.code ?? '')) return void socket.destroy();
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
