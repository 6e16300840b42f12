import { describe, expect, test } from 'vitest';
import { decide } from '#core/placement/decide.ts';
import { fleetMetrics, metricLine, stuckSince } from '#core/placement/fleet-watch.ts';
import { mulberry32 } from '#core/placement/simulation/random.ts';
import { builtInResidency, type ResidencyClasses } from '#core/policy/residency.ts';
import { ownedPool } from '#test/placement/pools.ts';
import { ago, blank, brief, look, nowMs, nowSeconds, pool, present, running, server } from './readings.ts';
import { model, onDemand, scaledPools, spot } from './world.ts';

describe('residency', () => {
  test('100,000 looks at jobs that no cloud pool may serve launch nothing in the cloud', () => {
    const draw = mulberry32(11);
    const pick = <T>(list: readonly T[]) => list[Math.floor(draw() * list.length)]!;
    const classes: ResidencyClasses = {
      ...builtInResidency,
      elsewhere: { sites: ['cloud'], regions: ['eu-west-9'] },
      noregion: { sites: ['onprem', 'cloud'], regions: [] },
      nosite: { sites: [] },
      odd: { sites: ['cloud', 'moon' as never] },
    };
    const homes = ['sovereign', 'elsewhere', 'noregion', 'nosite', 'odd', 'unheard-of', '__proto__'];
    const owned = { ...ownedPool(2), speed: { [model]: 1 } };
    const worlds = [scaledPools, [...scaledPools, owned], [owned, onDemand]];
    let launched = 0;
    let open = 0;
    for (let i = 0; i < 100_000; i++) {
      const queued = Array.from({ length: 1 + Math.floor(draw() * 3) }, () =>
        draw() < 0.15
          ? brief({ model: 'a-model-that-no-pool-has', createdAtMs: ago(draw() * 2_000) })
          : brief({
              residency: pick(homes),
              createdAtMs: ago(draw() * 2_000),
              priority: pick(['high', 'normal', 'low']),
            }),
      );
      const up = draw() < 0.3 ? [server('t-a')] : [];
      const place = { pool: 'owned', site: 'onprem', region: 'home' } as const;
      const there = draw() < 0.5 ? [present('a'), present('o', { place, server: null })] : [];
      const fleet = [pool(up), pool([], { pool: onDemand.id })];
      const seen = look({ queued, fleet, present: there, running: draw() < 0.2 ? [running('a')] : [] }, blank, {
        pools: pick(worlds),
        classes,
      });
      const { desired } = decide(seen.observation, seen.memory.placement);
      if (Object.values(desired).reduce((sum, n) => sum + n, 0) > up.length) launched++;
      // The same queue with one job that may leave does launch, now and then: the check can fail.
      if (i % 1_000 === 0) {
        const one = look({ queued: [brief({ createdAtMs: ago(2_000) })], fleet: [pool([])] }, blank, { classes });
        open += decide(one.observation, one.memory.placement).desired[spot.id] ?? 0;
      }
    }
    expect(launched).toBe(0);
    expect(open).toBeGreaterThanOrEqual(100);
  }, 60_000);
});

describe('the watch', () => {
  const waits = {
    queued: [brief({ createdAtMs: ago(700) }), brief({ residency: 'sovereign', createdAtMs: ago(9_000) })],
  };

  test('says since when work waits that a pool may serve while nothing runs and nothing launches', () => {
    const still = look({ ...waits, fleet: [pool([])] });
    expect(stuckSince(still.observation, still.runningJobs, null)).toBe(nowSeconds);
    expect(stuckSince(still.observation, still.runningJobs, nowSeconds - 50)).toBe(nowSeconds - 50);
    expect(stuckSince(still.observation, 1, nowSeconds - 50)).toBeNull();
    const launching = look({ ...waits, fleet: [pool([server('n', { phase: 'launching' })])] });
    expect(stuckSince(launching.observation, 0, nowSeconds - 50)).toBeNull();
    const sovereign = look({ queued: [waits.queued[1]!], fleet: [pool([])] });
    expect(stuckSince(sovereign.observation, 0, nowSeconds - 50)).toBeNull();
    const idle = look({ ...waits, fleet: [pool([server('t-a')])], present: [present('a')] });
    expect(stuckSince(idle.observation, 0, nowSeconds - 50)).toBe(nowSeconds - 50);
  });

  test('writes the metrics that the alarms read, by their names', () => {
    const seen = look({ ...waits, fleet: [pool([server('t-a')], { desired: 2 })], present: [present('a')] });
    const metrics = fleetMetrics(seen.observation, { desired: { a: 2, b: 1 } }, nowSeconds - 60);
    const numbers = {
      OldestWaitingSeconds: 700,
      WaitingJobs: 1,
      RunningServers: 1,
      DesiredServers: 3,
      StuckSeconds: 60,
    };
    expect(metrics).toEqual(numbers);
    const line = JSON.parse(metricLine(metrics, 'jobs-of-a', nowMs));
    expect(line).toMatchObject({ ...numbers, Table: 'jobs-of-a', _aws: { Timestamp: nowMs } });
    const [declared] = line._aws.CloudWatchMetrics;
    expect(declared.Namespace).toBe('Reelay');
    // Without it a second installation in the account would answer for a dead first one.
    expect(declared.Dimensions).toEqual([['Table']]);
    expect(declared.Metrics.map((metric: { Name: string }) => metric.Name).sort()).toEqual(Object.keys(numbers).sort());
  });
});
