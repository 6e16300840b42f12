/**
 * Closing a segment, in five writes. Whoever repeats any of them writes the same bytes, because the head keeps what they are made of:
 *
 *     1  the head says that the segment is being closed, and when
 *     2  its records, as one file
 *     3  its signed checkpoint
 *     4  the head begins the next segment
 *     5  the batches go
 *
 * Died before 4: the next writer goes on from 2. Died in 5: the batches go with the next segment's. A key that was changed in between
 * signs the same checkpoint once more; the next one is tied to what it says and not to who signed it.
 */
import { canonicalJson } from '../placement/canonical-json.ts';
import { auditLimits } from './audit-limits.ts';
import { asciiBytes } from './ledger-text.ts';
import { growMerkleTree } from './merkle.ts';
import { type AuditRecord, recordLine } from './record.ts';
import { type Head, type LedgerPorts, moveHead, readOpen, removeBatches, type ShardState } from './shard-head.ts';
import { type Checkpoint, signStatement } from './statement.ts';

/** Where a segment's two files lie. Ends with a slash. */
export function segmentPrefix(shard: string, segment: number): string {
  return `audit/${shard}/${segmentName(segment)}/`;
}

/** The folder of a segment. */
export function segmentName(segment: number): string {
  return `segment=${String(segment).padStart(8, '0')}`;
}

/** The two files of a segment. */
export const segmentFiles = { records: 'records.jsonl', checkpoint: 'checkpoint.json' } as const;

/** Whether a segment is to be closed now: it is full, or old and not empty. */
export function isDue({ end, segment, closing }: Head, nowMs: number): boolean {
  const records = end.seq - segment.start.seq;
  if (closing !== null) return true;
  if (records === 0) return false;
  return (
    records >= auditLimits.segmentRecords ||
    segment.batches >= auditLimits.segmentBatches ||
    nowMs - segment.openedAtMs >= auditLimits.segmentMs
  );
}

/** Closes the open segment, or finishes what another writer began. Throws `lease_lost`, `store_unavailable`. */
export async function closeSegment(ports: LedgerPorts, shard: string, before: ShardState): Promise<ShardState> {
  const { kv, blobs, signer } = ports;
  const closing = before.head.closing ?? { ts: Math.max(ports.now(), before.head.end.ts) };
  const state = before.head.closing === null ? await moveHead(kv, shard, before, { ...before.head, closing }) : before;
  const { head } = state;
  const records = await readOpen(kv, shard, head);
  const checkpoint = checkpointOf(ports, shard, head, closing.ts, records);
  const prefix = segmentPrefix(shard, head.segment.number);
  const lines = records.map(record => `${recordLine(record)}\n`).join('');
  await blobs.put(`${prefix}${segmentFiles.records}`, asciiBytes(lines), { contentType: 'application/jsonl' });
  const signed = asciiBytes(signStatement(signer, 'checkpoint', checkpoint));
  await blobs.put(`${prefix}${segmentFiles.checkpoint}`, signed, { contentType: 'application/json' });
  const segment = {
    number: head.segment.number + 1,
    start: head.end,
    batches: 0,
    openedAtMs: ports.now(),
    prevCheckpoint: ports.sha256(canonicalJson(checkpoint)),
  };
  const next = await moveHead(kv, shard, state, { ...head, stored: head.end, tail: [], segment, closing: null });
  await removeBatches(kv, shard, head.end.seq);
  return next;
}

function checkpointOf(
  { sha256, installation }: LedgerPorts,
  shard: string,
  { end, segment }: Head,
  ts: number,
  records: readonly AuditRecord[],
): Checkpoint {
  const tree = growMerkleTree(sha256);
  for (const { hash } of records) tree.add(hash);
  return {
    v: 1,
    installation,
    shard,
    segment: segment.number,
    firstSeq: segment.start.seq + 1,
    lastSeq: end.seq,
    prevHash: segment.start.hash,
    lastHash: end.hash,
    lastTs: end.ts,
    root: tree.root(),
    prevCheckpoint: segment.prevCheckpoint,
    ts,
  };
}
