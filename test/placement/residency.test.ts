import { describe, expect, test } from 'vitest';
import { decide, firstState } from '#core/placement/decide.ts';
import { route } from '#core/placement/route.ts';
import { simulatedModel } from '#core/placement/simulation/simulate.ts';
import type { Observation, Waiting } from '#core/placement/types.ts';
import { cloudPool, ownedPool, spotPool } from './pools.ts';
import { countMisroutes, runResidencyWorlds } from './residency-worlds.ts';

function job(id: string, sites: readonly ('onprem' | 'cloud')[]): Waiting {
  return {
    id,
    model: simulatedModel,
    tier: 'standard',
    residency: { sites },
    enqueuedAtSeconds: 0,
    estimateSeconds: 60,
    count: 1,
  };
}

function observation(waiting: readonly Waiting[], nowSeconds = 100): Observation {
  return {
    nowSeconds,
    waiting,
    arrived: waiting,
    started: [],
    workers: [],
    pools: [cloudPool, spotPool, ownedPool(1)],
    waitTargetSeconds: { interactive: 300, standard: 300, batch: 300 },
    refusedAtSeconds: {},
  };
}

describe('residency', () => {
  test('offers owned servers first, then the cheapest, and nothing to a job that may run nowhere', () => {
    const o = observation([]);
    expect(route(job('a', ['onprem', 'cloud']), o).pools).toEqual(['owned', 'spot', 'cloud']);
    expect(route(job('b', ['onprem']), o).pools).toEqual(['owned']);
    expect(route(job('c', []), o)).toEqual({
      pools: [],
      reasons: [{ code: 'no-pool-allowed', numbers: { pools: 3 } }],
    });
  });

  test('is a filter that holds for 20,000 drawn jobs, malformed ones too', () => {
    expect(countMisroutes(1, 20_000)).toBe(0);
  });

  test('launches no cloud server for jobs that must stay, however long they wait', () => {
    const waiting = Array.from({ length: 50 }, (_, i) => job(`j${i}`, ['onprem']));
    const o = observation(waiting, 5_000);
    expect(decide(o, firstState(o)).desired).toEqual({ spot: 0, cloud: 0 });
  });

  test('keeps 4,000 sovereign jobs of drawn worlds on the premises', () => {
    const tally = runResidencyWorlds(1, 4_000);
    expect(tally.leftPremises).toBe(0);
    expect(tally.preemptions).toBeGreaterThan(10);
    expect(tally.finished).toBe(500 * tally.worlds);
  });
});
