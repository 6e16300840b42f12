import { describe, test } from 'vitest';
import { expectGoals } from './small-scale.ts';

describe('disks, stores and clocks that fail', () => {
  test('R11: a disk that fails or is full costs time only', () => expectGoals('r11', 0.04));

  test('a slow store costs time only', () => expectGoals('slow', 0.04));

  test('a clock that jumps costs no lease and no job', () => expectGoals('clock', 0.03));
});
