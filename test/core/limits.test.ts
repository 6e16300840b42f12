import { describe, expect, test } from 'vitest';
import { limits } from '#core/limits.ts';

describe('the limits agree with one another', () => {
  test('two beats may be lost before a lease is', () => {
    expect(limits.beatsPerLease).toBeGreaterThanOrEqual(3);
  });
  test('the container waits longer than the drain takes, and no longer than ECS allows', () => {
    expect(limits.stopTimeoutSeconds).toBeGreaterThan(limits.drainSeconds);
    expect(limits.stopTimeoutSeconds).toBeLessThanOrEqual(120);
  });
  test('a worker that waits for a message, or beats in its lease, is never taken for a stuck one', () => {
    expect(limits.healthStaleMs).toBeGreaterThan(3 * limits.healthBeatMs);
    expect(limits.healthAnswerMs).toBeGreaterThan(2 * limits.queueWaitSeconds * 1000);
    expect(limits.healthAnswerMs).toBeGreaterThan((2 * limits.leaseSeconds * 1000) / limits.beatsPerLease);
  });
  test('what a bundle needs in memory while it is fetched is bounded, and S3 takes its parts', () => {
    expect(limits.bundleRanges * limits.bundleRangeBytes).toBeLessThanOrEqual(256_000_000);
    expect(limits.uploadPartBytes).toBeGreaterThanOrEqual(5 * 2 ** 20);
    expect(limits.maxBundleBytes / limits.maxUploadParts).toBeLessThan(5 * 2 ** 30);
  });
  test('a worker of several residency classes looks at each of them sooner than one of a single class looks again', () => {
    expect(limits.enclaveWaitMs % 1_000).toBe(0);
    expect(limits.enclaveWaitMs).toBeLessThan(limits.queueWaitSeconds * 1_000);
    expect(limits.enclaveTurns).toBeGreaterThan(1);
  });
  test('a cancel is seen, and a deaf child killed, well within a lease', () => {
    expect(limits.progressEveryMs).toBeLessThanOrEqual(1_000);
    expect(limits.cancelGraceMs).toBeLessThanOrEqual(2_000);
  });
  test('SQS and Lambda can keep them', () => {
    expect(limits.queueWaitSeconds).toBeLessThanOrEqual(20);
    expect(limits.retryDelaySeconds * 2 ** limits.maxFailures).toBeLessThanOrEqual(900);
    // A synchronous event of Lambda has 6 MB, the body in base64 among it, and an HTTP API's headers 10 KB.
    expect(limits.maxLambdaBodyBytes * (4 / 3) + 100_000).toBeLessThanOrEqual(6 * 2 ** 20);
    expect(limits.maxReferenceImageBytes + 100_000).toBeLessThan(limits.maxMultipartBytes);
    expect(limits.maxBodyBytes).toBeLessThan(limits.maxMultipartBytes);
  });
  test('a drain has time for its last step and checkpoint', () => {
    expect(limits.pauseGraceMs / 1000).toBeLessThan(limits.drainSeconds);
  });
  test('a dead letter outlives the message it came from, and a message is sent afresh before SQS lets go of it', () => {
    expect(limits.deadLetterDays).toBeGreaterThan(limits.messageDays);
    expect(limits.messageHoldHours).toBeLessThan(12);
    expect(limits.artifactDays).toBeGreaterThan(limits.deadLetterDays);
  });
  test('a protected task stays protected between two beats, and beyond a lease', () => {
    expect(limits.taskProtectionMinutes * 30).toBeGreaterThan(2 * (limits.leaseSeconds / limits.beatsPerLease));
    expect(limits.taskProtectionMinutes * 60).toBeGreaterThan(limits.leaseSeconds);
  });
  test('a retry of a client is known for longer than the client goes on retrying', () => {
    // openai 7.55.0 waits at most 60 s between its tries, of which there are three.
    expect(limits.collapseSeconds).toBeGreaterThanOrEqual(120);
  });
  test('a removed id stays taken until nobody can be on the way who would make it again, by clocks ten minutes off either way', () => {
    expect(limits.submitSeconds).toBeGreaterThan(limits.requestTimeoutMs / 1000);
    expect(limits.submitSeconds).toBeGreaterThan(limits.collapseSeconds);
    const mostClocksDifferSeconds = 2 * 600;
    const tombstoneSeconds = limits.tombstoneHours * 3_600;
    expect(tombstoneSeconds).toBeGreaterThan(10 * (limits.submitSeconds + mostClocksDifferSeconds));
    // What is stored for a job before the job is, stays until nobody can be about to make it.
    expect(limits.referenceGraceMs / 1000).toBeGreaterThan(limits.submitSeconds + mostClocksDifferSeconds);
    // A zombie's bytes come at the latest with its first beat after it woke; the store itself must not drop the tombstone before the sweep.
    expect(tombstoneSeconds).toBeGreaterThan(10 * (limits.leaseSeconds + mostClocksDifferSeconds));
    expect(limits.artifactDays).toBeGreaterThan(2 * (limits.tombstoneHours / 24));
  });
  test('the sweeper looks at least as often as a grace ends', () => {
    expect(limits.sweepEverySeconds).toBeLessThanOrEqual(limits.outboxGraceSeconds);
  });
});
