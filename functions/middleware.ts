import middy, { type MiddlewareObj } from '@middy/core';
import httpHeaderNormalizer from '@middy/http-header-normalizer';
import httpSecurityHeaders from '@middy/http-security-headers';
import type { Context } from 'aws-lambda';
import type { Principal } from '#core/accounts/authenticate.ts';
import { isRefusal } from '#core/accounts/quote.ts';
import type { Refusal } from '#core/accounts/refusal.ts';
import { refusedError } from '#core/accounts/refused-error.ts';
import { checkScope, type Scope } from '#core/accounts/scopes.ts';
import { placeOf, ReelayError } from '#core/errors.ts';
import { readBody } from './body.ts';
import type { Deps } from './deps.ts';
import { errorResult } from './errors.ts';
import type { FrontEvent, HttpResult } from './http.ts';

/** An API Gateway event after the stack: who speaks in it, for which tenant and, where the route takes one, its parsed body. */
export interface ApiEvent extends FrontEvent {
  principal: Principal;
  /** The principal's. */
  tenant: string;
  input: unknown;
}

type Api = MiddlewareObj<ApiEvent, HttpResult, Error, Context>;
/** A route as both fronts call it. */
export type ApiHandler = (event: FrontEvent, context: Context) => Promise<HttpResult>;

/** Who may call a route: whoever has its scope, or anybody. */
export type Access = { readonly scope: Scope } | { readonly public: true };

/** Who speaks in an event, where a front in this process knows it already. By identity: what comes from outside cannot bring one. */
const speakers = new WeakMap<object, Principal>();

/** Says who speaks in an event, so that nobody is asked again. */
export function speaksIn<T extends FrontEvent>(principal: Principal, event: T): T {
  speakers.set(event, principal);
  return event;
}

/** Who speaks in an event; a refusal where that is nobody. */
export async function speakerOf(deps: Pick<Deps, 'authenticate'>, event: FrontEvent): Promise<Principal | Refusal> {
  return speakers.get(event) ?? deps.authenticate(event.headers.authorization);
}

/**
 * The stack that every route shares, outermost first: log and request id, error envelope, security headers, header names in lower
 * case, who asks, their rate and scope; with `body`, the parsed input. A `quiet` route is logged only where it fails.
 */
export function api(
  deps: Deps,
  name: string,
  handle: (event: ApiEvent) => Promise<HttpResult>,
  options: Access & { body?: boolean; quiet?: boolean },
): ApiHandler {
  const stack = middy<ApiEvent, HttpResult>()
    .use(requestLog(deps, name, options.quiet === true))
    .use(httpSecurityHeaders() as Api)
    .use(errorEnvelope(deps, name))
    .use(httpHeaderNormalizer() as Api);
  if ('scope' in options) stack.use(access(deps, options.scope));
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

/** The rate comes before the scope: who may not ask may not ask at any rate. */
function access(deps: Deps, scope: Scope): Api {
  return {
    before: async request => {
      const principal = await speakerOf(deps, request.event);
      if (isRefusal(principal)) throw refusedError(principal);
      const { tenant, account, scopes } = principal;
      const refused = deps.rates.check(tenant, account.limits.requestsPerMinute) ?? checkScope(scopes, scope);
      if (refused !== undefined) throw refusedError(refused);
      Object.assign(request.event, { principal, tenant });
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
