/**
 * Whether a ledger is whole. An edit, a missing, moved, repeated or foreign record and a splice between shards show in the chain; a
 * segment that was rewritten from its first record to its last, in its checkpoint's signature; and an end that was cut off or rewritten
 * after the last checkpoint only in an anchor that was kept elsewhere.
 */
import type { VerifySignature } from '../placement/check-receipt.ts';
import { auditLimits } from './audit-limits.ts';
import { type Finding, findingAt } from './finding.ts';
import type { LedgerReader } from './ledger-reader.ts';
import type { Sha256 } from './record.ts';
import type { Anchor } from './statement.ts';
import type { AnchoredRecord } from './verify-records.ts';
import { type ShardTally, verifyShard } from './verify-shard.ts';

/** What a ledger is held against. */
export interface LedgerEvidence {
  readonly sha256: Sha256;
  readonly verify: VerifySignature;
  /** Whose ledger it should be. */
  readonly installation: string;
  /** Segments that were closed before this moment may have lost their records, because their time is over; 0 by default: none may. */
  readonly keptSinceMs?: number;
  /** Whether each shard must end where the last anchor says, as in an export; false by default: a ledger goes on. */
  readonly endsAnchored?: boolean;
}

/** What was found. */
export interface LedgerReport {
  readonly holds: boolean;
  readonly records: number;
  readonly shards: readonly ShardTally[];
  /** In the order of shards and records; of each shard the first auditLimits.findings. */
  readonly findings: readonly Finding[];
  /** The whole, for people. */
  readonly sentence: string;
}

/** Follows every shard, also those that only an anchor names. Damage is in the report; throws only what the reader throws. */
export async function verifyLedger(
  reader: LedgerReader,
  anchors: readonly Anchor[],
  evidence: LedgerEvidence,
): Promise<LedgerReport> {
  const findings: Finding[] = [];
  const tallies: ShardTally[] = [];
  const own = anchors.filter(({ installation }) => installation === evidence.installation);
  if (own.length < anchors.length)
    findings.push(findingAt({ shard: 'anchors', segment: null }, 'foreign', null, 'one is of another installation'));
  const anchored = anchoredRecords(own, findings);
  const names = new Set([...(await reader.shards()), ...anchored.keys()]);
  for (const shard of [...names].sort()) {
    let told = 0;
    const report = (finding: Finding) => {
      if (told++ < auditLimits.findings) findings.push(finding);
    };
    const records = anchored.get(shard) ?? new Map<number, AnchoredRecord>();
    tallies.push(
      await verifyShard(reader, shard, { keptSinceMs: 0, endsAnchored: false, ...evidence, anchored: records, report }),
    );
  }
  const records = tallies.reduce((sum, tally) => sum + tally.records, 0);
  const holds = findings.length === 0;
  return { holds, records, shards: tallies, findings, sentence: sentenceOf(tallies, records, findings) };
}

/** By shard and seq. Two anchors that contradict each other show that the installation has told two stories. */
function anchoredRecords(anchors: readonly Anchor[], findings: Finding[]): Map<string, Map<number, AnchoredRecord>> {
  const byShard = new Map<string, Map<number, AnchoredRecord>>();
  for (const { heads, ts } of anchors)
    for (const head of heads) {
      const records = byShard.get(head.shard) ?? new Map<number, AnchoredRecord>();
      byShard.set(head.shard, records);
      const other = records.get(head.seq);
      if (other !== undefined && other.hash !== head.hash) {
        const what = `two anchors name different records ${head.seq}: the ledger was forked`;
        findings.push(findingAt({ shard: head.shard, segment: null }, 'foreign', head.seq, what));
      }
      if (head.seq > 0) records.set(head.seq, { ...head, ts });
    }
  return byShard;
}

function sentenceOf(tallies: readonly ShardTally[], records: number, findings: readonly Finding[]): string {
  if (findings.length > 0)
    return `The ledger does not hold: ${findings.length} ${findings.length === 1 ? 'finding' : 'findings'}, the first: ${findings[0]!.sentence}`;
  const loose = tallies.reduce((sum, { lastSeq, heldSeq }) => sum + Math.max(0, lastSeq - heldSeq), 0);
  const all = `The ledger holds: ${records} records in ${tallies.length} shards.`;
  return loose === 0
    ? all
    : `${all} The last ${loose} are in no checkpoint and no anchor yet, so who has the stores could change them unseen.`;
}
