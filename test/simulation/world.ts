/** Everything there is in one simulated world, and who may tell what of it. The parts that act are in files of their own. */
import type { expectationHolds } from '#core/apply-change.ts';
import type { AuditEvent } from '#core/audit/audit-port.ts';
import type { Job, JobStatus } from '#core/job.ts';
import type { TenantShare } from '#core/jobs/fair-order.ts';
import type { SubmitPorts } from '#core/jobs/submit.ts';
import type { Delivery } from '#core/ports.ts';
import type { WorkerPorts } from '#gpu-container/worker/process-job.ts';
import type { History } from './history.ts';
import type { MemoryBlobStore } from './memory-blob-store.ts';
import type { MemoryEventBus } from './memory-event-bus.ts';
import type { MemoryJobQueue } from './memory-job-queue.ts';
import type { MemoryJobStore } from './memory-job-store.ts';
import type { MemoryKeyValueStore } from './memory-key-value-store.ts';
import type { Prng } from './prng.ts';
import type { Scenario, Wish } from './scenario.ts';
import type { VirtualTime } from './virtual-time.ts';

/** 2026-01-01: what a wall clock shows when the simulation starts. */
export const EPOCH_MS = Date.UTC(2026, 0, 1);

/** All that one node can reach. */
export type NodePorts = WorkerPorts & SubmitPorts;

/** A machine: its clock stays wrong when its processes come and go. */
export interface Slot {
  readonly name: string;
  readonly kind: 'worker' | 'api';
  skewMs: number;
  node: SimNode | undefined;
  /** Scaled away: nobody starts it again before then. */
  offUntilMs: number;
  diskFullUntilMs: number;
}

/** One life of a process on a machine. */
export interface SimNode {
  readonly slot: Slot;
  readonly owner: string;
  readonly ports: NodePorts;
  alive(): boolean;
  /** Stopped and not dead: what arrives waits. */
  stopped(): boolean;
  /** Runs what has arrived at this process: now, when it goes on, or never. */
  deliver(act: () => void): void;
  /** Runs what its machine does, which a stopped process does not stop; a suspended machine does. */
  onMachine(act: () => void): void;
  kill(why: string): void;
  /** Stops the process; with `machine` its clock too. */
  pause(ms: number, machine: boolean): void;
  resume(): void;
  /** SIGTERM. */
  drain(why: string): void;
  /** The render child dies. */
  killChild(): void;
  onDeath(act: () => void): void;
}

/** On whose behalf a call happens: a process does several things at once. */
export interface Actor {
  readonly name: string;
  readonly node: SimNode | undefined;
  readonly role: 'worker' | 'sweeper' | 'api' | 'client';
  /** What its latest looks at the queue told it. */
  heads: readonly Job[];
  running: ReadonlyMap<string, number> | undefined;
  /** The message that it received last. */
  delivery: Delivery | undefined;
}

/** A stretch of time in which ports do not answer. */
export interface Trouble {
  readonly ports: ReadonlySet<string>;
  /** undefined: for everyone. */
  readonly slot: Slot | undefined;
  readonly untilMs: number;
  /** Of the calls that fail, those whose effect happens all the same. */
  readonly lostShare: number;
}

/** What became of a wish, as its client knows it. */
export interface WishState {
  readonly wish: Wish;
  /** Ids that the client was told. */
  readonly acked: Set<string>;
  /** Ids of all jobs made for it. */
  readonly jobs: Set<string>;
  /** The server said no for good. */
  refused: string | undefined;
  /** Its client is still at it. */
  busy: boolean;
}

/** Alterations that break a promise on purpose, to see that the checks notice. */
export interface Mutation {
  readonly name: string;
  /** The rules of which at least one must notice. */
  readonly caughtBy: readonly string[];
  /** A world in which it shows sooner. */
  readonly scenario?: (drawn: Scenario) => Scenario;
  /** The first seed that is tried, where it shows in one of seventy: 1 unless set. A search with more SEEDS finds the next one. */
  readonly from?: number;
  readonly holds?: typeof expectationHolds;
  readonly ports?: (ports: NodePorts, node: SimNode, world: World) => NodePorts;
}

