import { describe, expect, test } from 'vitest';
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
});
