/**
 * The five ports. Everything outside the program is behind one of them; test/contracts holds one suite per port, and every
 * adapter passes it. An adapter translates: no policy, no retry beyond its SDK's, and it throws ReelayError only
 * (`store_unavailable` when the outside fails, with the `cause`).
 */
import type { Subject } from './audit/subject-key.ts';
import type { BusEvent } from './events.ts';
import type { Job, JobStatus } from './job.ts';
import type { JobBrief } from './jobs/brief.ts';

/**
 * JobQueue carries hints, at least once and in no order: "look at this job". The record is the truth; losing or repeating a
 * message loses or repeats nothing.
 *
 * A received message is hidden for the lease. `extend` hides it longer, counted from now; `release` shows it again after a delay;
 * `ack` removes it. A message neither extended nor acked shows again by itself. extend, release and ack with a receipt that is no
 * longer current (the message was shown again and received by another) throw `lease_lost` if the adapter can tell; they never
 * disturb the new holder.
 */
export interface JobQueue {
  /** Durable when it resolves. */
  send(message: QueueMessage, options?: { delaySeconds?: number }): Promise<void>;
  /** Waits up to `waitMs` for one message; undefined when none came or `signal` aborted. */
  receive(options: { leaseSeconds: number; waitMs: number; signal?: StopSignal }): Promise<Delivery | undefined>;
  extend(delivery: Delivery, seconds: number): Promise<void>;
  release(delivery: Delivery, delaySeconds: number): Promise<void>;
  ack(delivery: Delivery): Promise<void>;
  /** Messages waiting or delayed, not the leased ones; may be approximate. */
  depth(): Promise<number>;
  /** Up to `limit` messages that wait, without taking them; may miss some of them while others are received. */
  peek(limit: number): Promise<readonly QueueMessage[]>;
}