/** One fault at one call, counted over the calls of its kind of actor. */
export interface Strike {
  readonly role: Actor['role'];
  /** From 1. */
  readonly call: number;
  readonly how: 'refused' | 'lost' | 'killed_before' | 'killed_after';
}

/** A broken promise. */
export interface Violation {
  readonly rule: string;
  readonly message: string;
}

/** What all nodes share. */
export interface Stores {
  readonly store: MemoryJobStore;
  readonly queue: MemoryJobQueue;
  readonly deadLetters: MemoryJobQueue;
  readonly kv: MemoryKeyValueStore;
  readonly blobs: MemoryBlobStore;
  readonly events: MemoryEventBus;
}

/** One simulated world. */
export interface World extends Stores {
  readonly seed: number;
  readonly scenario: Scenario;
  readonly time: VirtualTime;
  readonly prng: Prng;
  readonly history: History;
  readonly slots: readonly Slot[];
  readonly wishes: ReadonlyMap<string, WishState>;
  readonly facts: Facts;
  readonly mutation: Mutation | undefined;
  readonly strike: Strike | undefined;
  /** Calls so far of the actors that the strike is for. */
  calls: number;
  readonly shareOf: (tenant: string) => TenantShare;
  readonly troubles: Trouble[];
  /** Whose call has its effect right now. */
  actor: Actor;
  faultsOn: boolean;
  /** Calls whose effect or answer is still to come. */
  underway: number;
  violation: Violation | undefined;
  readonly faults: Map<string, number>;
  /** Counts an injected fault and puts it into the history. */
  fault(kind: string, actor: string, ...details: (string | number)[]): void;
  violate(rule: string, message: string): void;
}

/** What the simulation knows and the product need not. */
export interface Facts {
  /** By `job/attempt`: errors that the renderer was made to give, and whether they may be retried. */
  readonly renderFailures: Map<string, { code: string; retryable: boolean }>;
  /** Steps done by job, in all attempts. */
  readonly stepsDone: Map<string, number>;
  /** The furthest step that any attempt did, by job. */
  readonly furthest: Map<string, number>;
  /** Steps that a resumed attempt had to do again, one number an attempt. */
  readonly redone: number[];
  /** Ids whose cancel was acknowledged while they were not completed. */
  readonly cancelAcked: Set<string>;
  readonly cancelAsked: Set<string>;
  readonly deleteAsked: Set<string>;
  readonly deleteAcked: Set<string>;
  /** When records were removed, by id. */
  readonly removed: Map<string, number>;
  /** Events whose webhook deliveries were made durable. */
  readonly enqueued: Set<string>;
  /** What the audit ledger was told. */
  readonly audited: AuditEvent[];
  /** By id: when each job was leased first, for waits. */
  readonly firstLeaseMs: Map<string, number>;
  readonly createdMs: Map<string, number>;
  readonly endedMs: Map<string, number>;
  /** How each job ended, and those that were accepted at a price, of nothing too. */
  readonly endedAs: Map<string, JobStatus>;
  readonly priced: Set<string>;
  /** When each blob was put last, by key. */
  readonly putMs: Map<string, number>;
  /** Blobs of workers that had lost their jobs, which arrived after the end. */
  lateBytes: number;
  /** Blobs that arrived when even the record of their job was gone. */
  orphans: number;
  /** Ids of jobs whose counted retries cannot be told apart: see `notingKv` in create-world.ts. */
  readonly overlapped: Set<string>;
  readonly committed: Set<string>;
  /** New job by the dead one. */
  readonly redriven: Map<string, string>;
  /** The furthest that any clock was ever ahead. */
  mostAheadMs: number;
  /** Jobs of a tenant that ran at once beyond its cap, at most. */
  overCap: number;
}
