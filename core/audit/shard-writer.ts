/**
 * The one writer of a shard. Whoever opens a shard has it from then on: that raises the head's epoch by a conditional write, and every
 * write of the head is conditional on the one before it, so an earlier writer's next write fails and it writes never again.
 *
 * Entries that wait go together: into the head, or as a batch, its records first and then the head that leads to them. Died in between,
 * the batch never counted and nobody was told that it did.
 */
import { ReelayError } from '../errors.ts';
import { auditLimits } from './audit-limits.ts';
import { closeSegment, isDue } from './close-segment.ts';
import { type AuditEntry, type AuditRecord, checkEntry, type Link, nextRecord } from './record.ts';
import {
  createHead,
  firstHead,
  type LedgerPorts,
  lostShard,
  moveHead,
  putBatch,
  readHead,
  type ShardState,
  type WriterPorts,
} from './shard-head.ts';

/** Writes one shard, in the order in which it is told. */
export interface ShardWriter {
  /**
   * Durable when it resolves. Throws `lease_lost` if another writer has the shard: the entry is not in it. Throws `store_unavailable`: it
   * may be, so that telling it again may have it there twice. Throws `invalid_request` for what a ledger must not hold.
   */
  readonly append: (entry: AuditEntry) => Promise<AuditRecord>;
  /** Closes the segment if it is full or old; to be called every few minutes. Says whether it did. Throws as `append`. */
  readonly closeIfDue: () => Promise<boolean>;
  /** Closes the segment, however short it is; an empty one is left. */
  readonly close: () => Promise<boolean>;
}

interface Waiting {
  readonly entry: AuditEntry;
  readonly resolve: (record: AuditRecord) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Takes a shard (`[A-Za-z0-9._-]+`) over from whoever has it. `writer` names this process and no other one, ever: a write whose answer was
 * lost is known again by it, and two of one name could take the other's for their own.
 */
export async function openShard(ports: WriterPorts, shard: string, writer: string): Promise<ShardWriter> {
  const { kv } = ports;
  const taken = await takeOver(ports, shard, writer);
  const { epoch } = taken.head;
  const closer = closerOf(ports);
  /** undefined: a write failed, and what the store has is to be read. */
  let state: ShardState | undefined = taken;
  let lost: unknown;
  let waiting: Waiting[] = [];
  let turn: Promise<unknown> = Promise.resolve();

  async function current(): Promise<ShardState> {
    if (lost !== undefined) throw lost;
    state ??= await readHead(kv, shard);
    if (state?.head.epoch !== epoch) throw lostShard(shard);
    if (state.head.closing === null) return state;
    // Nobody may undo it: whoever began may still store the files.
    if (closer === undefined) throw lostShard(shard);
    state = await closeSegment(closer, shard, state);
    return state;
  }

  /** One after the other, and each on what the store has. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = turn.then(work).catch(error => {
      state = undefined;
      if (error instanceof ReelayError && error.code === 'lease_lost') lost = error;
      throw error;
    });
    turn = mine.catch(() => undefined);
    return mine;
  }

  async function writeWaiting(): Promise<void> {
    const batch = waiting.slice(0, auditLimits.batchRecords - auditLimits.tailRecords);
    waiting = waiting.slice(batch.length);
    if (batch.length === 0) return;
    try {
      let at = await current();
      if (closer !== undefined && isDue(at.head, ports.now())) at = state = await closeSegment(closer, shard, at);
      const records = chain(ports, at.head.end, batch);
      state = await writeRecords(ports, shard, at, records);
      for (const [n, { resolve }] of batch.entries()) resolve(records[n]!);
    } catch (error) {
      for (const { reject } of batch) reject(error);
      throw error;
    }
  }

  const closeWhen = (when: (at: ShardState) => boolean) =>
    inTurn(async () => {
      const at = await current();
      if (closer === undefined || !when(at)) return false;
      state = await closeSegment(closer, shard, at);
      return true;
    });

  return {
    append: async entry => {
      checkEntry(entry);
      if (waiting.length >= auditLimits.waitingRecords)
        throw new ReelayError('store_unavailable', `The audit shard ${shard} is ${waiting.length} records behind.`);
      return new Promise((resolve, reject) => {
        waiting.push({ entry, resolve, reject });
        // Each entry asks for a turn and the first one takes what waits: the others find nothing.
        inTurn(writeWaiting).catch(() => undefined);
      });
    },
    closeIfDue: () => closeWhen(({ head }) => isDue(head, ports.now())),
    close: () => closeWhen(({ head }) => head.end.seq > head.segment.start.seq),
  };
}

function closerOf(ports: WriterPorts): LedgerPorts | undefined {
  const { blobs, signer } = ports;
  return blobs === undefined || signer === undefined ? undefined : { ...ports, blobs, signer };
}

function chain({ sha256, now }: WriterPorts, end: Link, batch: readonly Waiting[]): readonly AuditRecord[] {
  const records: AuditRecord[] = [];
  let before = end;
  for (const { entry } of batch) {
    const record = nextRecord(sha256, before, entry, now());
    records.push(record);
    before = record;
  }
  return records;
}

async function writeRecords(
  { kv }: WriterPorts,
  shard: string,
  state: ShardState,
  records: readonly AuditRecord[],
): Promise<ShardState> {
  const { head } = state;
  const { seq, hash, ts } = records.at(-1)!;
  const end = { seq, hash, ts };
  const tail = [...head.tail, ...records];
  if (tail.length <= auditLimits.tailRecords) return moveHead(kv, shard, state, { ...head, end, tail });
  await putBatch(kv, shard, head.stored, tail);
  const segment = { ...head.segment, batches: head.segment.batches + 1 };
  return moveHead(kv, shard, state, { ...head, end, stored: end, tail: [], segment });
}

/** Others may take it at the same moment; the last one has it. */
async function takeOver(ports: WriterPorts, shard: string, writer: string): Promise<ShardState> {
  for (let n = 0; n < auditLimits.takeovers; n++) {
    const found = await readHead(ports.kv, shard);
    if (found === undefined) {
      const created = await createHead(ports.kv, shard, firstHead(ports, shard, writer));
      if (created !== undefined) return created;
      continue;
    }
    const head = { ...found.head, epoch: found.head.epoch + 1, writer };
    try {
      return await moveHead(ports.kv, shard, found, head);
    } catch (error) {
      if (!(error instanceof ReelayError) || error.code !== 'lease_lost') throw error;
    }
  }
  throw new ReelayError('store_unavailable', `Too many processes take the audit shard ${shard} at once.`);
}
