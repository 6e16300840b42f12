import { describe, expect, test } from 'vitest';
import { fleetLimits } from '#core/placement/fleet-limits.ts';
import { observe } from '#core/placement/observe.ts';
import { bucketed } from '#core/placement/observe-jobs.ts';
import { mulberry32 } from '#core/placement/simulation/random.ts';
import type { Waiting } from '#core/placement/types.ts';
import { ago, blank, brief, look, nowMs, nowSeconds, pool, present, running, server, terms } from './readings.ts';
import { model, spot } from './world.ts';

describe('servers', () => {
  test('are busy while their worker leases a job, idle else, and launching until it was heard of', () => {
    const servers = ['a', 'b', 'c', 'd'].map(id => server(`t-${id}`));
    const fleet = [
      pool([...servers, server('new', { phase: 'launching' }), server('old', { launchedAtMs: ago(9_000) })]),
    ];
    const { workers } = look({ fleet, present: [present('a'), present('b')], running: [running('b')] }).observation;
    expect(workers.map(({ id, phase }) => [id, phase])).toEqual([
      ['t-a', 'idle'],
      ['t-b', 'busy'],
      ['t-c', 'launching'],
      ['t-d', 'launching'],
      ['new', 'launching'],
      ['old', 'launching'],
    ]);
    // Half of three units of 20 s is left.
    expect(workers[1]?.freeAtSeconds).toBe(nowSeconds + 30);
  });

  test('whose image or worker does not come in time are lost, and found again when it comes after all', () => {
    const late = { launchedAtMs: ago(9_000) };
    const awaits = { phase: 'launching', launchedAtMs: nowMs, awaitsMachine: true } as const;
    const servers = [server('t-a', { ...late, phase: 'launching' }), server('t-b', late), server('t-c', awaits)];
    const seen = (nowSeconds: number, memory = blank, there = servers) =>
      look({ nowMs: nowMs + nowSeconds * 1_000, queued: [brief()], fleet: [pool(there)] }, memory);
    const phases = ({ observation }: ReturnType<typeof seen>) => observation.workers.map(({ phase }) => phase);
    // However old it is: it may have waited for its machine, and an index may miss a worker for a moment.
    const first = seen(0);
    expect([first.lost, phases(first)]).toEqual([[], ['launching', 'launching', 'launching']]);
    const wait = fleetLimits.bootSeconds;
    const noMore = seen(wait - 1, first.memory, servers.slice(0, 2));
    expect(noMore.lost).toEqual([]);
    const gone = seen(wait, first.memory, [...servers.slice(0, 2), server('t-c', { phase: 'launching' })]);
    expect([gone.lost, phases(gone)]).toEqual([
      ['t-a', 't-b'],
      ['draining', 'draining', 'launching'],
    ]);
    const soon = nowMs + wait * 1_000;
    const beat = present('b', { startedAtMs: soon });
    const found = look({ nowMs: soon, fleet: [pool(servers.slice(0, 2))], present: [beat] }, gone.memory);
    expect([found.lost, found.observation.workers[1]?.phase]).toEqual([['t-a'], 'idle']);
    expect(Object.keys(found.memory.silentSince)).toEqual(['t-a']);
  });

  test('idle since they were first seen so, however often they are looked at', () => {
    const readings = { fleet: [pool([server('t-a')])], present: [present('a')] };
    const first = look(readings).memory;
    const later = look({ ...readings, nowMs: nowMs + 50_000 }, first);
    expect(later.observation.workers[0]?.idleSinceSeconds).toBe(nowSeconds);
    const busy = look({ ...readings, running: [running('a')] }, first).memory;
    expect(busy.idleSince).toEqual({});
  });

  test('whose workers do not know them are as many busy ones as there are leases', () => {
    const fleet = [
      pool([server('x'), server('y', { launchedAtMs: ago(900) }), server('z', { launchedAtMs: ago(800) })]),
    ];
    const there = ['a', 'b', 'c'].map(id => present(id, { server: null }));
    const { workers } = look({ fleet, present: there, running: [running('a'), running('c')] }).observation;
    expect(workers.map(({ phase }) => phase).sort()).toEqual(['busy', 'busy', 'idle']);
  });

  test('that were ordered and are not there yet count as launching, since the order was first missing', () => {
    const ordered = look({ fleet: [pool([], { desired: 2 })] });
    expect(ordered.observation.workers.map(({ phase }) => phase)).toEqual(['launching', 'launching']);
    const later = look({ nowMs: nowMs + 100_000, fleet: [pool([], { desired: 2 })] }, ordered.memory);
    expect(later.observation.workers[0]?.launchedAtSeconds).toBe(nowSeconds);
    const late = nowMs + fleetLimits.capacityWaitSeconds * 1_000;
    const gone = look({ nowMs: late, fleet: [pool([], { desired: 2 })] }, later.memory);
    expect(gone.observation.workers).toEqual([]);
    expect(gone.observation.refusedAtSeconds).toEqual({ [spot.id]: nowSeconds + fleetLimits.capacityWaitSeconds });
  });

  test('that wait for a machine when the pool refuses are no servers, those that have one are', () => {
    const waits = server('w', { phase: 'launching', awaitsMachine: true, launchedAtMs: ago(60) });
    const boots = server('b', { phase: 'launching', launchedAtMs: ago(60) });
    const refused = look({ fleet: [pool([waits, boots], { refusedAtMs: ago(20) })] }).observation;
    expect(refused.workers.map(({ id }) => id)).toEqual(['b']);
    // The pool has rested: this order is a new try.
    const retried = look({ fleet: [pool([waits], { refusedAtMs: ago(301) })] }).observation;
    expect(retried.workers.map(({ id }) => id)).toEqual(['w']);
  });

  test('that were told to go are leaving while they are too many, unless they have a job', () => {
    const memory = { ...blank, leaving: ['t-a', 't-b', 'long-gone'] };
    const fleet = [pool([server('t-a'), server('t-b'), server('t-c')], { desired: 1 })];
    const there = ['a', 'b', 'c'].map(id => present(id));
    const seen = look({ fleet, present: there, running: [running('b')] }, memory);
    expect(seen.observation.workers.map(({ phase }) => phase)).toEqual(['draining', 'busy', 'idle']);
    expect(seen.memory.leaving).toEqual(['t-a']);
    const kept = look({ fleet: [{ ...fleet[0]!, desired: 3 }], present: there }, memory);
    expect(kept.observation.workers.map(({ phase }) => phase)).toEqual(['idle', 'idle', 'idle']);
  });

  test('of the premises are there by their presence alone, also in pools that no setting names', () => {
    const place = { pool: 'cellar', site: 'onprem', region: 'home' } as const;
    const there = [present('o1', { place, server: null }), present('o2', { place, server: null })];
    const { workers, pools } = look({ present: there, running: [running('o2')] }).observation;
    expect(workers.map(({ id, pool: where, phase }) => [id, where, phase])).toEqual([
      ['o1', 'cellar', 'idle'],
      ['o2', 'cellar', 'busy'],
    ]);
    expect(pools.find(({ id }) => id === 'cellar')).toMatchObject({
      kind: 'fixed',
      site: 'onprem',
      maxServers: 2,
      speed: { [model]: 1 },
    });
  });
});

