import { expect, test } from 'vitest';
import { maxTries, webhookLimits, webhookTiming } from '#core/webhooks/webhook-limits.ts';

test('what the limits of webhooks owe one another', () => {
  const { retryWaitsMs, timeoutMs, claimMs, turnMs, holdMs, settleMs, slowMs, pollMs } = webhookTiming;
  const sum = retryWaitsMs.reduce((a, b) => a + b);
  // RELIABILITY §2: ten tries, 5 s to 24 h.
  expect([maxTries(webhookTiming), retryWaitsMs[0], retryWaitsMs.at(-1), timeoutMs]).toEqual([
    10, 5_000, 86_400_000, 10_000,
  ]);
  expect(retryWaitsMs).toEqual([...retryWaitsMs].sort((a, b) => a - b));
  // Friday 18:00 to Monday 09:00.
  expect(sum).toBeGreaterThan(63 * 3_600_000);
  // Nothing that is tried on time is given up before its tenth try.
  expect(webhookTiming.giveUpMs).toBeGreaterThan(1.25 * 1.25 * sum);
  // A claim outlives its send, a turn with its last send ends before the lane is anybody's again.
  expect(claimMs).toBeGreaterThan(1.5 * timeoutMs);
  expect(holdMs).toBeGreaterThanOrEqual(turnMs + 1.5 * timeoutMs);
  expect(pollMs).toBeLessThan(settleMs);
  expect(slowMs).toBeLessThan(timeoutMs);
  // A replay's tries do not push the first round out of the log, and what died can be looked at for longer than dying took.
  expect(webhookLimits.logEntries).toBeGreaterThanOrEqual(2 * maxTries(webhookTiming));
  expect(webhookLimits.logDays * 86_400_000).toBeGreaterThan(2 * webhookTiming.giveUpMs);
  expect(webhookLimits.tenantLanes).toBeGreaterThanOrEqual(webhookLimits.maxEndpoints);
  expect(webhookLimits.tenantLanes).toBeLessThanOrEqual(webhookLimits.sickLanes / 2);
  expect(webhookLimits.laneBatch).toBeGreaterThan(webhookLimits.wellLanes + webhookLimits.sickLanes);
});
