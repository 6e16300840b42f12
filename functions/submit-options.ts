import type { SubmitOptions } from '#core/jobs/submit.ts';
import type { ApiEvent } from './middleware.ts';

/**
 * Who asks, and what the headers say about having been sent before. The `openai` client sends no key for its `idempotencyKey` option, but it counts
 * its blind retries in `x-stainless-retry-count` (openai 7.55.0, client.ts `buildHeaders`).
 */
export function submitOptions({ headers, principal }: Pick<ApiEvent, 'headers' | 'principal'>): SubmitOptions {
  const { 'idempotency-key': key, 'x-stainless-retry-count': count } = headers;
  return {
    principal,
    ...(key === undefined ? {} : { idempotencyKey: key }),
    ...(count !== undefined && /^\d{1,3}$/.test(count) ? { retryCount: Number(count) } : {}),
  };
}
