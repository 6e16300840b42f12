/** Everything that one process is given: the shared stores behind calls that may fail, its own clock, disk and renderer. */
import { hash } from 'node:crypto';
import { createAccounts } from '#core/accounts/accounts.ts';
import { ReelayError } from '#core/errors.ts';
import type { Job } from '#core/job.ts';
import type { LeaseWatch } from '#core/jobs/lease-watch.ts';
import type { BlobBody, BlobStore, EventBus, JobQueue, JobStore, KeyValueStore } from '#core/ports.ts';
import type { Clock } from '#gpu-container/worker/clock.ts';
import { createMarks } from '#gpu-container/worker/marks.ts';
import type { Renderer } from '#gpu-container/worker/renderer.ts';
import type { Scratch } from '#gpu-container/worker/scratch.ts';
import { ownPlace } from '#test/core/places.ts';
import { testSubjects } from '#test/core/subjects.ts';
import { floorContent } from '#test/policy/floor-content.ts';
import { markingKeys } from '#test/worker/marks-for.ts';
import { receiptsFor } from '#test/worker/receipts-for.ts';
import { callPort } from './calls.ts';
import { SIM_CARD, sha256 } from './sim-video.ts';
import type { Actor, NodePorts, SimNode, World } from './world.ts';

/** Nobody here reads a mark: one hash is as good as a keyed one, of which each attempt of each job takes six. */
const quickKeys = {
  ...markingKeys,
  mac: (message: Uint8Array) => hash('sha256', message, 'buffer'),
  requestHmac: () => '',
};

/** What a process has of its own. */
export interface OwnParts {
  readonly clock: Clock;
  readonly renderer: Renderer;
  readonly leases: LeaseWatch;
  readonly scratch: (job: Job) => Promise<Scratch>;
  readonly whyNotReady: () => Promise<string | undefined>;
}

/** The ports of one process, as one of its parts uses them. */
export function portsOf(world: World, node: SimNode, role: Actor['role'], own: OwnParts): NodePorts {
  const actor: Actor = {
    name: `${node.owner}${role === 'sweeper' ? '/sweep' : ''}`,
    node,
    role,
    heads: [],
    running: undefined,
    delivery: undefined,
  };
  const { scenario } = world;
  const port = <P extends object>(name: string, backing: P) => faulty(world, actor, name, backing);
  const kv = port<KeyValueStore>('kv', world.kv);
  const events = port<EventBus>('events', world.events);
  const random = (n: number) => world.prng.bytes(n);
  const ports: NodePorts = {
    ...own.clock,
    store: watchedStore(actor, port<JobStore>('store', world.store)),
    queue: watchedQueue(actor, port<JobQueue>('queue', world.queue)),
    deadLetters: port<JobQueue>('dead_letters', world.deadLetters),
    kv,
    blobs: brittleBodies(world, actor, port<BlobStore>('blobs', world.blobs)),
    events,
    accounts: createAccounts({
      ...own.clock,
      ...{ kv, events, random, prices: world.scenario.prices, enqueueDeliveries: async () => undefined },
    }),
    enqueueDeliveries: event =>
      callPort(world, actor, 'hooks.enqueue', async () => void world.facts.enqueued.add(event.id)),
    audit: {
      // In the store of the entries, with its faults.
      record: event => callPort(world, actor, 'kv.audit', async () => void world.facts.audited.push(event)),
      sweep: async () => undefined,
    },
    shareOf: world.shareOf,
    content: floorContent,
    ...ownPlace,
    models: [SIM_CARD],
    random,
    sha256,
    subjects: testSubjects,
    checkWebhookUrl: () => undefined,
    owner: node.owner,
    ownerIsGone: owner => scenario.local && !world.slots.some(slot => slot.node?.owner === owner && slot.node.alive()),
    leaseSeconds: scenario.leaseSeconds,
    progressEveryMs: scenario.progressEveryMs,
    checkpointCadence: scenario.checkpointCadence,
    leases: own.leases,
    renderer: own.renderer,
    // The salt is one read in a worker's life: not a call of its jobs.
    receipts: receiptsFor({ kv: world.kv, ...ownPlace, random: n => new Uint8Array(n) }),
    marks: createMarks({ keys: quickKeys, kv: port('kv', world.kv), now: own.clock.now }),
    scratch: own.scratch,
    whyNotReady: own.whyNotReady,
    log: (level, message, fields) => {
      if (fields.code === 'internal')
        world.violate('no internal errors', `${actor.name}: ${message} ${JSON.stringify(fields)}`);
      world.history.note(actor.name, `log ${level}`, message, String(fields.jobId ?? ''), String(fields.code ?? ''));
    },
  };
  return world.mutation?.ports?.(ports, node, world) ?? ports;
}

/** Every function of a port as a call that may go wrong. */
function faulty<P extends object>(world: World, actor: Actor, name: string, backing: P): P {
  const wrapped: Record<string, unknown> = {};
  for (const [method, act] of Object.entries(backing)) {
    if (typeof act !== 'function') continue;
    const what = `${name}.${method}`;
    wrapped[method] = (...args: unknown[]) => callPort(world, actor, what, () => act(...args));
  }
  return wrapped as P;
}

/** Remembers what the actor was told, so that its decisions can be judged by what it knew. */
function watchedStore(actor: Actor, store: JobStore): JobStore {
  return {
    ...store,
    listQueueHeads: async (nowMs, limit) => {
      actor.heads = [];
      actor.running = undefined;
      actor.heads = await store.listQueueHeads(nowMs, limit);
      return actor.heads;
    },
    countRunning: async () => {
      actor.running = await store.countRunning();
      return actor.running;
    },
  };
}

function watchedQueue(actor: Actor, queue: JobQueue): JobQueue {
  return {
    ...queue,
    receive: async options => {
      actor.delivery = await queue.receive(options);
      return actor.delivery;
    },
  };
}

/** A body that breaks off in the middle now and then. */
function brittleBodies(world: World, actor: Actor, blobs: BlobStore): BlobStore {
  const broken = async function* (body: BlobBody): AsyncIterable<Uint8Array> {
    for await (const chunk of body.stream) {
      yield chunk.subarray(0, chunk.length >> 1);
      world.fault('body_broken', actor.name);
      throw new ReelayError('store_unavailable', 'The body broke off.');
    }
  };
  return {
    ...blobs,
    get: async (key, range) => {
      const body = await blobs.get(key, range);
      const breaks = body !== undefined && world.faultsOn && world.prng.chance(world.scenario.weather.refused);
      return breaks ? { ...body, stream: broken(body) } : body;
    },
  };
}
