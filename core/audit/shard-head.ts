/**
 * A shard's open end, in the key-value store: its head, and a batch for each write since the last segment was closed.
 *
 *     audit-head/installation   name: the shard      how far it is and who may write, with its last few records
 *     audit-batch/SHARD         name: of its last record, so that two different batches never have the same one
 *
 * What counts is what the head holds and leads to, batch by batch backwards; any other batch was never acknowledged and is passed over.
 * A record that comes alone is thus one write; what the head has no more room for becomes a batch.
 */
import { ReelayError } from '../errors.ts';
import { canonicalJson } from '../placement/canonical-json.ts';
import type { BlobStore, KeyValueEntry, KeyValueStore } from '../ports.ts';
import { auditLimits } from './audit-limits.ts';
import { type AuditRecord, genesis, type Link, type Sha256 } from './record.ts';
import type { StatementSigner } from './statement.ts';

/** What the ledger needs from outside. */
export interface LedgerPorts {
  readonly kv: KeyValueStore;
  /** Where closed segments go: with Object Lock on AWS. */
  readonly blobs: BlobStore;
  readonly sha256: Sha256;
  readonly signer: StatementSigner;
  /** Unix ms. */
  readonly now: () => number;
  /** The installation's own random id: `[0-9a-f]+`. */
  readonly installation: string;
}

/**
 * What writing a shard needs. A process that faces the world may go without the signing key and without the blob store: it never closes a
 * segment then, and whoever has them does.
 */
export interface WriterPorts
  extends Omit<LedgerPorts, 'blobs' | 'signer'>,
    Partial<Pick<LedgerPorts, 'blobs' | 'signer'>> {}

/** The open end of a shard. */
export interface Head {
  readonly v: 1;
  /** Grows by one with each writer; the writes of an earlier one fail. */
  readonly epoch: number;
  readonly writer: string;
  readonly end: Link;
  /** The end of the last batch: from there on the records are in `tail`. */
  readonly stored: Link;
  /** Up to auditLimits.tailRecords. */
  readonly tail: readonly AuditRecord[];
  readonly segment: OpenSegment;
  /** Set: the segment is being closed with this time, so that everyone who finishes it writes the same bytes. */
  readonly closing: { readonly ts: number } | null;
}

/** The segment that still grows. */
export interface OpenSegment {
  /** 1 for the first. */
  readonly number: number;
  /** What its first record follows. */
  readonly start: Link;
  readonly batches: number;
  readonly openedAtMs: number;
  /** SHA-256 of the canonical text of the checkpoint before; the shard's genesis for the first. */
  readonly prevCheckpoint: string;
}

/** A head as it was read or written. */
export interface ShardState {
  readonly head: Head;
  readonly version: number;
}

const HEADS = 'audit-head/installation';

interface Batch {
  readonly v: 1;
  readonly before: Link;
  readonly records: readonly AuditRecord[];
}

/** The head of a shard; undefined where nobody has ever written. */
export async function readHead(kv: KeyValueStore, shard: string): Promise<ShardState | undefined> {
  const entry = await kv.get(HEADS, shard);
  return entry && stateOf(entry);
}

/** All shards with their heads, by name. */
export async function listHeads(kv: KeyValueStore): Promise<ReadonlyMap<string, Head>> {
  const heads = new Map<string, Head>();
  for await (const { name, value } of entriesOf(kv, HEADS)) heads.set(name, value as Head);
  return heads;
}

/** The head of a shard that nobody has written to, of the first writer. */
export function firstHead(ports: WriterPorts, shard: string, writer: string): Head {
  const start = genesis(ports.sha256, ports.installation, shard);
  const segment = { number: 1, start, batches: 0, openedAtMs: ports.now(), prevCheckpoint: start.hash };
  return { v: 1, epoch: 1, writer, end: start, stored: start, tail: [], segment, closing: null };
}

/** Writes a head where there is none; undefined when there is one. */
export async function createHead(kv: KeyValueStore, shard: string, head: Head): Promise<ShardState | undefined> {
  const entry = await kv.create({ space: HEADS, name: shard, value: head, expiresAtMs: null, dueAtMs: null });
  return entry && stateOf(entry);
}

