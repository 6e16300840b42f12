/** Promises broken on purpose, one at a time: the checks are worth what they catch of these. */
import { type Accounts, createAccounts } from '#core/accounts/accounts.ts';
import type { Ledger } from '#core/accounts/ledger.ts';
import { ledgerSpace } from '#core/accounts/ledger-store.ts';
import { ReelayError } from '#core/errors.ts';
import type { JobStore } from '#core/ports.ts';
import { jobOfKey } from './check-effects.ts';
import type { Wish } from './scenario.ts';
import { EPOCH_MS, type Mutation, type NodePorts, type World } from './world.ts';

/** A mutation that replaces what nodes are given. */
function ports(
  name: string,
  caughtBy: readonly string[],
  change: (ports: NodePorts, world: World) => Partial<NodePorts>,
): Mutation {
  return { name, caughtBy, ports: (given, _, world) => ({ ...given, ...change(given, world) }) };
}

function store(
  name: string,
  caughtBy: readonly string[],
  change: (store: JobStore, ports: NodePorts) => Partial<JobStore>,
): Mutation {
  return ports(name, caughtBy, given => ({ store: { ...given.store, ...change(given.store, given) } }));
}

/** The accounts of a node on another store, or with another ledger. */
function accountsOn(
  given: NodePorts,
  kv: NodePorts['kv'],
  change: (ledger: Ledger) => Ledger = ledger => ledger,
): Accounts {
  const accounts = createAccounts({ ...given, kv, prices: given.accounts.prices });
  return { ...accounts, ledger: change(accounts.ledger), sweep: async () => 0 };
}

/** One that nobody and nothing ends before its time. */
function lasting(wish: Wish): Wish {
  return { ...wish, nature: 'healthy', cancelAfterMs: null, deleteAfterMs: null };
}

