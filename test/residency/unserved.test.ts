import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Job } from '#core/job.ts';
import { jobFromRecord } from '#core/job-record.ts';
import { sweepLostMessages } from '#core/jobs/relay.ts';
import { submit } from '#core/jobs/submit.ts';
import { takeNext } from '#core/jobs/take.ts';
import { limits } from '#core/limits.ts';
import { parseResidency } from '#core/policy/residency.ts';
import type { JobStore } from '#core/ports.ts';
import { type LocalBench, openLocalBench } from '#test/core/local-bench.ts';
import { cloud } from './enclave-world.ts';

const classes = parseResidency('{"moon": {"sites": ["cloud"], "regions": ["moon-1"]}, "lab": {"sites": ["onprem"]}}');
let bench: LocalBench;
beforeEach(async () => {
  bench = await openLocalBench({ classes });
});
afterEach(() => bench.close());

const moon = { prompt: 'x', residency: 'moon' };
const everywhere = () => ({
  ...bench.ports,
  servedPlaces: [{ pool: 'moon', site: 'cloud', region: 'moon-1' }] as const,
});

describe('a request that names where it may be processed', () => {
  test('gets a job with the class in its id, and the standard class without saying so', async () => {
    const { id, request, acceptedAt } = await submit(bench.ports, 'acme', { prompt: 'x', residency: 'sovereign' });
    expect(id).toMatch(/^video_sovereign_/);
    expect([request.residency, acceptedAt]).toEqual(['sovereign', { pool: 'local', site: 'onprem', region: 'local' }]);
    expect(await submit(bench.ports, 'acme', { prompt: 'x' })).toMatchObject({ request: { residency: 'standard' } });
  });

  test('is refused with the classes that there are when its own is unknown', async () => {
    const asked = submit(bench.ports, 'acme', { prompt: 'x', residency: 'eu' });
    await expect(asked).rejects.toMatchObject({
      code: 'invalid_request',
      message: 'residency: got "eu"; this server knows standard, sovereign, moon, lab.',
    });
    for (const residency of ['', '__proto__', 'constructor', 'x'.repeat(5_000)])
      await expect(submit(bench.ports, 'acme', { prompt: 'x', residency })).rejects.toMatchObject({
        code: 'invalid_request',
        message: expect.not.stringContaining('xxxxx'),
      });
    await expect(submit(bench.ports, 'acme', { prompt: 'x', residency: 5 })).rejects.toThrow('expected a text');
  });

  test('is refused where no pool may serve its class, with that reason and nothing written', async () => {
    await expect(submit(bench.ports, 'acme', moon)).rejects.toMatchObject({
      code: 'residency_unsatisfiable',
      problems: [{ path: 'residency', message: expect.stringContaining('"moon"') }],
    });
    await expect(submit(bench.ports, 'acme', { ...moon, size: '1x1' })).rejects.toMatchObject({
      code: 'invalid_request',
    });
    expect(await bench.ports.store.countQueued(10)).toBe(0);
    expect((await submit(everywhere(), 'acme', moon)).id).toMatch(/^video_moon_/);
  });

  test('is another request than the same one of another class', async () => {
    const key = { idempotencyKey: 'k' };
    const first = await submit(bench.ports, 'acme', { prompt: 'x', seed: 1, residency: 'sovereign' }, key);
    const again = await submit(bench.ports, 'acme', { prompt: 'x', seed: 1, residency: 'sovereign' }, key);
    expect(again.id).toBe(first.id);
    const other = submit(bench.ports, 'acme', { prompt: 'x', seed: 1 }, key);
    await expect(other).rejects.toMatchObject({ code: 'idempotency_key_reused' });
  });
});

/** Sweeps every minute for so long. */
async function sweepFor(minutes: number, ports: Parameters<typeof sweepLostMessages>[0] = bench.ports): Promise<void> {
  for (let n = 0; n <= minutes; n++) {
    await sweepLostMessages(ports);
    if (n < minutes) bench.time.nowMs += 60_000;
  }
}

describe('a job whose class nobody serves any more', () => {
  test('fails with its reason instead of waiting for ever, and keeps no job behind it', async () => {
    const stuck = [await submit(everywhere(), 'acme', moon), await submit(everywhere(), 'acme', moon)];
    bench.time.nowMs++; // ids of one moment are in any order
    const behind = await submit(bench.ports, 'acme', { prompt: 'x' });
    await sweepFor(limits.unservedMinutes);
    for (const { id } of stuck)
      expect(await bench.job(id)).toMatchObject({
        status: 'failed',
        error: { code: 'residency_unsatisfiable', message: expect.stringContaining('"moon"') },
        outbox: [],
      });
    expect((await bench.lease())?.id).toBe(behind.id);
  });

  test('ends in the same way when its class has lost its rule', async () => {
    const { id } = await submit(bench.ports, 'acme', { prompt: 'x', residency: 'lab' });
    await sweepFor(limits.unservedMinutes, { ...bench.ports, classes: parseResidency('') });
    expect(await bench.job(id)).toMatchObject({ status: 'failed', error: { code: 'residency_unsatisfiable' } });
  });

  test('outlives a wrong setting that is mended in time, and the operator is told once', async () => {
    const { id } = await submit(everywhere(), 'acme', moon);
    const told: unknown[] = [];
    const wrong = { ...bench.ports, log: (...line: unknown[]) => void told.push(line) };
    await sweepFor(limits.unservedMinutes - 1, wrong);
    expect(told).toEqual([['error', expect.any(String), { residency: 'moon', minutes: limits.unservedMinutes }]]);
    await sweepLostMessages(everywhere());
    await sweepFor(limits.unservedMinutes - 1, wrong);
    expect((await bench.job(id)).status).toBe('queued');
  });

  test('outlives a process with old settings for as long as another one knows who serves it', async () => {
    const { id } = await submit(everywhere(), 'acme', moon);
    for (let n = 0; n < 3; n++) {
      await sweepFor(limits.unservedMinutes - 1);
      await sweepLostMessages(everywhere());
    }
    expect((await bench.job(id)).status).toBe('queued');
  });

  test('outlives short looks by such a process, however long ago the first one was', async () => {
    const { id } = await submit(everywhere(), 'acme', moon);
    await sweepLostMessages(bench.ports);
    bench.time.nowMs += 86_400_000;
    await sweepLostMessages(bench.ports);
    expect((await bench.job(id)).status).toBe('queued');
  });

  test('waits where the pools are not known: a worker knows only itself', async () => {
    const { id } = await submit(everywhere(), 'acme', moon);
    const { servedPlaces: _, ...worker } = bench.ports;
    await sweepLostMessages(worker);
    expect((await bench.job(id)).status).toBe('queued');
  });
});

