/** RELIABILITY R3: the second half of the seeds that every change runs. */
import { test } from 'vitest';
import { seedsKeepEveryPromise } from './seeds.ts';

test('a hundred and fifty more simulated worlds keep every promise', { timeout: 300_000 }, () =>
  seedsKeepEveryPromise(151, 150),
);
