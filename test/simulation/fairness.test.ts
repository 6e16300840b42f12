/** RELIABILITY R5 and R12, smaller than `node test/simulation/run.ts --report …` measures them. */
import { expect, test } from 'vitest';
import { jain, measureDuplicates, measureNoise, measureShares } from './reports.ts';

test('messages that come five times make no extra output and no extra step', async () => {
  const { jobs, messages, extraOutputs, extraSteps, steps } = await measureDuplicates(20);
  expect(jobs).toBe(500);
  expect(messages).toBeGreaterThanOrEqual(jobs);
  expect(extraOutputs).toBe(0);
  expect(extraSteps).toBeLessThanOrEqual(steps / 100);
});

test('ten equal tenants get equal work', async () => {
  expect(
    jain(
      await measureShares(
        1,
        Array.from({ length: 10 }, () => 1),
      ),
    ),
  ).toBeGreaterThanOrEqual(0.95);
});

test('weights are honoured to five percent', async () => {
  const shares = await measureShares(1, [1, 2, 3, 1, 2, 3]);
  const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length;
  for (const share of shares) expect(Math.abs(share / mean - 1)).toBeLessThan(0.05);
});

test("beside another's 10,000 jobs a tenant's own hundred wait as its half of the workers has it", {
  timeout: 120_000,
}, async () => {
  const workers = 4;
  const jobMs = 10 * 100 + 700;
  const { aloneMs, besideMs } = await measureNoise(0, workers);
  // Half of the workers' time is twice the wait; and when the hundred come, every worker is in the middle of a job.
  expect(besideMs).toBeLessThanOrEqual(2 * aloneMs + 2 * jobMs);
});
