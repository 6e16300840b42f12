import { describe, expect, test } from 'vitest';
import { isServedOrRefused, quantile, recoverySeconds } from './load-report.ts';
import { runLoad } from './load-run.ts';

describe('the load generator', () => {
  test('a little of R14: every request is served, and under three times the load none ends in anything but an answer', async () => {
    // Other tests run beside this one: rates that any machine has room for, and bounds that only a hang exceeds.
    const { phases } = await runLoad({ scale: 0.02, seconds: 8, seed: 1, warmUpSeconds: 0.5 });
    expect(phases.map(({ phase }) => phase)).toEqual(['submit', 'status', 'both', 'overload', 'recovery']);
    for (const { phase, figures } of phases)
      for (const { stream, requests, answers, p99Ms } of figures) {
        expect([phase, stream, requests > 0]).toEqual([phase, stream, true]);
        const kinds = Object.keys(answers).map(outcome => (/^\d+$/.test(outcome) ? Number(outcome) : outcome));
        expect([phase, stream, kinds.filter(kind => !isServedOrRefused(kind as number))]).toEqual([phase, stream, []]);
        expect(p99Ms).toBeLessThan(8_000);
      }
  });

  test('reads quantiles and the moment of recovery off the samples', () => {
    expect(quantile([3, 1, 2], 0.5)).toBe(2);
    expect(
      quantile(
        Array.from({ length: 100 }, (_, i) => i),
        0.99,
      ),
    ).toBe(99);
    const sample = (atMs: number, latencyMs: number, outcome: 200 | 429 = 200) => ({ atMs, latencyMs, outcome });
    const quiet = Array.from({ length: 500 }, (_, i) => sample(10_000 + i * 10, 5));
    expect(recoverySeconds(quiet, 10_000, 20)).toBe(0);
    const slowFirst = quiet.map(one => (one.atMs < 11_050 ? sample(one.atMs, 100) : one));
    expect(recoverySeconds(slowFirst, 10_000, 20)).toBeCloseTo(1.1, 5);
    const refusedFirst = quiet.map(one => (one.atMs < 10_450 ? sample(one.atMs, 1, 429) : one));
    expect(recoverySeconds(refusedFirst, 10_000, 20)).toBeCloseTo(0.5, 5);
    expect(recoverySeconds([], 10_000, 20)).toBe(Number.POSITIVE_INFINITY);
  });
});