/** The part of the platform's AbortSignal that a port needs; core knows no platform. */
export interface StopSignal {
  readonly aborted: boolean;
  addEventListener(type: 'abort', listener: () => void, options?: { once?: boolean }): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

/** "Look at this job." Never content. */
export interface QueueMessage {
  readonly v: 1;
  readonly jobId: string;
  /** On the dead letter queue, which is a JobQueue of its own: the code that ended the job. */
  readonly reason?: string;
}

/** One receipt of a message. */
export interface Delivery {
  readonly message: QueueMessage;
  /** Opaque; names this delivery, not the message. */
  readonly receipt: string;
  /** 1 on the first delivery; may be inflated by releases. */
  readonly receiveCount: number;
}

/**
 * JobStore keeps the records. Its one write to an existing record is `transition`: it happens only if the record still has the
 * expected status and attempt (and version, where given), else nothing is written and undefined comes back. A read after a write
 * sees it.
 */
export interface JobStore {
  /** Durable when it resolves. Throws `conflict` if the id exists, or did and has left a tombstone. */
  create(job: Job): Promise<void>;
  /** undefined for an unknown id or another tenant's. A record marked deleted is returned: the caller decides. */
  get(id: string, tenant: string): Promise<Job | undefined>;
  /** The same without a tenant, for workers and sweepers, which serve all. */
  load(id: string): Promise<Job | undefined>;
  /** Jobs of one tenant in the order of `idOrder`, which is creation order; records marked deleted are left out. */
  list(tenant: string, query: JobQuery): Promise<JobPage>;
  /**
   * Applies `change` if (status, attempt[, version]) still hold; returns the new record (version + 1), or undefined. `id`, `tenant`,
   * `request` and `createdAtMs` never change. A job's outbox entries are part of its record and so of the same write.
   */
  transition(id: string, expected: Expected, change: JobChange): Promise<Job | undefined>;
  /** Takes entries off the record's outbox; entries already gone are fine. Does not touch anything else but `version`. */
  clearOutbox(id: string, entryIds: readonly string[]): Promise<void>;
  /** Records with an outbox entry whose dueAtMs is at or before `beforeMs`, oldest first. */
  listOutboxDue(beforeMs: number, limit: number): Promise<readonly Job[]>;
  /** Records in_progress, those whose lease ends first (by its owner's clock) first. */
  listRunning(limit: number): Promise<readonly Job[]>;
  /** Jobs in progress by tenant; tenants without one are left out. May be approximate. */
  countRunning(): Promise<ReadonlyMap<string, number>>;
  /** Of each tenant the queued job with the lowest `queueRank` among those with notBeforeMs <= nowMs; of at most `limit` tenants. */
  listQueueHeads(nowMs: number, limit: number): Promise<readonly Job[]>;
  /** Queued jobs by tenant, delayed ones too; tenants without one are left out. May be approximate. */
  countQueuedByTenant(): Promise<ReadonlyMap<string, number>>;
  /** Queued jobs of one tenant whose `queueRank` is below this one, never more than `atMost`. May be approximate. */
  countQueuedBefore(tenant: string, rank: string, atMost: number): Promise<number>;
  /** Queued records that were never started and whose deadlineAtMs is at or before `beforeMs`, oldest deadline first. */
  listDeadlinesMissed(beforeMs: number, limit: number): Promise<readonly Job[]>;
  /** Records that owe nothing and are marked deleted, or whose expiresAtMs is at or before `beforeMs`, oldest first. */
  listRemovable(beforeMs: number, limit: number): Promise<readonly Job[]>;
  /**
   * Replaces a record marked deleted by a tombstone in one write; others are left alone. A tombstone is no record, so no read, list or
   * count shows it; it keeps the id taken until `removeTombstone`.
   */
  remove(job: Pick<Job, 'id' | 'tenant'>, removedAtMs: number): Promise<void>;
  /** Tombstones of records removed at or before `beforeMs`, oldest first. */
  listTombstones(beforeMs: number, limit: number): Promise<readonly Tombstone[]>;
  /** Sets the id free again. An unknown id, and that of a record, are left alone. */
  removeTombstone(id: string): Promise<void>;
  /** Jobs of all tenants that are queued. May be approximate, and never more than `atMost`. */
  countQueued(atMost: number): Promise<number>;
  /**
   * What may be known of the jobs of all tenants without their content: queued ones by `queueRank`, running ones by the end of their
   * lease. May be a moment old; of more than `limit` queued ones some other than the first may be chosen.
   */
  listBriefs(status: JobBrief['status'], limit: number): Promise<readonly JobBrief[]>;
}

/** What is left of a removed record: enough to keep its id taken, and to find its bytes. */
export interface Tombstone {
  readonly id: string;
  readonly tenant: string;
  readonly removedAtMs: number;
}

/** What must still hold of a record for a write to happen. */
export interface Expected {
  readonly status: JobStatus;
  readonly attempt: number;
  readonly version?: number;
  /** The write fails if a cancel was requested: a job that someone cancelled can no longer be completed. */
  readonly notCancelled?: boolean;
}

/** The fields a transition may set; those left out stay. */
export type JobChange = Partial<Omit<Job, 'id' | 'tenant' | 'request' | 'createdAtMs' | 'version'>>;

/** A page of a tenant's jobs. */
export interface JobQuery {
  readonly limit: number;
  readonly order: 'asc' | 'desc';
  /** Only jobs after this id in the chosen order; the id itself need not exist any more. */
  readonly after?: string;
  readonly status?: JobStatus;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** Jobs in the order asked for. */
export interface JobPage {
  readonly jobs: readonly Job[];
  readonly hasMore: boolean;
}

/**
 * BlobStore keeps bytes under keys like `videos/tenant/id/attempt=1/video.mp4` (segments of letters, digits, `.`, `_`, `=`, `-`).
 * A put is atomic: a reader sees the old bytes, the new ones, or nothing.
 */
export interface BlobStore {
  /** Durable when it resolves. `sealFor`: whose data it is; a store that seals (adapters/sealed-blob-store.ts) seals it, others take no notice. */
  put(key: string, bytes: Uint8Array, options: { contentType: string; sealFor?: Subject }): Promise<StoredBlob>;
  head(key: string): Promise<StoredBlob | undefined>;
  /** `range` is inclusive and must lie inside the blob. undefined for an unknown key. */
  get(key: string, range?: { start: number; end: number }): Promise<BlobBody | undefined>;
  /** Removes every key below the prefix, which ends with a slash; nothing there is fine. */
  deletePrefix(prefix: string): Promise<void>;
  /** A link that serves the bytes without further credentials for so long, or undefined where the store has no such links. */
  presign(
    key: string,
    options: { expiresSeconds: number; filename: string; contentType: string },
  ): Promise<string | undefined>;
}

/** What the store knows of a blob without reading it. */
export interface StoredBlob {
  readonly bytes: number;
  readonly etag: string;
}

/** A blob, or the asked range of it, being read. */
export interface BlobBody extends StoredBlob {
  /** Of the requested range. */
  readonly stream: AsyncIterable<Uint8Array>;
}

/**
 * KeyValueStore keeps small facts beside the jobs: idempotency keys, what the drop folder has seen, webhook endpoints and deliveries.
 * An entry lives in a space `kind/owner` (`idempotency/acme`; letters, digits, `.`, `_`, `-` around one slash) under a name of up to
 * 512 characters of any kind. A read after a write sees it; the lists may lag a moment behind.
 */
export interface KeyValueStore {
  /** The entry, expired or not: the caller looks at `expiresAtMs`. */
  get(space: string, name: string): Promise<KeyValueEntry | undefined>;
  /** Writes an entry of version 1 if none is there; undefined when one is. Durable when it resolves. */
  create(entry: Omit<KeyValueEntry, 'version'>): Promise<KeyValueEntry | undefined>;
  /** Writes `entry` with version + 1 if the stored version is still `entry.version`; undefined when it is not. */
  replace(entry: KeyValueEntry): Promise<KeyValueEntry | undefined>;
  /** Writes whatever is there. */
  put(entry: Omit<KeyValueEntry, 'version'>): Promise<KeyValueEntry>;
  /** An unknown entry is fine. */
  remove(space: string, name: string): Promise<void>;
  /** Entries of one space in the order of their names' UTF-8 bytes. */
  list(space: string, query: { limit: number; after?: string }): Promise<readonly KeyValueEntry[]>;
  /** Entries of all spaces `kind/…` whose dueAtMs is at or before `beforeMs`, oldest first. */
  listDue(kind: string, beforeMs: number, limit: number): Promise<readonly KeyValueEntry[]>;
  /** Removes up to `limit` entries whose expiresAtMs is at or before `beforeMs`; returns how many. */
  removeExpired(beforeMs: number, limit: number): Promise<number>;
}

/** One small fact. */
export interface KeyValueEntry {
  readonly space: string;
  readonly name: string;
  /** JSON, at most 300,000 bytes. */
  readonly value: unknown;
  /** null: kept until removed. */
  readonly expiresAtMs: number | null;
  /** When `listDue` shows it; null: never. */
  readonly dueAtMs: number | null;
  readonly version: number;
}

/** EventBus takes an event at least once; durable when `publish` resolves. Consumers dedupe by event id. */
export interface EventBus {
  publish(event: BusEvent): Promise<void>;
}
