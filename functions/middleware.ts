import middy, { type MiddlewareObj } from '@middy/core';
import httpHeaderNormalizer from '@middy/http-header-normalizer';
import httpSecurityHeaders from '@middy/http-security-headers';
import type { Context } from 'aws-lambda';
import { placeOf, ReelayError } from '#core/errors.ts';
import { readBody } from './body.ts';
import type { Deps } from './deps.ts';
import { errorResult } from './errors.ts';
import type { FrontEvent, HttpResult } from './http.ts';

/** An API Gateway event after the stack: the tenant it speaks for and, where the route takes one, its parsed body. */
export interface ApiEvent extends FrontEvent {
  tenant: string;
  input: unknown;
}

type Api = MiddlewareObj<ApiEvent, HttpResult, Error, Context>;
/** A route as both fronts call it. */
export type ApiHandler = (event: FrontEvent, context: Context) => Promise<HttpResult>;

/**
 * The stack that every route shares, outermost first: log and request id, error envelope, security headers, header names in lower
 * case, tenant; with `body`, the parsed input. A `quiet` route is logged only where it fails.
 */
export function api(
  deps: Deps,
  name: string,
  handle: (event: ApiEvent) => Promise<HttpResult>,
  options: { body?: boolean; public?: boolean; quiet?: boolean } = {},
): ApiHandler {
  const stack = middy<ApiEvent, HttpResult>()
    .use(requestLog(deps, name, options.quiet === true))
    .use(httpSecurityHeaders() as Api)
    .use(errorEnvelope(deps, name))
    .use(httpHeaderNormalizer() as Api);
  if (options.public !== true) stack.use(tenant(deps));
  if (options.body === true) stack.use(body(deps));
  return stack.handler(handle) as unknown as ApiHandler;
}

function requestLog(deps: Deps, name: string, isQuiet: boolean): Api {
  const startedMs = new WeakMap<object, number>();
  const after: NonNullable<Api['after']> = request => {
    const { response, context, event } = request;
    if (response === null || response === undefined) return;
    response.headers = { ...response.headers, 'x-request-id': context.awsRequestId };
    if (isQuiet && (response.statusCode ?? 200) < 400) return;
    const durationMs = deps.now() - (startedMs.get(request.internal) ?? deps.now());
    const fields = { route: name, method: event.requestContext?.http?.method, status: response.statusCode, durationMs };
    deps.log('info', 'request', { requestId: context.awsRequestId, ...fields });
  };
  return {
    before: request => {
      startedMs.set(request.internal, deps.now());
    },
    after,
    onError: after as unknown as NonNullable<Api['onError']>,
  };
}

function errorEnvelope(deps: Deps, name: string): Api {
  return {
    onError: request => {
      const { error, context } = request;
      request.response = errorResult(error);
      if ((request.response.statusCode ?? 500) >= 500)
        deps.log('error', 'request failed', { requestId: context.awsRequestId, route: name, ...describeError(error) });
    },
  };
}

/** Code and place of an error for the log. */
function describeError(error: unknown): Record<string, unknown> {
  const code = error instanceof ReelayError ? error.code : undefined;
  const cause = error instanceof Error && error.cause !== undefined ? placeOf(error.cause) : undefined;
  return { code, at: placeOf(error), cause };
}

function tenant(deps: Deps): Api {
  return {
    before: request => {
      const found = deps.authenticate(request.event.headers.authorization);
      if (found === undefined)
        throw new ReelayError('unauthorized', 'Authorization: a valid API key is required as "Bearer <key>".');
      request.event.tenant = found;
    },
  };
}

function body({ maxUploadBytes }: Deps): Api {
  return {
    before: async request => {
      request.event.input = await readBody(request.event, maxUploadBytes);
    },
  };
}
