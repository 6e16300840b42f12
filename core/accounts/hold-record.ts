/**
 * A hold: the money that is set aside for one job, in an entry of its own that says how far it is. Its rank only grows:
 *
 *     (none) -> held, generation 1 -> closed -> (only if it was abandoned) held, generation 2 -> closed …
 *                                  -> (asked for again, when it is old) held, generation 2 -> closed …
 *
 * What a hold has become is decided by a write of its tenant's ledger, which carries the record as a marker until the record is written
 * here too (ledger.ts says why no replay can count twice).
 */
import type { KeyValueEntry, KeyValueStore } from '../ports.ts';
import { accountLimits } from './account-limits.ts';
import type { Micros } from './budget.ts';
import type { Closing, Quote } from './quote.ts';

/** The money of one job. */
export interface HoldRecord {
  readonly v: 1;
  readonly jobId: string;
  readonly tenant: string;
  /** The key that asked; null in embedded mode without keys. */
  readonly keyId: string | null;
  /** Under which the key's budget is counted: the first key of its rotation. */
  readonly budgetKey: string | null;
  readonly model: string;
  /** The UTC day of acceptance: sums and usage of the job belong to it and to its month. */
  readonly day: string;
  readonly heldAtMs: number;
  readonly terms: Quote;
  /** Of video, in milliseconds. */
  readonly outputMs: number;
  /** Grows when money is held again for a job of which nothing had come, or is about to be taken for one. */
  readonly generation: number;
  /** null while the job is not over. */
  readonly closed: Closed | null;
}

/** How a hold ended. */
export interface Closed extends Closing {
  readonly micros: Micros;
  readonly atMs: number;
}

/** Says which of two states of a hold is the later one. */
export function rankOf(hold: HoldRecord | undefined): number {
  return hold === undefined ? 0 : hold.generation * 2 + (hold.closed === null ? 0 : 1);
}

/** The later one. */
export function later(a: HoldRecord | undefined, b: HoldRecord | undefined): HoldRecord | undefined {
  return rankOf(b) > rankOf(a) ? b : a;
}

/** The space of a tenant's holds; the names are the ids of their jobs. */
export function holdSpace(tenant: string): string {
  return `holds/${tenant}`;
}

/** What is written of a job's hold, and the entry to hand to `writeHold`. */
export async function readHold(
  kv: KeyValueStore,
  tenant: string,
  jobId: string,
): Promise<{ readonly entry: KeyValueEntry; readonly hold: HoldRecord } | undefined> {
  const entry = await kv.get(holdSpace(tenant), jobId);
  return entry === undefined ? undefined : { entry, hold: entry.value as HoldRecord };
}

/** Writes a hold unless a state as late is there. Again is fine. `before`: what was read a moment ago, null for nothing; spares a read. */
export async function writeHold(kv: KeyValueStore, hold: HoldRecord, before?: KeyValueEntry | null): Promise<void> {
  const entry = entryOf(hold);
  if (before === null && (await kv.create(entry)) !== undefined) return;
  if (before && (await kv.replace({ ...entry, version: before.version })) !== undefined) return;
  for (;;) {
    const there = await kv.get(entry.space, entry.name);
    if (there !== undefined && rankOf(there.value as HoldRecord) >= rankOf(hold)) return;
    const { version } = there ?? { version: 0 };
    const written = there === undefined ? kv.create(entry) : kv.replace({ ...entry, version });
    if ((await written) !== undefined) return; // else another one wrote; each of those raised the rank
  }
}

function entryOf(hold: HoldRecord): Omit<KeyValueEntry, 'version'> {
  const { closed } = hold;
  return {
    space: holdSpace(hold.tenant),
    name: hold.jobId,
    value: hold,
    expiresAtMs: closed === null ? null : closed.atMs + accountLimits.closedHoldDays * 86_400_000,
    dueAtMs: closed === null ? hold.heldAtMs + accountLimits.holdGraceMs : null,
  };
}
