import { describe, expect, test } from 'vitest';
import { decide, firstState } from '#core/placement/decide.ts';
import { simulatedModel } from '#core/placement/simulation/simulate.ts';
import type { Observation, Waiting, Worker } from '#core/placement/types.ts';
import { cloudPool, ownedPool, spotPool } from './pools.ts';

function job(id: string, more: Partial<Waiting> = {}): Waiting {
  return {
    id,
    model: simulatedModel,
    tier: 'standard',
    residency: { sites: ['onprem', 'cloud'] },
    enqueuedAtSeconds: 0,
    estimateSeconds: 60,
    count: 1,
    ...more,
  };
}

function observe(more: Partial<Observation>): Observation {
  return {
    nowSeconds: 1_000,
    waiting: [],
    arrived: [],
    started: [],
    workers: [],
    pools: [cloudPool],
    waitTargetSeconds: { interactive: 300, standard: 300, batch: 300 },
    refusedAtSeconds: {},
    ...more,
  };
}

const decideFirst = (o: Observation) => decide(o, firstState(o));
const worker = (id: string, more: Partial<Worker>): Worker => ({
  id,
  pool: 'cloud',
  phase: 'idle',
  launchedAtSeconds: 0,
  ...more,
});

describe('deciding', () => {
  test('launches for a job that waits, and for none that can still wait', () => {
    expect(decideFirst(observe({ waiting: [job('late')] })).desired).toEqual({ cloud: 1 });
    expect(decideFirst(observe({ waiting: [job('new', { enqueuedAtSeconds: 1_000 })] })).desired).toEqual({ cloud: 0 });
  });

  test.each([0, 60, 1_000])(
    'brings as many servers for jobs of any age beyond the hard wait, %i s of work each',
    work => {
      const late = (ages: number) => ({ enqueuedAtSeconds: 1_000_000 - ages, estimateSeconds: work });
      const launches = (count: number, age: number, more: Partial<Observation> = {}) =>
        decideFirst(
          observe({
            nowSeconds: 1_000_000,
            waiting: Array.from({ length: count }, (_, i) => job(`${i}`, late(age))),
            ...more,
          }),
        ).desired.cloud!;
      for (const target of [150, 300, 600, 1_800]) {
        const waitTargetSeconds = { interactive: target, standard: target, batch: target };
        for (const count of [1, 3, 40]) {
          const atOnce = launches(count, Math.max(2 * target, target + 254) + 1, { waitTargetSeconds });
          expect(atOnce, `${count} jobs at a target of ${target} s`).toBeGreaterThan(0);
          for (const age of [2_000, 2_100, 10_000, 86_400, 900_000].filter(seconds => seconds > 2 * target))
            expect(launches(count, age, { waitTargetSeconds }), `${count} jobs of ${age} s`).toBe(atOnce);
        }
      }
      // An owned server that is busy for hours leaves a late queue to the cloud, too.
      const workers = [worker('o', { pool: 'owned', phase: 'busy', freeAtSeconds: 1_010_000 })];
      expect(launches(40, 50_000, { workers, pools: [ownedPool(1), cloudPool] })).toBeGreaterThan(1);
    },
  );

  test('launches in the cloud for a job that no owned server may run, though one is idle', () => {
    const workers = [worker('o', { pool: 'owned' })];
    const pools = [ownedPool(1), cloudPool];
    const stuck = job('late', { residency: { sites: ['cloud'] } });
    expect(decideFirst(observe({ waiting: [job('any')], workers, pools })).desired).toEqual({ cloud: 0 });
    expect(decideFirst(observe({ waiting: [stuck], workers, pools })).desired).toEqual({ cloud: 1 });
  });

  test('asks Spot first, on-demand for 300 s after a refusal, and a pool that fits the oldest job', () => {
    const o = observe({ waiting: [job('late')], pools: [cloudPool, spotPool] });
    expect(decideFirst(o).desired).toEqual({ spot: 1, cloud: 0 });
    expect(decideFirst({ ...o, refusedAtSeconds: { spot: 701 } }).desired).toEqual({ spot: 0, cloud: 1 });
    expect(decideFirst({ ...o, refusedAtSeconds: { spot: 700 } }).desired).toEqual({ spot: 1, cloud: 0 });
    const small = { ...spotPool, speed: {} };
    expect(decideFirst({ ...o, pools: [cloudPool, small] }).desired).toEqual({ spot: 0, cloud: 1 });
  });

  test('stops on-demand first, and never a busy server', () => {
    const pools = [cloudPool, spotPool];
    const idle = { idleSinceSeconds: 10 };
    const workers = [
      worker('s', { pool: 'spot', ...idle }),
      worker('d', idle),
      worker('b', { phase: 'busy', freeAtSeconds: 1_100 }),
    ];
    const decision = decideFirst(observe({ pools, workers }));
    expect(decision.desired).toEqual({ spot: 0, cloud: 1 });
    expect(decision.drain.toSorted()).toEqual(['d', 's']);
  });

  test('treats a bucket like its jobs', () => {
    const three = ['a', 'b', 'c'].map(id => job(id));
    const apart = decideFirst(observe({ waiting: three, arrived: three }));
    const bucket = [job('a', { count: 3 })];
    expect(decideFirst(observe({ waiting: bucket, arrived: bucket }))).toEqual(apart);
  });

  test('never exceeds the most servers, nor goes below the least', () => {
    const waiting = Array.from({ length: 400 }, (_, i) => job(`j${i}`));
    expect(decideFirst(observe({ waiting, pools: [{ ...cloudPool, maxServers: 5 }] })).desired).toEqual({ cloud: 5 });
    expect(decideFirst(observe({ pools: [{ ...cloudPool, minServers: 2 }] })).desired).toEqual({ cloud: 2 });
    expect(decideFirst(observe({ waiting, pools: [] })).desired).toEqual({});
  });

  test('survives estimates that are no number, and a clock that goes back', () => {
    const bad = [Number.NaN, -5, 0, Number.POSITIVE_INFINITY].map((estimateSeconds, i) =>
      job(`j${i}`, { estimateSeconds }),
    );
    const first = decideFirst(observe({ waiting: bad, arrived: bad }));
    expect(first.desired.cloud).toBeGreaterThan(0);
    expect(first.state.meanServiceSeconds).toBe(60);
    expect(JSON.parse(JSON.stringify(first.state))).toEqual(first.state);
    const back = decide(observe({ nowSeconds: 500 }), first.state);
    expect(back.state).toEqual(first.state);
  });
});
