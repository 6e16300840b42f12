/** Following a chain of records line by line. */
import { type Finding, type FindingKind, findingAt, momentOf, type Place } from './finding.ts';
import type { Line } from './ledger-text.ts';
import { type AuditRecord, hashOfLine, readRecord, type Sha256 } from './record.ts';
import type { AnchoredHead } from './statement.ts';

/** How far the chain was followed. */
export interface ChainEnd {
  readonly seq: number;
  /** undefined: what was there could not be read, and anything may follow it. */
  readonly hash: string | undefined;
  readonly ts: number;
}

/** An anchored record, and when that was. */
export interface AnchoredRecord extends AnchoredHead {
  readonly ts: number;
}

/** What a chain is followed with. */
export interface ChainCheck {
  readonly sha256: Sha256;
  /** By seq. */
  readonly anchored: ReadonlyMap<number, AnchoredRecord>;
  readonly report: (finding: Finding) => void;
}

/** Checks one line against the one before it; returns where the chain is then, and the record if it is one. */
export function followLine(
  { sha256, anchored, report }: ChainCheck,
  place: Place,
  before: ChainEnd,
  line: Line,
): { end: ChainEnd; record: AuditRecord | undefined } {
  const found = (kind: FindingKind, seq: number | null, what: string) => report(findingAt(place, kind, seq, what));
  const expected = before.seq + 1;
  const record = readRecord(line.text);
  if (record === undefined || !line.isWhole) {
    const what = line.isWhole ? 'is not a record' : 'is torn off: it has no line end';
    found('unreadable', expected, `the line where record ${expected} should be ${what}`);
    return { end: { seq: expected, hash: undefined, ts: before.ts }, record: undefined };
  }
  const { seq, ts, hash } = record;
  if (hashOfLine(sha256, line.text) !== hash)
    found('edited', seq, `record ${seq} was changed after it was written: its hash is that of something else`);
  if (seq > expected)
    found(
      'missing',
      seq,
      `${expected === seq - 1 ? `record ${expected} is` : `records ${expected} to ${seq - 1} are`} missing`,
    );
  else if (seq < expected)
    found('order', seq, `record ${seq} stands after record ${before.seq}: it was moved, repeated or put in`);
  else if (before.hash !== undefined && record.prevHash !== before.hash)
    found(
      'foreign',
      seq,
      `record ${seq} does not follow what stands before it: one of the two was replaced or comes from elsewhere`,
    );
  else if (ts < before.ts)
    found('order', seq, `record ${seq} says ${momentOf(ts)}, which is before the record before it`);
  const anchor = anchored.get(seq);
  if (anchor !== undefined && anchor.hash !== hash)
    found('foreign', seq, `record ${seq} is not the one that the anchor of ${momentOf(anchor.ts)} saw`);
  return { end: { seq, hash, ts }, record };
}