/**
 * Writes `head` if the stored one is still that of `state`. Throws `lease_lost` if another writer has the shard. A write whose answer was
 * lost, and which the store then refuses as its own repetition, is found by reading.
 */
export async function moveHead(kv: KeyValueStore, shard: string, state: ShardState, head: Head): Promise<ShardState> {
  const entry = { space: HEADS, name: shard, value: head, expiresAtMs: null, dueAtMs: null, version: state.version };
  let failure: unknown;
  try {
    const written = await kv.replace(entry);
    if (written !== undefined) return stateOf(written);
  } catch (error) {
    failure = error;
  }
  const there = await readHead(kv, shard).catch(error => {
    throw failure ?? error;
  });
  if (there !== undefined && canonicalJson(there.head) === canonicalJson(head)) return there;
  if (failure !== undefined && there?.head.epoch === state.head.epoch) throw failure;
  throw lostShard(shard);
}

/** What a writer is told whose shard another one has. */
export function lostShard(shard: string): ReelayError {
  return new ReelayError('lease_lost', `Another process writes the audit shard ${shard} now.`);
}

/** Stores the records that follow `before`. They count once the head says so. */
export async function putBatch(
  kv: KeyValueStore,
  shard: string,
  before: Link,
  records: readonly AuditRecord[],
): Promise<void> {
  const value: Batch = { v: 1, before, records };
  const space = batchSpace(shard);
  await kv.put({ space, name: batchName(records.at(-1)!), value, expiresAtMs: null, dueAtMs: null });
}

/** The records of the open segment, the oldest first. Throws `conflict` where the segment was closed meanwhile. */
export async function readOpen(kv: KeyValueStore, shard: string, head: Head): Promise<readonly AuditRecord[]> {
  const space = batchSpace(shard);
  const listed = new Map<string, unknown>();
  if (head.stored.seq > head.segment.start.seq)
    for await (const { name, value } of entriesOf(kv, space)) listed.set(name, value);
  const batches: (readonly AuditRecord[])[] = [];
  for (let end = head.stored; end.seq > head.segment.start.seq; ) {
    const name = batchName(end);
    // A list may lag behind.
    const batch = (listed.get(name) ?? (await kv.get(space, name))?.value) as Batch | undefined;
    if (batch === undefined || !(batch.before.seq < end.seq)) throw await missingBatch(kv, shard, head, end.seq);
    batches.push(batch.records);
    end = batch.before;
  }
  return [...batches.reverse().flat(), ...head.tail];
}

async function missingBatch(kv: KeyValueStore, shard: string, head: Head, seq: number): Promise<ReelayError> {
  const now = await readHead(kv, shard);
  if (now !== undefined && now.head.segment.number > head.segment.number)
    return new ReelayError('conflict', `The audit shard ${shard} was written while it was read; read it again.`);
  return new ReelayError(
    'internal',
    `The audit shard ${shard} has lost its records up to ${seq}: the batch that ends there is not in the key-value store.`,
    { retryable: false },
  );
}

/** Removes the batches of closed segments, those that never counted among them. */
export async function removeBatches(kv: KeyValueStore, shard: string, lastSeq: number): Promise<void> {
  const space = batchSpace(shard);
  for await (const { name } of entriesOf(kv, space)) {
    if (Number(name.slice(0, SEQ_DIGITS)) > lastSeq) return;
    await kv.remove(space, name);
  }
}

/** As many as the largest safe integer has. */
const SEQ_DIGITS = 16;

function batchName({ seq, hash }: Pick<Link, 'seq' | 'hash'>): string {
  return `${String(seq).padStart(SEQ_DIGITS, '0')}-${hash}`;
}

function batchSpace(shard: string): string {
  return `audit-batch/${shard}`;
}

function stateOf({ value, version }: KeyValueEntry): ShardState {
  return { head: value as Head, version };
}

async function* entriesOf(kv: KeyValueStore, space: string): AsyncGenerator<KeyValueEntry> {
  for (let after: string | undefined; ; ) {
    const page = await kv.list(space, { limit: auditLimits.listPage, ...(after === undefined ? {} : { after }) });
    yield* page;
    if (page.length < auditLimits.listPage) return;
    after = page.at(-1)!.name;
  }
}
