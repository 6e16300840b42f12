import { describe, expect, test } from 'vitest';
import type { Fleet } from '#core/placement/fleet.ts';

/** A fleet of the pools `a` and `b` with nothing in it, and hands on its clock. */
export interface OpenFleet {
  readonly fleet: Fleet;
  /** Lets so many seconds go by; the orders that the fleet has get done. */
  pass(seconds: number): void;
  /** From now on there is no machine for a pool, or there is one again. */
  setCapacity(pool: string, has: boolean): void;
  /** The next calls are throttled for so many seconds. */
  fail(seconds: number): void;
  close(): Promise<void>;
}

/** What every Fleet keeps. All servers are up two minutes after their order. */
export function fleetContract(name: string, open: () => Promise<OpenFleet>): void {
  const promise = (title: string, keep: (opened: OpenFleet) => Promise<void>) =>
    test(title, async () => {
      const opened = await open();
      try {
        await keep(opened);
      } finally {
        await opened.close();
      }
    });
  const serversOf = async (fleet: Fleet, pool: string) =>
    (await fleet.read()).find(one => one.pool === pool)?.servers ?? [];

  describe(`${name} as a Fleet`, () => {
    promise('an empty fleet has all its pools, with nothing in them and no refusal', async ({ fleet }) => {
      const empty = { desired: 0, servers: [], refusedAtMs: null };
      expect(await fleet.read()).toEqual([
        { pool: 'a', ...empty },
        { pool: 'b', ...empty },
      ]);
    });

    promise(
      'an order becomes servers of its pool, launching and then up, and asking twice is asking once',
      async opened => {
        const { fleet, pass } = opened;
        await fleet.setDesired('a', 2);
        await fleet.setDesired('a', 2);
        expect((await fleet.read())[0]?.desired).toBe(2);
        pass(10);
        const ordered = await serversOf(fleet, 'a');
        expect(ordered.map(({ phase, awaitsMachine }) => [phase, awaitsMachine])).toEqual([
          ['launching', true],
          ['launching', true],
        ]);
        pass(120);
        const up = await serversOf(fleet, 'a');
        expect(up.map(({ id, phase, awaitsMachine }) => [id, phase, awaitsMachine])).toEqual(
          ordered.map(({ id }) => [id, 'up', false]),
        );
        expect(up.every(({ launchedAtMs }) => launchedAtMs > 0)).toBe(true);
        expect(await serversOf(fleet, 'b')).toEqual([]);
      },
    );

    promise('a lowered order stops nobody who is protected, until the protection is given up or over', async opened => {
      const { fleet, pass } = opened;
      await fleet.setDesired('a', 12);
      pass(130);
      const ids = (await serversOf(fleet, 'a')).map(({ id }) => id);
      const kept = ids.slice(0, 11);
      expect([...(await fleet.protect('a', [...kept, 'unknown'], 10))].sort()).toEqual([...kept].sort());
      await fleet.setDesired('a', 10);
      pass(5);
      expect((await serversOf(fleet, 'a')).map(({ id }) => id)).toEqual(kept);
      await fleet.unprotect('a', [kept[3]!, 'unknown']);
      pass(5);
      expect((await serversOf(fleet, 'a')).map(({ id }) => id)).toEqual(kept.filter((_, at) => at !== 3));
      await fleet.setDesired('a', 0);
      pass(5);
      expect(await serversOf(fleet, 'a')).toHaveLength(10);
      pass(601);
      expect(await serversOf(fleet, 'a')).toEqual([]);
    });

    promise('without a machine an order stays an order that waits for one', async ({ fleet, pass, setCapacity }) => {
      setCapacity('b', false);
      await fleet.setDesired('b', 1);
      pass(600);
      expect(await serversOf(fleet, 'b')).toMatchObject([{ phase: 'launching', awaitsMachine: true }]);
      await fleet.setDesired('b', 0);
      pass(5);
      expect(await serversOf(fleet, 'b')).toEqual([]);
    });

    promise(
      'a fleet that throttles says that it is unavailable for now, whatever it was asked',
      async ({ fleet, pass, fail }) => {
        fail(60);
        const calls = [
          fleet.read(),
          fleet.setDesired('a', 1),
          fleet.protect('a', ['x'], 1),
          fleet.unprotect('a', ['x']),
        ];
        for (const call of await Promise.allSettled(calls))
          expect(call).toMatchObject({ status: 'rejected', reason: { code: 'store_unavailable', retryable: true } });
        pass(61);
        expect((await fleet.read())[0]?.desired).toBe(0);
      },
    );
  });
}
