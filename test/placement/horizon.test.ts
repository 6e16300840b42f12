import { describe, expect, test } from 'vitest';
import { decide } from '#core/placement/decide.ts';
import { horizon } from '#core/placement/simulation/scheduled.ts';
import { simulate } from '#core/placement/simulation/simulate.ts';
import { cutTrace } from '#core/placement/simulation/trace.ts';
import { traceB, traceC } from '#core/placement/simulation/traces.ts';
import { cloudPool } from './pools.ts';

describe('the policy horizon', () => {
  test.each([
    { trace: traceB(), target: 300, gpuHours: 97.9, p95: 298 },
    { trace: traceC(), target: 180, gpuHours: 70.7, p95: 188 },
  ])('bills on $trace.name the GPU-hours published for a target of $target s', ({ trace, target, gpuHours, p95 }) => {
    const outcome = simulate({ trace, pools: [cloudPool], policy: horizon(target) });
    expect(Math.abs(outcome.gpuHours - gpuHours)).toBeLessThan(0.06);
    expect(Math.round(outcome.waits.p95)).toBe(p95);
    expect(outcome.endToEnd.p50).toBeGreaterThan(outcome.waits.p50);
  });

  test('decides the same again, bit by bit, from a logged call that went through JSON', () => {
    let calls = 0;
    let replayed = 0;
    let largest = 0;
    const policy = horizon(300, (o, s, decision) => {
      if (calls++ % 10 !== 0) return;
      const state = JSON.stringify(s);
      largest = Math.max(largest, state.length);
      const again = decide(JSON.parse(JSON.stringify(o)), JSON.parse(state));
      expect(JSON.stringify(again)).toBe(JSON.stringify(decision));
      expect(JSON.stringify(s)).toBe(state);
      replayed++;
    });
    simulate({ trace: cutTrace(traceC(), 86_400), pools: [cloudPool], policy });
    expect(replayed).toBeGreaterThan(300);
    // The state is one item of the table.
    expect(largest).toBeLessThan(25_000);
  });

  test('gives the same outcome twice, and another with another seed', () => {
    const trace = cutTrace(traceC(), 86_400);
    const run = (seed: number) => simulate({ trace, pools: [cloudPool], policy: horizon(300), seed });
    expect(run(1)).toEqual(run(1));
    expect(run(2).gpuHours).not.toBe(run(1).gpuHours);
  });
});
