/** The ledger as it is read: by an auditor from an export, by the installation from its stores. */
import type { BlobStore } from '../ports.ts';
import { auditLimits } from './audit-limits.ts';
import { segmentFiles, segmentPrefix } from './close-segment.ts';
import { type Line, linesOf, readText } from './ledger-text.ts';
import { recordLine } from './record.ts';
import { type Head, type LedgerPorts, listHeads, readOpen } from './shard-head.ts';
import { type Anchor, signStatement } from './statement.ts';

/** Where a ledger is read from. It is not trusted: what is missing is left out, and nothing is checked. */
export interface LedgerReader {
  /** By name. */
  readonly shards: () => Promise<readonly string[]>;
  /** A closed segment, from 1 on; undefined after the last. */
  readonly segment: (shard: string, segment: number) => Promise<StoredSegment | undefined>;
  /** The records after the last closed segment. */
  readonly open: (shard: string) => AsyncIterable<Line>;
}

/** A segment's files; undefined for one that is not there. */
export interface StoredSegment {
  readonly checkpoint: string | undefined;
  readonly lines: AsyncIterable<Line> | undefined;
}

/** With the heads that it was read with. */
export interface StoredLedger extends LedgerReader {
  readonly heads: () => Promise<ReadonlyMap<string, Head>>;
}

/** The ledger in the installation's stores. Its heads are read once: what is written later is not seen. Throws `conflict` where that goes. */
export function readStoredLedger({ kv, blobs }: Pick<LedgerPorts, 'kv' | 'blobs'>): StoredLedger {
  let heads: Promise<ReadonlyMap<string, Head>> | undefined;
  const headOf = async (shard: string) => {
    heads ??= listHeads(kv);
    return (await heads).get(shard);
  };
  return {
    heads() {
      heads ??= listHeads(kv);
      return heads;
    },
    async shards() {
      heads ??= listHeads(kv);
      return [...(await heads).keys()];
    },
    async segment(shard, segment) {
      const head = await headOf(shard);
      if (head === undefined || segment >= head.segment.number) return undefined;
      return readSegment(blobs, segmentPrefix(shard, segment));
    },
    async *open(shard) {
      const head = await headOf(shard);
      if (head === undefined) return;
      for (const record of await readOpen(kv, shard, head)) yield { text: recordLine(record), isWhole: true };
    },
  };
}

/** The two files of a segment below a prefix. */
export async function readSegment(blobs: Pick<BlobStore, 'get'>, prefix: string): Promise<StoredSegment> {
  const records = await blobs.get(`${prefix}${segmentFiles.records}`);
  const checkpoint = await blobs.get(`${prefix}${segmentFiles.checkpoint}`);
  return {
    lines: records && linesOf(records.stream),
    // One that is too long is shown as an empty one, which no signature holds for.
    checkpoint: checkpoint && ((await readText(checkpoint.stream, auditLimits.statementBytes)) ?? ''),
  };
}

/** A signed anchor of all shards as they are now, in one line without its end. Whoever keeps it elsewhere sees later what was cut off. */
export async function makeAnchor(ports: LedgerPorts): Promise<string> {
  return anchorOfHeads(ports, await listHeads(ports.kv));
}

/** The same of heads that were read before. */
export function anchorOfHeads(
  { installation, now, signer }: Pick<LedgerPorts, 'installation' | 'now' | 'signer'>,
  read: ReadonlyMap<string, Head>,
): string {
  const heads = [...read].map(([shard, { end }]) => ({ shard, seq: end.seq, hash: end.hash }));
  const anchor: Anchor = { v: 1, installation, ts: now(), heads };
  return signStatement(signer, 'anchor', anchor);
}
