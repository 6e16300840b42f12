import { describe, expect, test } from 'vitest';
import { traceB, traceC, traceS } from '#core/placement/simulation/traces.ts';

describe('the reference traces', () => {
  // Published with the policy: they hold only if every draw of the random stream is in its place.
  test.each([
    { trace: traceS(), jobs: 26392, service: 749530.9, first: 600 },
    { trace: traceB(), jobs: 2950, service: 261258.9, first: 6553.439 },
    { trace: traceC(), jobs: 1962, service: 128295.8, first: 30465.076 },
  ])('$trace.name has its published checksums', ({ trace, jobs, service, first }) => {
    expect(trace.arrivals.length).toBe(jobs);
    expect(trace.services.reduce((a, b) => a + b, 0)).toBeCloseTo(service, 1);
    expect(trace.arrivals[0]).toBeCloseTo(first, 3);
    expect(trace.arrivals.every((at, i) => i === 0 || at >= trace.arrivals[i - 1]!)).toBe(true);
  });
});
