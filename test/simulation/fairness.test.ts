/** RELIABILITY R5 and R12, smaller than `node test/simulation/run.ts --report …` measures them. */
import { expect, test } from 'vitest';
import { queueRank } from '#core/job.ts';
import { calmScenario, calmWish } from './calm-worlds.ts';
import { createPrng } from './prng.ts';
import { jain, measureDuplicates, measureNoise, measureShares } from './reports.ts';
import { simulate } from './simulate.ts';

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
  // Ten steps, and the calls around them, at most: the take, the artifacts, the receipt, the end.
  const jobMs = 10 * 100 + 750;
  const { aloneMs, besideMs } = await measureNoise(0, workers);
  // Half of the workers' time is twice the wait; and when the hundred come, every worker is in the middle of a job.
  expect(besideMs).toBeLessThanOrEqual(2 * aloneMs + 2 * jobMs);
});

test("one tenant's jobs start by priority, then deadline, then age", async () => {
  const prng = createPrng(7);
  const first = calmWish({ name: 'first', steps: 60, startMs: 600 });
  const waiting = Array.from({ length: 40 }, (_, n) =>
    calmWish({
      name: `r${n}`,
      steps: 2,
      startMs: 1_500 + n * 50,
      priority: prng.pick(['high', 'normal', 'low']),
      deadlineAfterMs: prng.chance(0.5) ? prng.between(500_000, 900_000) : null,
    }),
  );
  const { violation, world } = await simulate(7, { scenario: calmScenario({ wishes: [first, ...waiting] }) });
  expect(violation).toBeUndefined();
  const started = [...world.facts.firstLeaseMs.keys()].slice(1).map(id => world.store.records.get(id)!);
  expect(started).toHaveLength(waiting.length);
  expect(started.map(queueRank)).toEqual(started.map(queueRank).sort());
});
