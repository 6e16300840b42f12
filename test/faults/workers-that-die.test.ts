import { describe, test } from 'vitest';
import { expectGoals } from './small-scale.ts';

describe('workers that die, hang or are told to stop', () => {
  test('R1: kill -9 loses no job, commits none twice, and costs few steps', () => expectGoals('r1', 0.003));

  test('R4: a worker that comes back after its lease is refused, and says so', () => expectGoals('r4', 0.006));

  test('R6: a job killed at any of its steps ends in the same frames', () => expectGoals('r6', 0.03));

  test('R7: SIGTERM in mid-step keeps every step done', () => expectGoals('r7', 0.006));
});
