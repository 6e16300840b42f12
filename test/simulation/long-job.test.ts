import { expect, test } from 'vitest';
import { limits } from '#core/limits.ts';
import { calmScenario, calmWish } from './calm-worlds.ts';
import { simulate } from './simulate.ts';

const HOUR_MS = 3_600_000;

test('a job of 26 hours outlives the twelve hours of its message, in one attempt', { timeout: 120_000 }, async () => {
  const stepMs = 120_000;
  const steps = (26 * HOUR_MS) / stepMs;
  const scenario = calmScenario({
    workers: 2,
    wishes: [calmWish({ steps, stepMs })],
    leaseSeconds: limits.leaseSeconds,
    progressEveryMs: limits.progressEveryMs,
    checkpointCadence: { everySteps: limits.checkpointEverySteps, everyMs: limits.checkpointEveryMs },
    timeGivenMs: 40 * HOUR_MS,
  });
  const { violation, world } = await simulate(1, { scenario });
  expect(violation).toBeUndefined();
  const [job] = world.store.records.values();
  expect(job).toMatchObject({ status: 'completed', attempt: 1, failures: 0 });
  expect(world.queue.moved()).toBe(0);
});
