/** What was used: one row a day, key and model. Rows of settlements gather in the ledger, in the write that settles. */
import type { Micros } from './budget.ts';
import type { HoldRecord } from './hold-record.ts';
import { addMicros } from './micros.ts';

/** What the jobs that one key had made by one model, accepted on one day, come to. */
export interface UsageRow {
  readonly day: string;
  /** null: without a key. */
  readonly key: string | null;
  readonly model: string;
  /** Jobs completed, and those that ended otherwise and cost nothing. */
  readonly completed: number;
  readonly uncharged: number;
  /** Of the completed ones. */
  readonly outputMs: number;
  readonly gpuMs: number;
  readonly micros: Micros;
}

/** The row of one closed hold; undefined where no job was made of it. */
export function usageOf(hold: HoldRecord): UsageRow | undefined {
  const { closed, day, keyId: key, model } = hold;
  if (closed === null || closed.outcome === 'abandoned') return undefined;
  const isDone = closed.outcome === 'completed';
  const counts = isDone ? { completed: 1, uncharged: 0 } : { completed: 0, uncharged: 1 };
  const times = isDone ? { outputMs: hold.outputMs, gpuMs: closed.gpuMs } : { outputMs: 0, gpuMs: 0 };
  return { day, key, model, ...counts, ...times, micros: closed.micros };
}

/** The rows with one more, added to the one of its day, key and model. */
export function addUsage(rows: readonly UsageRow[], row: UsageRow): readonly UsageRow[] {
  const at = rows.findIndex(({ day, key, model }) => day === row.day && key === row.key && model === row.model);
  const there = rows[at];
  return there === undefined ? [...rows, row] : rows.with(at, { ...there, ...sumOf(there, row) });
}

/** The counts of two rows together. */
export function sumOf(a: UsageCounts, b: UsageCounts): UsageCounts {
  return {
    completed: a.completed + b.completed,
    uncharged: a.uncharged + b.uncharged,
    outputMs: a.outputMs + b.outputMs,
    gpuMs: a.gpuMs + b.gpuMs,
    micros: addMicros(a.micros, b.micros),
  };
}

/** A row without what it is of. */
export type UsageCounts = Omit<UsageRow, 'day' | 'key' | 'model'>;