/** All of them. */
export const mutations: readonly Mutation[] = [
  {
    name: 'the store ignores attempts',
    caughtBy: ['I4 no write of a stale attempt', 'I3 the output is complete and right', 'a living lease is left alone'],
    // A worker must be held up for longer than its lease, and its job go on with another one meanwhile.
    scenario: drawn => ({
      ...drawn,
      workers: 4,
      wishes: drawn.wishes.map(wish => ({ ...lasting(wish), steps: 20, stepMs: 700 })),
      leaseSeconds: 6,
      calamities: ['pause', 'suspend'],
      calamityEveryMs: 500,
      weather: { ...drawn.weather, slow: 0.05, renderFails: 0 },
    }),
    holds: (job, { status, notCancelled }) =>
      job.status === status && (notCancelled !== true || job.cancelRequestedAtMs === null),
  },
  {
    name: 'the store ignores cancel requests',
    caughtBy: ['a cancelled job does not complete'],
    scenario: drawn => ({ ...drawn, wishes: drawn.wishes.map((wish, n) => ({ ...wish, cancelAfterMs: n * 300 })) }),
    holds: (job, { status, attempt, version }) =>
      job.status === status && job.attempt === attempt && (version === undefined || job.version === version),
  },
  {
    name: 'the store ignores versions',
    caughtBy: ['a living lease is left alone', 'only errors and dead leases count'],
    // A sweeper must look, be held up, and write when the worker has come back: in one seed of twenty.
    from: 25,
    scenario: drawn => ({
      ...drawn,
      leaseSeconds: 6,
      calamities: ['pause'],
      calamityEveryMs: 800,
      weather: { ...drawn.weather, slow: 0.1 },
    }),
    holds: (job, { status, attempt, notCancelled }) =>
      job.status === status && job.attempt === attempt && (notCancelled !== true || job.cancelRequestedAtMs === null),
  },
  ports('the message is acked when it is received', ['the ack comes last'], ({ queue }) => ({
    queue: {
      ...queue,
      receive: async options => {
        const delivery = await queue.receive(options);
        if (delivery !== undefined) await queue.ack(delivery).catch(() => undefined);
        return delivery;
      },
    },
  })),
  ports('the message is acked before the commit', ['the ack comes last'], given => {
    let receipt: Parameters<NodePorts['queue']['ack']>[0] | undefined;
    const receive: NodePorts['queue']['receive'] = async options => {
      receipt = await given.queue.receive(options);
      return receipt;
    };
    const transition: JobStore['transition'] = async (id, expected, change) => {
      if (change.status === 'completed' && receipt !== undefined) await given.queue.ack(receipt).catch(() => undefined);
      return given.store.transition(id, expected, change);
    };
    return { queue: { ...given.queue, receive }, store: { ...given.store, transition } };
  }),
  store('the outbox is dropped', ['the end is told'], real => ({
    transition: (id, expected, change) => real.transition(id, expected, { ...change, outbox: [] }),
  })),
  store('what is owed is never swept', ['I1 every job ends in the time given'], () => ({
    listOutboxDue: async () => [],
  })),
  ports('the lease watch compares wall clocks', ['a living lease is left alone'], given => {
    const remainingMs: NodePorts['leases']['remainingMs'] = job =>
      job.lease === null ? 0 : Math.max(0, job.lease.expiresAtMs - given.now());
    return { leases: { remainingMs, isDead: job => remainingMs(job) === 0 } };
  }),
  ports('every owner counts as gone', ['a living lease is left alone'], () => ({ ownerIsGone: () => true })),
  ports('claims are not exclusive', ['each key makes one job'], ({ kv }) => ({
    kv: { ...kv, create: entry => kv.put(entry) },
  })),
  ports('puts are acknowledged and lost', ['I3 the output is complete and right'], ({ blobs }, world) => ({
    blobs: {
      ...blobs,
      put: async (key, bytes, options) =>
        world.prng.chance(0.1) ? { bytes: bytes.length, etag: 'none' } : blobs.put(key, bytes, options),
      head: async key => (await blobs.head(key)) ?? { bytes: 53, etag: 'none' },
    },
  })),
  ports('nothing is ever removed', ['no checkpoint outlives its job', 'no bytes of other attempts'], ({ blobs }) => ({
    blobs: { ...blobs, deletePrefix: async () => undefined },
  })),
  ports('caps are not looked at', ['caps are kept'], ({ shareOf }) => ({
    shareOf: tenant => ({ ...shareOf(tenant), maxRunning: Number.POSITIVE_INFINITY }),
  })),
  ports('a checkpoint is resumed one step too far', ['I3 the output is complete and right'], given => ({
    scratch: async job => {
      const scratch = await given.scratch(job);
      return {
        ...scratch,
        write: (name, bytes) => {
          const { step, ...rest } = JSON.parse(Buffer.from(bytes).toString());
          return scratch.write(name, Buffer.from(JSON.stringify({ ...rest, step: step + 1 }))).then(({ path }) => ({
            path,
            sha256: job.checkpoint?.sha256 ?? '',
          }));
        },
      };
    },
  })),
  ports('a letter loses its reason', ['poison leaves a letter'], ({ deadLetters }) => ({
    deadLetters: { ...deadLetters, send: ({ jobId }) => deadLetters.send({ v: 1, jobId }) },
  })),
  ports('events are lost', ['the end is told'], ({ events }, world) => ({
    events: { publish: event => (world.prng.chance(0.3) ? Promise.resolve() : events.publish(event)) },
  })),
  store('the event is published before the record', ['the record comes before its event'], (real, given) => ({
    transition: async (id, expected, change) => {
      for (const entry of change.outbox ?? [])
        if (entry.kind === 'event') await given.events.publish(entry.event).catch(() => undefined);
      return real.transition(id, expected, change);
    },
  })),
  {
    ...store('a removed job leaves no tombstone', ['a removed job does not come back'], real => ({
      remove: async (job, nowMs) => {
        await real.remove(job, nowMs);
        await real.removeTombstone(job.id);
      },
    })),
    // A request must hang while another one with its key makes the job, deletes it and sees it removed.
    scenario: drawn => ({
      ...drawn,
      wishes: drawn.wishes.map(wish => ({ ...wish, retries: 'key', deleteAfterMs: 0 })),
      calamities: [],
      weather: { ...drawn.weather, slow: 0.2 },
    }),
  },
  {
    ...ports('what comes after a removal stays', ['expired bytes go'], ({ blobs }, world) => ({
      blobs: {
        ...blobs,
        deletePrefix: async prefix => {
          if (world.store.records.has(jobOfKey(prefix))) await blobs.deletePrefix(prefix);
        },
      },
    })),
    // A put must outlive its worker, whose death is known at once, and its job, which is deleted: 7 of the first 500 seeds have that.
    from: 170,
    scenario: drawn => ({
      ...drawn,
      monthLater: true,
      local: true,
      leaseSeconds: 15,
      skewMs: 0,
      wishes: drawn.wishes.map((wish, n) => ({
        ...wish,
        steps: 2,
        stepMs: 100,
        nature: 'healthy',
        deleteAfterMs: 300 * (n % 12),
      })),
      calamities: ['kill'],
      calamityEveryMs: 3_000,
      weather: { ...drawn.weather, slow: 0.08 },
    }),
  },
  ports('every job is charged, whatever it came to', ['the completed cost their price, the others nothing'], given => ({
    accounts: accountsOn(given, given.kv, ledger => ({
      ...ledger,
      close: (tenant, jobId) => ledger.close(tenant, jobId, { outcome: 'completed', gpuMs: 0 }),
    })),
  })),
  ports('an ended job is not settled', ['each end is settled'], given => ({
    accounts: accountsOn(given, given.kv, ledger => ({
      ...ledger,
      close: async () => undefined,
      meter: async () => undefined,
    })),
  })),
  ports(
    'a ledger is written whatever it has become since it was read',
    ['no bill above the budget', 'a ledger is the sum of its holds', 'each end is counted once'],
    given => ({
      accounts: accountsOn(given, {
        ...given.kv,
        replace: entry => (entry.space === ledgerSpace ? given.kv.put(entry) : given.kv.replace(entry)),
      }),
    }),
  ),
  store(
    'leases of the dead are never swept, and messages are lost',
    ['I1 every job ends in the time given'],
    (_, given) => ({
      listRunning: async () => {
        throw new ReelayError('store_unavailable', `at ${given.now() - EPOCH_MS}`);
      },
    }),
  ),
];
