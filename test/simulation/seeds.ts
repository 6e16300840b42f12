import { expect } from 'vitest';
import { describe, describeFailure, runSeeds } from './batch.ts';

/** Runs seeds and prints what they showed; a broken promise fails with the seed, the rule and what led to it. */
export async function seedsKeepEveryPromise(from: number, count: number): Promise<void> {
  const [startMs, cpu] = [performance.now(), process.cpuUsage()];
  const summary = await runSeeds(from, count, { mostFailures: 3 });
  const { user, system } = process.cpuUsage(cpu);
  const cpuSeconds = ((user + system) / 1_000_000).toFixed(1);
  console.log(`${describe(summary, performance.now() - startMs)}\n${cpuSeconds} s of processor time`);
  expect(summary.failures.map(describeFailure).join('\n\n')).toBe('');
  expect(summary.faults / summary.seeds).toBeGreaterThanOrEqual(200);
}
