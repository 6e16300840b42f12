import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { placeOf, ReelayError } from '#core/errors.ts';
import { limits } from '#core/limits.ts';
import type { Deps } from '#functions/deps.ts';
import { errorResult } from '#functions/errors.ts';
import type { HttpResult } from '#functions/http.ts';
import { routes } from '#functions/routes.ts';
import { toContext, toEvent } from './http-event.ts';
import { isOwnOrigin } from './own-origin.ts';
import { createRouter } from './router.ts';
import type { StaticFiles } from './static-files.ts';

/** The same handlers that Lambda runs, behind node:http: routing, body limit, API Gateway events in, results out. */
export function createHttpServer(deps: Deps, files: StaticFiles): Server {
  const route = createRouter(Object.keys(routes));
  const handlers = new Map(Object.entries(routes).map(([key, make]) => [key, make(deps)]));

  const answer = async (request: IncomingMessage): Promise<HttpResult> => {
    if (!isOwnOrigin(request.headers))
      throw new ReelayError('forbidden', 'origin: pages of other sites may not call this server.');
    const path = pathOf(request);
    const match = route(request.method ?? 'GET', path);
    if (!('key' in match)) {
      const file = match.allowed.length === 0 && files.find(request.method ?? 'GET', path);
      if (file) return file;
      return unrouted(request.method ?? '', match.allowed);
    }
    const body = await readBody(request);
    const event = toEvent(request, body, match);
    return handlers.get(match.key)!(event, toContext(event));
  };

  const server = createServer((request, response) => {
    answer(request)
      .catch(error => {
        if (!(error instanceof ReelayError) && !isHangUp(error))
          deps.log('error', 'front failed', { at: placeOf(error) });
        return errorResult(error);
      })
      .then(result => reply(request, response, result))
      .catch(() => response.destroy()); // the client went away in mid-answer
  });
  server.requestTimeout = limits.requestTimeoutMs;
  server.headersTimeout = limits.headersTimeoutMs;
  return server;
}

/** A target that is no path (`*`, a full URL, nonsense) becomes one that nothing matches. */
function pathOf(request: IncomingMessage): string {
  const target = request.url ?? '';
  return target.startsWith('/') && URL.canParse(target, 'http://localhost')
    ? new URL(target, 'http://localhost').pathname
    : '/?';
}

function unrouted(method: string, allowed: readonly string[]): HttpResult {
  if (allowed.length === 0) return errorResult(new ReelayError('not_found', 'path: there is nothing here.'));
  const message = `method: got ${method.slice(0, 10)}; ${allowed.join(', ')} is allowed here.`;
  const result = errorResult(new ReelayError('method_not_allowed', message));
  return { ...result, headers: { ...result.headers, allow: allowed.join(', ') } };
}

/** A client that went away in mid-upload: its own business, and nobody is left to answer. */
function isHangUp(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ECONNRESET';
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const tooLarge = () =>
    new ReelayError('payload_too_large', `body: at most ${limits.maxMultipartBytes} bytes are allowed.`);
  if (Number(request.headers['content-length'] ?? 0) > limits.maxMultipartBytes) throw tooLarge();
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > limits.maxMultipartBytes) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

async function reply(request: IncomingMessage, response: ServerResponse, result: HttpResult): Promise<void> {
  const statusCode = result.statusCode ?? 200;
  // A handler sets the request id; a refusal before any handler gets one here: every reply has it.
  const headers = { 'x-request-id': randomUUID(), ...result.headers } as Record<string, string>;
  // What was not read of a refused body would be taken for the next request.
  if (!request.complete) headers.connection = 'close';
  const noBody = request.method === 'HEAD' || statusCode === 304;
  if (result.stream === undefined) {
    const body = result.isBase64Encoded ? Buffer.from(result.body ?? '', 'base64') : Buffer.from(result.body ?? '');
    if (!noBody) headers['content-length'] ??= String(body.length);
    response.writeHead(statusCode, headers).end(noBody ? undefined : body);
    return;
  }
  if (result.onClose !== undefined) response.once('close', result.onClose);
  response.writeHead(statusCode, headers);
  if (noBody) response.end();
  else await pipeline(result.stream, response);
}
