import { describe, expect, test } from 'vitest';
import { defaultTerms, gpuOffers } from '#core/placement/cost.ts';
import { comparePolicies, sizePremises } from '#core/placement/plan.ts';
import { mulberry32 } from '#core/placement/simulation/random.ts';
import { cutTrace, markSovereign } from '#core/placement/simulation/trace.ts';
import { traceB } from '#core/placement/simulation/traces.ts';
import { cloudPool, ownedPool } from './pools.ts';

describe('a plan', () => {
  const trace = markSovereign(cutTrace(traceB(), 2 * 86_400), mulberry32(5), 0.3);

  test('puts policies side by side and marks those that nothing beats in both wait and money', () => {
    const rows = comparePolicies(trace, cloudPool, { targetsSeconds: [180, 300], peers: 'defaults' });
    expect(rows).toHaveLength(2 + 7);
    const frontier = rows.filter(row => row.frontier).toSorted((a, b) => a.outcome.waits.p95 - b.outcome.waits.p95);
    expect(frontier.length).toBeGreaterThan(1);
    const dollars = frontier.map(row => row.outcome.dollars);
    expect(dollars).toEqual(dollars.toSorted((a, b) => b - a));
    for (const { outcome, frontier: best } of rows) {
      const beaten = rows.some(
        other => other.outcome.dollars < outcome.dollars && other.outcome.waits.p95 < outcome.waits.p95,
      );
      expect(best).toBe(!beaten);
    }
  });

  test('counts the GPUs to own from one on where jobs must stay, each costing the cloud less', () => {
    const rows = sizePremises(trace, {
      cloud: [cloudPool],
      owned: ownedPool(1),
      gpu: gpuOffers[0]!,
      terms: defaultTerms,
      targetSeconds: 300,
      mostServers: 3,
    });
    expect(rows.map(row => row.servers)).toEqual([1, 2, 3]);
    const cloud = rows.map(row => row.cloudUsd);
    expect(cloud).toEqual(cloud.toSorted((a, b) => b - a));
    for (const row of rows) {
      expect(row.outcome.leftPremises).toBe(0);
      expect(row.utilization).toBeGreaterThan(0);
      expect(row.utilization).toBeLessThan(1);
      expect(row.ownedUsd).toBeGreaterThan(row.servers * 600);
    }
  });
});
