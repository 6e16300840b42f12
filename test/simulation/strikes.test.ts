/** One fault at every call there is, one world each: what a thousand random worlds may miss, these cannot. */
import { describe, expect, test } from 'vitest';
import { limits } from '#core/limits.ts';
import { describeFailure } from './batch.ts';
import { calmScenario, calmWish } from './calm-worlds.ts';
import { simulate } from './simulate.ts';
import type { Strike, World } from './world.ts';

const EVERY_STEPS = 3;
/** A step takes as long as the checkpoint's way to the store, or longer. */
const STEP_MS = 300;
const STEPS_UNDER_WAY = 1;

const wishes = [
  calmWish({ steps: 10, stepMs: STEP_MS }),
  calmWish({ name: 'r1', steps: 4, stepMs: STEP_MS, startMs: 2_000, cancelAfterMs: 900 }),
];
const scenario = calmScenario({ workers: 2, wishes, checkpointCadence: { everySteps: EVERY_STEPS, everyMs: 0 } });

/** Strikes the first call, the second, … until there is no such call any more; the seed decides what comes first of what is at once. */
async function strikeAll(
  seed: number,
  role: Strike['role'],
  how: Strike['how'],
  look: (world: World) => void,
): Promise<number> {
  for (let call = 1; ; call++) {
    const { violation, last, world } = await simulate(seed, { scenario, strike: { role, call, how } });
    const failed = violation === undefined ? '' : describeFailure({ seed, ...violation, last });
    expect(failed, `${role} call ${call} ${how}`).toBe('');
    look(world);
    if (!world.faults.has(how)) return call - 1;
  }
}

function checkOutcome(world: World): void {
  const states = [...world.store.records.values()].map(job => job.status);
  expect(states.filter(status => status === 'completed').length).toBeGreaterThanOrEqual(1);
  expect(states).not.toContain('failed');
}

describe.each(['worker', 'sweeper', 'api'] as const)('a %s', role => {
  test.each(['refused', 'lost', 'killed_before', 'killed_after'] as const)(
    'may have any one call %s, and all is well in the end',
    { timeout: 120_000 },
    async how => {
      // A sweeper's calls are many, and most find nothing to do.
      for (const seed of role === 'sweeper' ? [1, 2] : [1, 2, 3])
        expect(await strikeAll(seed, role, how, checkOutcome)).toBeGreaterThan(role === 'worker' ? 40 : 10);
    },
  );
});

test('a worker killed at any call costs no more than a checkpoint interval and the steps under way', async () => {
  let most = 0;
  await strikeAll(1, 'worker', 'killed_after', world => {
    most = Math.max(most, ...world.facts.redone);
  });
  expect(most).toBeLessThanOrEqual(EVERY_STEPS + STEPS_UNDER_WAY);
  expect(EVERY_STEPS).toBeLessThanOrEqual(limits.checkpointEverySteps);
});
