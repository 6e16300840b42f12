/**
 * A ledger as files that a stranger verifies with the format alone (docs/audit.md):
 *
 *     ledger.json      whose it is, its shards, their segments
 *     keys.json        public keys (a JWK Set)
 *     anchor.json      how far each shard was, signed
 *     SHARD/segment=00000001/records.jsonl, checkpoint.json
 *     SHARD/open.jsonl
 *
 * The checksums of all files come last, as `sha256sum` writes and checks them.
 */
import { canonicalJson } from '../placement/canonical-json.ts';
import { segmentFiles, segmentName } from './close-segment.ts';
import { anchorOfHeads, type LedgerReader, type StoredLedger } from './ledger-reader.ts';
import type { Line } from './ledger-text.ts';
import type { LedgerPorts } from './shard-head.ts';

/** One file of an export, to be written as it comes. */
export interface ExportFile {
  /** Below the export's folder. */
  readonly path: string;
  readonly text: AsyncIterable<string> | string;
}

/** What an export says of itself. */
export interface ExportIndex {
  readonly v: 1;
  readonly format: 'reelay-audit-export';
  readonly installation: string;
  readonly shards: readonly { readonly shard: string; readonly segments: number }[];
}

/** The names that are the same in every export. */
export const exportFiles = {
  index: 'ledger.json',
  keys: 'keys.json',
  anchor: 'anchor.json',
  open: 'open.jsonl',
  sums: 'SHA256SUMS',
} as const;

/**
 * The files of an export, one after the other, but for the checksums. What is damaged is exported as it is: who reads it shall see it.
 * `keys`: the text of the file of public keys. Throws `conflict` where the ledger was written too fast to be read; the same call then may not.
 */
export async function* exportLedger(
  ledger: StoredLedger,
  ports: Pick<LedgerPorts, 'installation' | 'now' | 'signer'>,
  keys: string,
): AsyncGenerator<ExportFile> {
  const heads = await ledger.heads();
  const shards: { shard: string; segments: number }[] = [];
  for (const shard of heads.keys()) {
    // First, because a segment that is closed meanwhile takes it away.
    yield { path: `${shard}/${exportFiles.open}`, text: textOf(ledger.open(shard)) };
    const segments = yield* exportSegments(ledger, shard);
    shards.push({ shard, segments });
  }
  const index: ExportIndex = { v: 1, format: 'reelay-audit-export', installation: ports.installation, shards };
  yield { path: exportFiles.index, text: `${canonicalJson(index)}\n` };
  yield { path: exportFiles.keys, text: keys };
  yield { path: exportFiles.anchor, text: anchorOfHeads(ports, heads) };
}

async function* exportSegments(ledger: LedgerReader, shard: string): AsyncGenerator<ExportFile, number> {
  for (let segment = 1; ; segment++) {
    const stored = await ledger.segment(shard, segment);
    if (stored === undefined) return segment - 1;
    const { lines, checkpoint } = stored;
    const folder = `${shard}/${segmentName(segment)}`;
    if (lines !== undefined) yield { path: `${folder}/${segmentFiles.records}`, text: textOf(lines) };
    if (checkpoint !== undefined) yield { path: `${folder}/${segmentFiles.checkpoint}`, text: checkpoint };
  }
}

async function* textOf(lines: AsyncIterable<Line>): AsyncGenerator<string> {
  for await (const { text, isWhole } of lines) yield isWhole ? `${text}\n` : text;
}
