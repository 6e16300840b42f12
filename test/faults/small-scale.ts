/** Runs a suite at a small scale inside `npm test`, where its goals are the expectations. */
import { expect, vi } from 'vitest';
import { onStage } from './stage.ts';
import { suites } from './suites.ts';

/** Some ten seconds each on two cores that do nothing else; here they do. */
const LIMIT_MINUTES = 3;
vi.setConfig({ testTimeout: (LIMIT_MINUTES + 0.5) * 60_000 });

/** Fails with the goals that were missed, each with what was got; times are for the full runs: `run.ts <name>`. */
export async function expectGoals(name: string, scale: number): Promise<void> {
  const result = await onStage({ name, limitMinutes: LIMIT_MINUTES }, stage => suites[name]!.run(stage, scale));
  expect(result.goals.filter(goal => !goal.met && goal.alone !== true)).toEqual([]);
}
