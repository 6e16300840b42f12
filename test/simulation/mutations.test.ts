import { describe, expect, test } from 'vitest';
import { runSeeds } from './batch.ts';
import { mutations } from './mutations.ts';

/** Enough for each; most are caught by the first few. */
const SEEDS = 300;

describe('a broken promise is noticed', () => {
  for (const mutation of mutations)
    test(mutation.name, { timeout: 120_000 }, async () => {
      const { failures, seeds } = await runSeeds(1, SEEDS, { mutation, judged: mutation.caughtBy, mostFailures: 1 });
      const [failure] = failures;
      expect(failure, `not in ${SEEDS} seeds`).toBeDefined();
      console.log(`${mutation.name}: seed ${seeds}, ${failure?.rule}`);
    });
});
