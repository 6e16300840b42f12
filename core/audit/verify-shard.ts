/** Following one shard from its genesis to its end. */
import { ReelayError } from '../errors.ts';
import { canonicalJson } from '../placement/canonical-json.ts';
import type { VerifySignature } from '../placement/check-receipt.ts';
import { type Finding, type FindingKind, findingAt, momentOf, type Place } from './finding.ts';
import type { LedgerReader, StoredSegment } from './ledger-reader.ts';
import { growMerkleTree } from './merkle.ts';
import { genesis } from './record.ts';
import { type Checkpoint, readStatement } from './statement.ts';
import { type AnchoredRecord, type ChainCheck, type ChainEnd, followLine } from './verify-records.ts';

/** What a shard is held against. */
export interface ShardEvidence extends ChainCheck {
  readonly installation: string;
  readonly verify: VerifySignature;
  /** Segments closed before it may have lost their records: their time is over. 0: none. */
  readonly keptSinceMs: number;
  /** Whether the last anchored record is the last: so it is in an export. */
  readonly endsAnchored: boolean;
}

/** What was seen of a shard. */
export interface ShardTally {
  readonly shard: string;
  readonly records: number;
  /** Closed ones, with or without their records. */
  readonly segments: number;
  /** Segments whose records went when their time was over. */
  readonly expired: number;
  /** The last record. */
  readonly lastSeq: number;
  /** Up to here a checkpoint or an anchor holds it: who has the stores can rewrite what comes later. */
  readonly heldSeq: number;
}

/** The chain, and what the next checkpoint must follow; undefined where the last one could not be read. */
interface At {
  end: ChainEnd;
  prevCheckpoint: string | undefined;
  records: number;
  expired: number;
}

/** Follows a shard; damage goes to `report`. Throws only what the reader throws. */
export async function verifyShard(reader: LedgerReader, shard: string, evidence: ShardEvidence): Promise<ShardTally> {
  const start = genesis(evidence.sha256, evidence.installation, shard);
  const at: At = { end: start, prevCheckpoint: start.hash, records: 0, expired: 0 };
  let segment = 1;
  let heldSeq = 0;
  for (; ; segment++) {
    const stored = await reader.segment(shard, segment);
    if (stored === undefined) break;
    await verifySegment({ shard, segment }, stored, at, evidence);
    heldSeq = at.end.seq;
  }
  const open = { shard, segment: null };
  for await (const line of reader.open(shard)) {
    at.end = followLine(evidence, open, at.end, line).end;
    at.records++;
  }
  const anchors = [...evidence.anchored.values()];
  for (const anchor of anchors) reportCut(evidence.report, open, anchor, at.end.seq);
  const anchoredSeq = anchors.reduce((most, { seq }) => Math.max(most, seq), 0);
  if (evidence.endsAnchored && at.end.seq > anchoredSeq)
    evidence.report(
      findingAt(
        open,
        'foreign',
        anchoredSeq + 1,
        `what follows record ${anchoredSeq}, the last one anchored, was put in`,
      ),
    );
  heldSeq = Math.max(anchoredSeq, heldSeq);
  const { records, expired } = at;
  return { shard, records, segments: segment - 1, expired, lastSeq: at.end.seq, heldSeq };
}

function reportCut(report: (finding: Finding) => void, open: Place, anchor: AnchoredRecord, lastSeq: number): void {
  if (anchor.seq <= lastSeq) return;
  const saw = `the anchor of ${momentOf(anchor.ts)} saw record ${anchor.seq}`;
  const what = `the ledger ends with record ${lastSeq}, and ${saw}: what was between is cut off`;
  report(findingAt(open, 'truncated', lastSeq + 1, what));
}

async function verifySegment(
  place: Place & { segment: number },
  stored: StoredSegment,
  at: At,
  evidence: ShardEvidence,
) {
  const found = (kind: FindingKind, what: string) =>
    evidence.report(findingAt(place, kind, kind === 'missing' ? at.end.seq + 1 : null, what));
  const before = at.end;
  const checkpoint = openCheckpoint(stored, evidence, found);
  const claims = checkpoint && claimsOf(place, checkpoint, before, at.prevCheckpoint, evidence.installation);
  for (const [holds, what] of claims ?? []) if (!holds) found('checkpoint', `its checkpoint ${what}`);
  at.prevCheckpoint = checkpoint && evidence.sha256(canonicalJson(checkpoint));

  if (stored.lines === undefined) {
    const isOver = checkpoint !== undefined && checkpoint.ts < evidence.keptSinceMs;
    if (!isOver) found('missing', 'its records are not there');
    at.expired += isOver ? 1 : 0;
    // What follows is followed from what the checkpoint says, or from anything.
    at.end = checkpoint
      ? { seq: checkpoint.lastSeq, hash: checkpoint.lastHash, ts: checkpoint.lastTs }
      : { ...before, hash: undefined };
    return;
  }
  const tree = growMerkleTree(evidence.sha256);
  for await (const line of stored.lines) {
    const { end, record } = followLine(evidence, place, at.end, line);
    at.end = end;
    at.records++;
    tree.add(record?.hash ?? '');
  }
  if (checkpoint === undefined) return;
  const { lastSeq, lastHash, lastTs, firstSeq, root } = checkpoint;
  if (at.end.seq !== lastSeq || at.end.hash !== lastHash || at.end.ts !== lastTs || tree.root() !== root)
    found(
      'checkpoint',
      `its records are not those that its checkpoint was signed for, ${firstSeq} to ${lastSeq} (the last one here is ${at.end.seq})`,
    );
}

function openCheckpoint(
  { checkpoint }: StoredSegment,
  { verify }: ShardEvidence,
  found: (kind: FindingKind, what: string) => void,
): Checkpoint | undefined {
  if (checkpoint === undefined) {
    found('checkpoint', 'its checkpoint is not there');
    return undefined;
  }
  try {
    return readStatement(verify, 'checkpoint', checkpoint);
  } catch (error) {
    if (!(error instanceof ReelayError)) throw error;
    found('checkpoint', error.message.replace(/\.$/, ''));
    return undefined;
  }
}

type Claim = readonly [holds: boolean, what: string];

function claimsOf(
  { shard, segment }: Place,
  checkpoint: Checkpoint,
  before: ChainEnd,
  prevCheckpoint: string | undefined,
  installation: string,
): readonly Claim[] {
  return [
    [checkpoint.installation === installation, 'is that of another installation'],
    [checkpoint.shard === shard, `is that of the shard ${checkpoint.shard}`],
    [checkpoint.segment === segment, `is that of segment ${checkpoint.segment}`],
    [checkpoint.firstSeq === before.seq + 1, `begins with record ${checkpoint.firstSeq}, not ${before.seq + 1}`],
    [before.hash === undefined || checkpoint.prevHash === before.hash, 'does not follow the records before it'],
    [
      prevCheckpoint === undefined || checkpoint.prevCheckpoint === prevCheckpoint,
      'does not follow the checkpoint before it',
    ],
  ];
}
