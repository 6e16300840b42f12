import { describe, expect, test } from 'vitest';
import { runSeeds } from './batch.ts';
import { mutations } from './mutations.ts';

/** Enough for each, from its first one; most are caught by the first few. */
const SEEDS = 60;

describe('a broken promise is noticed', () => {
  for (const mutation of mutations)
    test(mutation.name, { timeout: 120_000 }, async () => {
      const { name, caughtBy: judged, from = 1 } = mutation;
      const { failures } = await runSeeds(from, SEEDS, { mutation, judged, mostFailures: 1 });
      const [failure] = failures;
      expect(failure, `not in ${SEEDS} seeds from ${from}`).toBeDefined();
      console.log(`${name}: seed ${failure?.seed}, ${failure?.rule}`);
    });
});
