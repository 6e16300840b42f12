import { describe, expect, test } from 'vitest';
import { limits } from '#core/limits.ts';

describe('the limits agree with one another', () => {
  test('two beats may be lost before a lease is', () => {
    expect(limits.heartbeatSeconds).toBeLessThanOrEqual(limits.leaseSeconds / 3);
  });
  test('the container waits longer than the drain takes, and no longer than ECS allows', () => {
    expect(limits.stopTimeoutSeconds).toBeGreaterThan(limits.drainSeconds);
    expect(limits.stopTimeoutSeconds).toBeLessThanOrEqual(120);
  });
  test('a cancel is seen, and a deaf child killed, well within a lease', () => {
    expect(limits.progressEveryMs).toBeLessThanOrEqual(1_000);
    expect(limits.cancelGraceMs).toBeLessThanOrEqual(2_000);
  });
  test('SQS and Lambda can keep them', () => {
    expect(limits.queueWaitSeconds).toBeLessThanOrEqual(20);
    expect(limits.retryDelaySeconds * 2 ** limits.maxFailures).toBeLessThanOrEqual(900);
    expect(limits.maxMultipartBytes * (4 / 3)).toBeLessThanOrEqual(10_000_000);
    expect(limits.maxBodyBytes).toBeLessThan(limits.maxMultipartBytes);
  });
  test('the sweeper looks at least as often as a grace ends', () => {
    expect(limits.sweepEverySeconds).toBeLessThanOrEqual(limits.outboxGraceSeconds);
  });
});
