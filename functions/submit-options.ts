import type { SubmitOptions } from '#core/jobs/submit.ts';

/**
 * What the headers say about having been sent before. The `openai` client sends no key for its `idempotencyKey` option, but it counts
 * its blind retries in `x-stainless-retry-count` (openai 7.55.0, client.ts `buildHeaders`).
 */
export function submitOptions(headers: Readonly<Record<string, string | undefined>>): SubmitOptions {
  const { 'idempotency-key': key, 'x-stainless-retry-count': count } = headers;
  return {
    ...(key === undefined ? {} : { idempotencyKey: key }),
    ...(count !== undefined && /^\d{1,3}$/.test(count) ? { retryCount: Number(count) } : {}),
  };
}
