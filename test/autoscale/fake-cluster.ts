/**
 * A fleet as ECS runs one: orders become tasks late, tasks get machines late or, while there is no capacity, never; of too many it stops
 * whom it likes among the unprotected, and here it likes those that have been up longest, which hurts most.
 */
import { ReelayError } from '#core/errors.ts';
import type { Fleet, FleetServer } from '#core/placement/fleet.ts';

export interface FakeTask {
  readonly id: string;
  readonly pool: string;
  readonly orderedAtMs: number;
  machineAtMs: number | undefined;
  upAtMs: number | undefined;
  protectedUntilMs: number;
  /** Told to stop: gone for the fleet, on its way out for itself. */
  stopped: boolean;
}

export interface FakePool {
  desired: number;
  wishedAtMs: number;
  hasCapacity: boolean;
  refusedAtMs: number | null;
}

export interface FakeCluster extends Fleet {
  readonly tasks: readonly FakeTask[];
  readonly pools: ReadonlyMap<string, FakePool>;
  /** Orders: pool, servers, when. */
  readonly orders: readonly { readonly pool: string; readonly servers: number; readonly atMs: number }[];
  /** Calls fail until this time. */
  outageUntilMs: number;
  /** Calls so far, by name. */
  readonly calls: Readonly<Record<'read' | 'setDesired' | 'protect' | 'unprotect', number>>;
  /** Does what is due by now; gives the tasks that it stopped. */
  advance(): readonly FakeTask[];
  /** A machine is taken back, protection or not. */
  takeBack(id: string): void;
}

export interface FakeTiming {
  /** From the order to the task. */
  readonly orderMs: number;
  readonly machineMs: number;
  readonly upMs: number;
}

export const quickTiming: FakeTiming = { orderMs: 4_000, machineMs: 50_000, upMs: 70_000 };

export function createFakeCluster(nowMs: () => number, names: readonly string[], timing = quickTiming): FakeCluster {
  const tasks: FakeTask[] = [];
  const pools = new Map<string, FakePool>(
    names.map(name => [name, { desired: 0, wishedAtMs: 0, hasCapacity: true, refusedAtMs: null }]),
  );
  const orders: { pool: string; servers: number; atMs: number }[] = [];
  const calls = { read: 0, setDesired: 0, protect: 0, unprotect: 0 };
  let made = 0;

  const poolOf = (name: string) => {
    const pool = pools.get(name);
    if (pool === undefined) throw new ReelayError('internal', `no pool ${name}`);
    return pool;
  };
  const live = (name: string) => tasks.filter(task => task.pool === name && !task.stopped);
  const call = (name: keyof typeof calls) => {
    calls[name]++;
    if (nowMs() < cluster.outageUntilMs) throw new ReelayError('store_unavailable', 'ThrottlingException');
    cluster.advance();
  };
  const find = (pool: string, ids: readonly string[]) => live(pool).filter(task => ids.includes(task.id));

  const cluster: FakeCluster = {
    tasks,
    pools,
    orders,
    calls,
    outageUntilMs: 0,
    advance() {
      const now = nowMs();
      const stopped: FakeTask[] = [];
      for (const [name, pool] of pools) {
        const there = live(name);
        for (
          let missing = pool.desired - there.length;
          missing > 0 && now - pool.wishedAtMs >= timing.orderMs;
          missing--
        )
          tasks.push({
            id: `${name}-${String(++made).padStart(4, '0')}`,
            pool: name,
            orderedAtMs: now,
            machineAtMs: undefined,
            upAtMs: undefined,
            protectedUntilMs: 0,
            stopped: false,
          });
        for (const task of live(name)) {
          if (task.machineAtMs === undefined && pool.hasCapacity && now - task.orderedAtMs >= timing.machineMs)
            task.machineAtMs = now;
          if (task.machineAtMs !== undefined && now - task.machineAtMs >= timing.upMs - timing.machineMs)
            task.upAtMs ??= now;
        }
        const open = live(name).filter(task => task.protectedUntilMs <= now);
        open.sort((a, b) => (a.upAtMs ?? now) - (b.upAtMs ?? now));
        for (const task of open.slice(0, Math.max(0, live(name).length - pool.desired))) {
          task.stopped = true;
          stopped.push(task);
        }
      }
      return stopped;
    },
    takeBack(id) {
      for (const task of tasks) if (task.id === id) task.stopped = true;
    },
    async read() {
      call('read');
      return [...pools].map(([pool, { desired, refusedAtMs }]) => ({
        pool,
        desired,
        refusedAtMs,
        servers: live(pool).map(serverOf),
      }));
    },
    async setDesired(name, servers) {
      call('setDesired');
      const pool = poolOf(name);
      Object.assign(pool, { desired: servers, wishedAtMs: nowMs() });
      orders.push({ pool: name, servers, atMs: nowMs() });
    },
    async protect(pool, ids, minutes) {
      call('protect');
      const found = find(pool, ids).filter(task => task.upAtMs !== undefined);
      for (const task of found) task.protectedUntilMs = nowMs() + minutes * 60_000;
      return found.map(task => task.id);
    },
    async unprotect(pool, ids) {
      call('unprotect');
      for (const task of find(pool, ids)) task.protectedUntilMs = 0;
    },
  };
  return cluster;
}

function serverOf(task: FakeTask): FleetServer {
  const { id, orderedAtMs, machineAtMs, upAtMs } = task;
  const phase = upAtMs === undefined ? 'launching' : 'up';
  return { id, phase, launchedAtMs: orderedAtMs, awaitsMachine: machineAtMs === undefined };
}