describe('jobs', () => {
  test('that run for a worker who is not there wait for one, after a lease', () => {
    const lost = running('dead');
    const first = look({ running: [lost] });
    expect(first.observation.waiting).toEqual([]);
    const later = look({ nowMs: nowMs + 121_000, running: [lost] }, first.memory);
    expect(later.observation.waiting.map(({ id }) => id)).toEqual([lost.id]);
    expect(later.runningJobs).toBe(0);
    expect(look({ running: [lost], present: [present('dead')] }, first.memory).memory.ownerlessSince).toEqual({});
  });

  test('of a class that nobody defined may run nowhere', () => {
    const { waiting } = look({
      queued: [brief({ residency: 'toString' }), brief({ residency: 'sovereign' }), brief()],
    }).observation;
    expect(waiting.map(({ residency }) => residency.sites)).toEqual([[], ['onprem'], ['onprem', 'cloud']]);
  });

  test('come and start once, whoever tells of them and however often', () => {
    const [old, fresh] = [
      brief(),
      brief({ startedAtMs: ago(10), status: 'in_progress', owner: 'a', priority: 'high' }),
    ];
    const readings = { nowMs, queued: [old], running: [fresh], present: [], fleet: [] };
    const first = observe(readings, [fresh, old, fresh], blank, terms);
    expect(first.observation.arrived.map(({ id }) => id)).toEqual([old.id, fresh.id]);
    expect(first.observation.started).toEqual([
      { jobId: fresh.id, tier: 'interactive', sovereign: false, waitSeconds: 390 },
    ]);
    const again = observe(readings, [old, fresh], first.memory, terms).observation;
    expect([again.arrived, again.started]).toEqual([[], []]);
  });

  test('that a door whose clock is ahead made are learned as of now', () => {
    const { arrived } = look({ queued: [brief({ createdAtMs: ago(-3_600) }), brief()] }).observation;
    expect(arrived.map(({ enqueuedAtSeconds }) => nowSeconds - enqueuedAtSeconds)).toEqual([400, 0]);
  });

  test('of a flood are learned once, though not all of their names can be kept', () => {
    const flood = Array.from({ length: 2_000 }, (_, n) => brief({ createdAtMs: ago(400) + n }));
    const first = look({ queued: flood });
    expect(first.observation.arrived.reduce((sum, { count }) => sum + count, 0)).toBe(2_000);
    expect(first.memory.folded).toHaveLength(fleetLimits.maxFolded);
    expect(look({ queued: flood }, first.memory).observation.arrived).toEqual([]);
  });

  test('past 500 become buckets of neighbours: none is lost, none waits shorter, and the work is the same', () => {
    const draw = mulberry32(7);
    for (const length of [499, 500, 501, 1_500, 5_000]) {
      const jobs = Array.from(
        { length },
        (_, n): Waiting => ({
          id: `j${n}`,
          model: draw() < 0.5 ? 'a' : 'b',
          tier: draw() < 0.3 ? 'batch' : 'standard',
          residency: draw() < 0.2 ? { sites: ['onprem'] } : { sites: ['onprem', 'cloud'] },
          enqueuedAtSeconds: n,
          estimateSeconds: 10 + 100 * draw(),
          count: 1,
        }),
      );
      const buckets = bucketed(jobs);
      expect(buckets.length).toBeLessThanOrEqual(fleetLimits.maxWaitingSeen);
      for (const name of ['a', 'b']) {
        const sum = (list: readonly Waiting[], of: (job: Waiting) => number) =>
          list.filter(job => job.model === name).reduce((all, job) => all + of(job), 0);
        expect(sum(buckets, ({ count }) => count)).toBe(sum(jobs, () => 1));
        expect(sum(buckets, job => job.count * job.estimateSeconds)).toBeCloseTo(
          sum(jobs, job => job.estimateSeconds),
          3,
        );
        expect(sum(buckets, job => job.count * job.enqueuedAtSeconds)).toBeLessThanOrEqual(
          sum(jobs, job => job.enqueuedAtSeconds),
        );
      }
      expect(buckets.slice(0, 250)).toEqual(jobs.slice(0, 250));
    }
  });
});
