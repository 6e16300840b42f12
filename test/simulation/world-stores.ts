/** The shared stores of a world, with what they do wrong by themselves and with those who watch them. */
import { defaultTenant, type TenantRecord } from '#core/accounts/tenant.ts';
import { tenantSpace } from '#core/accounts/tenants.ts';
import { checkAck, createBlobCheck, createEventCheck, noteSend } from './check-effects.ts';
import { checkLedger } from './check-money.ts';
import { createRecordCheck, type Leases } from './check-records.ts';
import { createMemoryBlobStore } from './memory-blob-store.ts';
import { createMemoryEventBus } from './memory-event-bus.ts';
import { createMemoryJobQueue, type MemoryJobQueue } from './memory-job-queue.ts';
import { createMemoryJobStore } from './memory-job-store.ts';
import { createMemoryKeyValueStore, type MemoryKeyValueStore } from './memory-key-value-store.ts';
import type { Stores, World } from './world.ts';

/** The stores of a world that has everything else. */
export function createStores(world: World): Stores {
  const { time, prng, scenario, mutation } = world;
  const leases: Leases = { holders: new Map(), writtenMs: new Map(), acked: new Set() };
  const deadLetters = createMemoryJobQueue({ timers: time, name: 'letter' });
  const lagMs = () => {
    if (!happens(world, 'stale')) return 0;
    world.fault('stale_list', world.actor.name);
    return prng.next() * scenario.weather.lagMs;
  };
  return {
    deadLetters: judged(world, leases, deadLetters),
    queue: judged(world, leases, createJobQueue(world, deadLetters)),
    store: createMemoryJobStore({
      nowMs: time.nowMs,
      lagMs,
      onWrite: createRecordCheck(world, leases),
      ...(mutation?.holds === undefined ? {} : { holds: mutation.holds }),
    }),
    kv: createNotes(world),
    blobs: createMemoryBlobStore(createBlobCheck(world)),
    events: createMemoryEventBus(createEventCheck(world)),
  };
}

function happens({ faultsOn, prng, scenario }: World, what: 'copied' | 'dropped' | 'disorder' | 'stale'): boolean {
  return faultsOn && prng.chance(scenario.weather[what]);
}

/** The queue of the jobs: at least once at best. */
function createJobQueue(world: World, deadLetters: MemoryJobQueue): MemoryJobQueue {
  const { prng, scenario, time } = world;
  return createMemoryJobQueue({
    timers: time,
    deadLetters,
    maxReceives: scenario.local ? Number.POSITIVE_INFINITY : scenario.maxReceives,
    receiver: () => world.actor.node?.owner ?? '',
    choose: ready => {
      if (ready < 2 || !happens(world, 'disorder')) return 0;
      world.fault('disorder', 'queue');
      return prng.between(1, Math.min(9, ready - 1));
    },
    copies: ({ jobId }) => {
      if (scenario.weather.allFivefold === true) {
        world.fault('copied', 'queue', jobId, 4);
        return [0, ...Array.from({ length: 4 }, () => prng.next() * 10_000)];
      }
      if (happens(world, 'dropped')) {
        world.fault('dropped', 'queue', jobId);
        return [];
      }
      if (!happens(world, 'copied')) return [0];
      const more = prng.between(1, 4);
      world.fault('copied', 'queue', jobId, more);
      return [0, ...Array.from({ length: more }, () => prng.next() * 4_000)];
    },
  });
}

/** A queue whose sends and acks are judged. */
function judged(world: World, leases: Leases, queue: MemoryJobQueue): MemoryJobQueue {
  return {
    ...queue,
    send: (message, options) => {
      noteSend(leases, world, message.jobId, message.reason);
      return queue.send(message, options);
    },
    ack: delivery => {
      checkAck(world, leases, delivery);
      return queue.ack(delivery);
    },
  };
}

/**
 * Counted retries are told apart by a note that the first try leaves. When that note comes after a retry's own, because the first try
 * was held up on its way, nobody can tell: two jobs are allowed then.
 */
function createNotes(world: World): MemoryKeyValueStore {
  const kv = createMemoryKeyValueStore();
  const noted = new Map<string, string>();
  const { budget, tenants } = world.scenario;
  for (const { name: id } of budget === null ? [] : tenants) {
    const value: TenantRecord = { ...defaultTenant, id, budget: { day: null, month: budget } };
    void kv.create({ space: tenantSpace, name: id, value, expiresAtMs: null, dueAtMs: null });
  }
  const note = ({ space, name, value }: { space: string; name: string; value: unknown }) => {
    if (!space.startsWith('recent/')) return;
    const { jobId } = value as { jobId: string };
    const before = noted.get(name);
    if (before !== undefined) for (const id of [before, jobId]) world.facts.overlapped.add(id);
    noted.set(name, jobId);
  };
  return {
    ...kv,
    put: entry => {
      note(entry);
      return kv.put(entry);
    },
    replace: entry => {
      checkLedger(world, entry);
      return kv.replace(entry);
    },
    create: async entry => {
      checkLedger(world, entry);
      const made = await kv.create(entry);
      if (made !== undefined) note(entry);
      return made;
    },
  };
}
