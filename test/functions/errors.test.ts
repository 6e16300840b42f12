import { describe, expect, test } from 'vitest';
import { budgetExceeded } from '#core/accounts/budget.ts';
import { refusedError } from '#core/accounts/refused-error.ts';
import { ReelayError } from '#core/errors.ts';
import { errorResult } from '#functions/errors.ts';

describe('an error on the wire', () => {
  test('of a full queue carries the retry headers that the openai client obeys', () => {
    const result = errorResult(new ReelayError('queue_full', 'full'));
    expect(result).toMatchObject({ statusCode: 429, headers: { 'x-should-retry': 'true', 'retry-after-ms': '2000' } });
  });

  test('of a store that is out is a 503 that says when to come back, and no more', () => {
    const result = errorResult(new ReelayError('store_unavailable', 'disk /secret/path is full'));
    expect(result).toMatchObject({ statusCode: 503, headers: { 'retry-after': '2' } });
    expect(result.body).not.toContain('secret');
  });

  test('of our own making never shows its text', () => {
    for (const error of [
      new Error('postgres://user:password@host'),
      new ReelayError('internal', 'password'),
      'password',
    ]) {
      const result = errorResult(error);
      expect(result.statusCode).toBe(500);
      expect(result.body).not.toContain('password');
    }
  });

  test('of the caller tells its client not to try again', () => {
    expect(errorResult(new ReelayError('invalid_request', 'x')).headers).toMatchObject({ 'x-should-retry': 'false' });
  });

  test('of a budget carries its sums, and of the installation only what it is', () => {
    const sums = { limit: 10_000_000, sums: { spent: 9_000_000, held: 900_000 } };
    const told = (scope: 'tenant' | 'installation') =>
      errorResult(refusedError(budgetExceeded(scope, 'day', '2026-11-21', 200_000, sums)));
    expect(told('tenant')).toMatchObject({ statusCode: 402, headers: { 'x-should-retry': 'false' } });
    const period = { kind: 'day', period: '2026-11-21', asked_usd: '0.20', resets_at: Date.UTC(2026, 10, 22) / 1000 };
    expect(JSON.parse(told('tenant').body ?? '').error).toMatchObject({
      code: 'budget_exceeded',
      budget: { scope: 'tenant', ...period, limit_usd: '10.00', spent_usd: '9.00', held_usd: '0.90' },
    });
    expect(JSON.parse(told('installation').body ?? '').error.budget).toEqual({
      ...{ scope: 'installation', ...period },
      ...{ limit_usd: null, spent_usd: null, held_usd: null },
    });
  });

  test('of a rate says when the next request is let through, and after more than a minute that waiting is no use', () => {
    const of = (retryAfterMs: number) => errorResult(new ReelayError('rate_limited', 'x', { retryAfterMs })).headers;
    expect(of(1_500)).toMatchObject({ 'retry-after-ms': '1500', 'retry-after': '2', 'x-should-retry': 'true' });
    expect(of(90_000)).toMatchObject({ 'retry-after': '90', 'x-should-retry': 'false' });
  });
});
