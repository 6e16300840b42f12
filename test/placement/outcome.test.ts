import { describe, expect, test } from 'vitest';
import { fixedSize } from '#core/placement/peers/fixed-size.ts';
import { mulberry32 } from '#core/placement/simulation/random.ts';
import { horizon } from '#core/placement/simulation/scheduled.ts';
import { simulate } from '#core/placement/simulation/simulate.ts';
import { cutTrace, markSovereign, type Trace } from '#core/placement/simulation/trace.ts';
import { traceB } from '#core/placement/simulation/traces.ts';
import { cloudPool, ownedPool, spotPool } from './pools.ts';

/** Two jobs of 100 s at 600 and 700 s, the second urgent; 4 s of video each. */
const two: Trace = {
  name: 'two',
  arrivals: Float64Array.of(600, 700),
  services: Float64Array.of(100, 100),
  tiers: Uint8Array.of(2, 0),
  videoSeconds: Float64Array.of(4, 4),
};

describe('what a simulation comes to', () => {
  test('is the same that one counts by hand: a server from the first second, ready at 60 s', () => {
    const outcome = simulate({ trace: two, pools: [cloudPool], policy: fixedSize(1), fixedColdSeconds: 60 });
    expect(outcome.gpuHours).toBeCloseTo(800 / 3600, 12);
    expect(outcome.shares.useful).toBeCloseTo(200 / 800, 12);
    expect(outcome.shares.coldStart).toBeCloseTo(60 / 800, 12);
    expect(outcome.shares.idle).toBeCloseTo(540 / 800, 12);
    expect(outcome.usdPerVideoSecond).toBeCloseTo((800 * 1.861) / 3600 / 8, 12);
    expect(outcome.groups).toEqual([
      { tier: 'interactive', sovereign: false, jobs: 1, waits: each(0), endToEnd: each(100) },
      { tier: 'batch', sovereign: false, jobs: 1, waits: each(0), endToEnd: each(100) },
    ]);
    expect(outcome).toMatchObject({ launches: 1, cancelled: 0, preemptions: 0, leftPremises: 0, cut: false });
  });

  test('bills every second to exactly one cause, also on Spot and with cancelled launches', () => {
    const trace = markSovereign(cutTrace(traceB(), 3 * 86_400), mulberry32(5), 0.3);
    const spot = { lifeSeconds: 300, upSeconds: 1_200, downSeconds: 300 };
    const pools = [ownedPool(1), spotPool, cloudPool];
    const outcome = simulate({ trace, pools, policy: horizon(180), spot });
    expect(outcome.preemptions).toBeGreaterThan(5);
    expect(outcome.cancelled).toBeGreaterThan(5);
    for (const shares of [outcome.shares, ...outcome.pools.map(pool => pool.shares)]) {
      expect(Object.values(shares).reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 9);
      expect(Math.min(...Object.values(shares))).toBeGreaterThanOrEqual(0);
    }
    const kept = outcome.pools.reduce((sum, pool) => sum + pool.shares.useful * pool.gpuHours, 0);
    const work = trace.services.reduce((sum, seconds) => sum + seconds, 0) / 3600;
    // What a preemption keeps is whole steps, so no work is done twice or left out.
    expect(kept).toBeCloseTo(work, 6);
    expect(outcome.groups.map(group => [group.sovereign, group.jobs])).toEqual([
      [false, trace.sovereign!.filter(mark => mark === 0).length],
      [true, trace.sovereign!.filter(mark => mark === 1).length],
    ]);
  });

  test('says that a fleet never caught up, when its queue only grows', () => {
    const outcome = simulate({ trace: traceB(), pools: [cloudPool], policy: fixedSize(1), maxWork: 10_000 });
    expect(outcome.cut).toBe(true);
    expect(Number.isNaN(outcome.usdPerVideoSecond)).toBe(true);
  });
});

function each(value: number) {
  return { p50: value, p95: value, p99: value, max: value };
}
