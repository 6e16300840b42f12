/** What is wrong with a ledger, where, in a sentence. */

/** The kinds of damage that `verifyLedger` tells apart. */
export type FindingKind = 'unreadable' | 'edited' | 'missing' | 'order' | 'foreign' | 'checkpoint' | 'truncated';

/** One thing that is wrong. */
export interface Finding {
  readonly shard: string;
  /** null: in the records after the last closed segment. */
  readonly segment: number | null;
  /** The record where it shows; null where there is none. */
  readonly seq: number | null;
  readonly kind: FindingKind;
  readonly sentence: string;
}

/** Where a check is. */
export interface Place {
  readonly shard: string;
  readonly segment: number | null;
}

/** A finding, with the place at the head of its sentence. */
export function findingAt(place: Place, kind: FindingKind, seq: number | null, what: string): Finding {
  const where = place.segment === null ? 'open segment' : `segment ${place.segment}`;
  return { ...place, kind, seq, sentence: `${place.shard}, ${where}: ${what}.` };
}

/** A moment for people. */
export function momentOf(ms: number): string {
  return Number.isFinite(ms) && Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : String(ms);
}