describe('at dispatch', () => {
  test('a place takes what it may serve and passes over what it may not, whatever lies in its store', async () => {
    const sovereign = await submit(bench.ports, 'acme', { prompt: 'x', residency: 'sovereign' });
    const outside = { ...bench.ports, place: cloud };
    expect(await takeNext(outside, sovereign.id)).toEqual({ outcome: 'refused', residency: ['sovereign'] });
    const standard = await submit(bench.ports, 'lab', { prompt: 'x' });
    expect(await takeNext(outside, sovereign.id)).toMatchObject({ outcome: 'leased', job: { id: standard.id } });
    expect(await takeNext(outside, sovereign.id)).toMatchObject({ outcome: 'refused' });
    const nowhere = { ...bench.ports, classes: {} };
    expect(await takeNext(nowhere, sovereign.id)).toMatchObject({ outcome: 'refused' });
    expect(await bench.lease()).toMatchObject({ id: sovereign.id, placements: [{ site: 'onprem', attempt: 1 }] });
  });

  test('it is the rule that decides: a place that it allows takes the same job', async () => {
    const { id } = await submit(bench.ports, 'acme', { prompt: 'x', residency: 'sovereign' });
    const lax = parseResidency('{"sovereign": {"sites": ["onprem", "cloud"]}}');
    const outside = { ...bench.ports, place: cloud };
    expect(await takeNext(outside, id)).toMatchObject({ outcome: 'refused' });
    expect(await takeNext({ ...outside, classes: lax }, id)).toMatchObject({ outcome: 'leased', job: { id } });
  });

  test('a record whose id says another class than its request is served by neither', async () => {
    const { store } = bench.ports;
    const job = await submit(bench.ports, 'acme', { prompt: 'x', residency: 'sovereign' });
    const forged: Job = { ...job, request: { ...job.request, residency: 'standard' } };
    await bench.ports.queue.send({ v: 1, jobId: job.id });
    const ports = { ...bench.ports, place: cloud, store: { ...store, listQueueHeads: async () => [forged] } };
    expect(await takeNext(ports, job.id)).toMatchObject({ outcome: 'refused' });
  });

  test('the newest places of a job that was started very often are kept', async () => {
    const { id } = await submit(bench.ports, 'acme', { prompt: 'x' });
    const starts = limits.maxPlacements + 3;
    for (let n = 1; n <= starts; n++) {
      const job = (await bench.lease())!;
      const owed = { status: 'in_progress', attempt: n } as const;
      expect(await bench.ports.store.transition(id, owed, { status: 'queued', lease: null })).toBeDefined();
      expect(job.placements.at(-1)).toMatchObject({ attempt: n, worker: 'test', pool: 'local' });
    }
    const { placements } = await bench.job(id);
    expect([placements.length, placements[0]?.attempt, placements.at(-1)?.attempt]).toEqual([
      limits.maxPlacements,
      4,
      starts,
    ]);
  });
});

test('an installation of one class asks its store for nothing more than it did without classes', async () => {
  const calls: string[] = [];
  const { store } = bench.ports;
  const counted = Object.fromEntries(
    Object.entries(store).map(([name, act]) => [
      name,
      (...args: unknown[]) => {
        calls.push(name);
        return (act as (...args: unknown[]) => unknown)(...args);
      },
    ]),
  ) as unknown as JobStore;
  const ports = { ...bench.ports, store: counted };
  const during = async (act: () => Promise<unknown>) => {
    calls.length = 0;
    await act();
    return [...calls];
  };
  expect(await during(() => submit(ports, 'acme', { prompt: 'x' }))).toEqual(['countQueued', 'create', 'clearOutbox']);
  expect(await during(() => sweepLostMessages(ports))).toEqual(['listQueueHeads']);
  expect(await during(() => takeNext(ports, 'video_any'))).toEqual(['listQueueHeads', 'load', 'transition']);
  expect(await during(() => sweepLostMessages(ports))).toEqual(['listQueueHeads']);
  expect(jobFromRecord(JSON.stringify((await store.listRunning(1))[0])).placements).toHaveLength(1);
});
