import { type ErrorCode, ReelayError } from '#core/errors.ts';
import { limits } from '#core/limits.ts';
import { type HttpResult, json } from './http.ts';

/** The status a code is answered with; a code that is not here is our fault and its text never leaves. */
const STATUS: Partial<Record<ErrorCode, number>> = {
  invalid_request: 400,
  model_not_found: 400,
  unsupported_operation: 400,
  not_supported: 404,
  unauthorized: 401,
  budget_exceeded: 402,
  max_cost_exceeded: 402,
  forbidden: 403,
  policy_denied: 403,
  likeness_consent_required: 403,
  not_found: 404,
  video_not_ready: 404,
  expired: 404,
  invalid_reference: 422,
  method_not_allowed: 405,
  payload_too_large: 413,
  unsupported_media_type: 415,
  range_not_satisfiable: 416,
  residency_unsatisfiable: 422,
  tenant_limit: 422,
  idempotency_key_reused: 422,
  deadline_unattainable: 422,
  queue_full: 429,
  rate_limited: 429,
  store_unavailable: 503,
};

const TYPES: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  403: 'permission_error',
  429: 'rate_limit_error',
};

/**
 * The OpenAI error envelope. Retry headers are what its client obeys: `x-should-retry` before anything else, then
 * `retry-after-ms` (openai 7.55.0, client.ts `shouldRetry` and `retryRequest`).
 */
export function errorResult(error: unknown): HttpResult {
  const known = error instanceof ReelayError ? error : undefined;
  const status = (known && STATUS[known.code]) ?? 500;
  const type = TYPES[status] ?? (status < 500 ? 'invalid_request_error' : 'server_error');
  const own = status < 500 && known !== undefined;
  const message = own
    ? known.message
    : status === 503
      ? 'The service is briefly unavailable; try again.'
      : 'Something went wrong on our side; the request id names it in the log.';
  const code = own ? known.code : status === 503 ? 'unavailable' : 'internal';
  const param = known?.problems[0]?.path ?? null;
  const details = own ? known.details : {};
  const result = json(status, { error: { message, type, code, param: own ? param : null, ...details } });
  // RFC 9110, 15.5.2.
  if (status === 401) Object.assign(result.headers!, { 'www-authenticate': 'Bearer' });
  if (status === 429) Object.assign(result.headers!, retryHeaders(known!.retryAfterMs, known!.retryable));
  if (status === 503) Object.assign(result.headers!, { 'retry-after': String(Math.ceil(limits.retryAfterMs / 1000)) });
  if (status < 500 && status !== 429) Object.assign(result.headers!, { 'x-should-retry': 'false' });
  return result;
}

/** A client waits for what it is told up to a minute; by itself it need not come again after longer. */
function retryHeaders(retryAfterMs: number | null, isRetryable: boolean): Record<string, string> {
  const waitMs = Math.max(0, Math.ceil(retryAfterMs ?? limits.retryAfterMs));
  const isSoon = isRetryable && waitMs <= 60_000;
  const seconds = retryAfterMs === null ? {} : { 'retry-after': String(Math.ceil(waitMs / 1000)) };
  return { 'retry-after-ms': String(waitMs), ...seconds, 'x-should-retry': String(isSoon) };
}
