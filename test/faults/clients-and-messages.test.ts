import { describe, test } from 'vitest';
import { expectGoals } from './small-scale.ts';

describe('clients, messages and prompts that make trouble', () => {
  test('R2: the server is killed under submits, and no answer that it gave was wrong', () => expectGoals('r2', 0.012));

  test('R5: every message five times makes every video once', () => expectGoals('r5', 0.02));

  test('R9: poison is given up after three failures and comes back when it is cured', () => expectGoals('r9', 0.004));

  test('a cancelled job never completes, whatever it was doing', () => expectGoals('cancel', 0.05));
});
