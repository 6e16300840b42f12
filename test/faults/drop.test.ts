import { expect, test } from 'vitest';
import { runDropFaults } from './drop.ts';

test('R8, 100 drops: each has one outcome, nothing is lost, loops or escapes, while the watcher is killed', async () => {
  const { goals } = await runDropFaults({ scale: 0.01, rate: 20, killEveryMs: 3_000 });
  expect(goals.filter(({ met }) => !met)).toEqual([]);
}, 240_000);
