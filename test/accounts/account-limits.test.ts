import { expect, test } from 'vitest';
import { accountLimits } from '#core/accounts/account-limits.ts';
import { limits } from '#core/limits.ts';

test('the times and sizes of accounts keep what they owe one another', () => {
  const { ledgerBatch, maxMoving, maxUsageRows, maxSlicedTenants } = accountLimits;
  expect(accountLimits.holdGraceMs).toBeGreaterThanOrEqual(2 * limits.submitSeconds * 1000);
  // A request that found its hold just not renewed makes its job, or none, before the hold can be given back.
  expect(accountLimits.holdRenewMs + limits.submitSeconds * 1000).toBeLessThanOrEqual(accountLimits.holdGraceMs);
  expect(accountLimits.closedHoldDays).toBeGreaterThan(limits.artifactDays);
  expect(accountLimits.ledgerGraceMs).toBeLessThan(accountLimits.holdGraceMs);
  // A marker has some 600 bytes with the longest names, a row 200; the entry may have 300,000.
  expect((maxMoving + ledgerBatch) * 600 + (maxUsageRows + ledgerBatch) * 2 * 200).toBeLessThan(250_000);
  // A tenant's name and an amount, in a day and in a month.
  expect(maxSlicedTenants * 2 * (accountLimits.maxTenantChars + 22)).toBeLessThan(300_000);
  expect(accountLimits.budgetAlerts).toEqual([80, 100]);
  expect(accountLimits.keyStaleMs).toBeLessThanOrEqual(10_000);
});
