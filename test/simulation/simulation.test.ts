/** RELIABILITY R3: the seeds that every change runs; `npm run simulate` runs as many as one likes. */
import { expect, test } from 'vitest';
import { seedsKeepEveryPromise } from './seeds.ts';
import { simulate } from './simulate.ts';

test('a hundred simulated worlds keep every promise', { timeout: 300_000 }, () => seedsKeepEveryPromise(1, 100));

test('a seed is a history: the same seed twice is the same in every write', { timeout: 120_000 }, async () => {
  const hashes = new Set<string>();
  for (let seed = 1; seed <= 20; seed++) {
    const [first, second] = [await simulate(seed), await simulate(seed)];
    expect(second.hash, `seed ${seed}`).toBe(first.hash);
    hashes.add(first.hash);
  }
  expect(hashes.size).toBe(20);
});
