/** RELIABILITY R3: the first half of the seeds that every change runs; the other half is in simulation-2.test.ts, for the other core. */
import { expect, test } from 'vitest';
import { seedsKeepEveryPromise } from './seeds.ts';
import { simulate } from './simulate.ts';

test('a hundred and fifty simulated worlds keep every promise', { timeout: 300_000 }, () =>
  seedsKeepEveryPromise(1, 150),
);

test('a seed is a history: the same seed twice is the same in every write', { timeout: 120_000 }, async () => {
  const hashes = new Set<string>();
  for (let seed = 1; seed <= 40; seed++) {
    const [first, second] = [await simulate(seed), await simulate(seed)];
    expect(second.hash, `seed ${seed}`).toBe(first.hash);
    hashes.add(first.hash);
  }
  expect(hashes.size).toBe(40);
});
