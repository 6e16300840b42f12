/**
 * The ledger: holds money when a job is accepted, settles or gives it back when it is over. A job is charged at most once and its hold is
 * never lost, whatever is repeated and wherever a process dies:
 *
 *     1  read the tenant's ledger, then the job's hold; the later state of the two (marker or record) is the truth
 *     2  write the ledger at the version read: sums of all budgets, and the hold's new state as a marker
 *     3  write the hold's record
 *     4  with a later write of the ledger, drop the marker
 *
 * Died before 2: nothing happened. Between 2 and 3: the sweep writes the record from the marker. A replay finds the marker in 1, or, if
 * that was dropped, the record, which was written before and is read after the ledger; and if the marker was dropped in between, its write
 * of the ledger fails. So a state is counted once.
 *
 * Operations that wait in one process for one tenant go in one write.
 */
import { accountLimits } from './account-limits.ts';
import type { HoldRecord } from './hold-record.ts';
import { applyBatch, type HoldRequest, type Line, type Operation, type Result } from './ledger-batch.ts';
import { type LedgerPorts, rememberDry } from './ledger-store.ts';
import type { Closing } from './quote.ts';
import type { Refusal } from './refusal.ts';

/** Holds and closes. Both may be repeated at any time, by anyone. */
export interface Ledger {
  /**
   * Holds what a job may cost in all its budgets, or in none: then the refusal says which one it does not fit into. The hold that is
   * there already is returned as it is. Throws `store_unavailable`; the same call then finds what was held.
   */
  readonly hold: (request: HoldRequest) => Promise<HoldRecord | Refusal>;
  /**
   * Settles a job that is over, or gives back what it held; undefined where nothing is held for it. With `generation` only that one is
   * closed: a hold that was renewed since is left open. Throws `store_unavailable`.
   */
  readonly close: (
    tenant: string,
    jobId: string,
    closing: Closing,
    generation?: number,
  ) => Promise<HoldRecord | undefined>;
  /** Counts a job that is over and for which nothing had to be held: `hold` is what its hold would have been. Once, as `close`. */
  readonly meter: (hold: HoldRecord, closing: Closing) => Promise<HoldRecord | undefined>;
}

/** The ledger of this process. One a process: what waits in two of them cannot go in one write. */
export function createLedger(outside: Omit<LedgerPorts, 'dry'>): Ledger {
  const ports: LedgerPorts = { ...outside, dry: rememberDry() };
  const lines = new Map<string, Line>();

  function enqueue(
    tenant: string,
    operation: Pick<Operation, 'jobId' | 'request' | 'closing' | 'opening' | 'generation'>,
  ): Promise<Result> {
    return new Promise((resolve, reject) => {
      const line: Line = lines.get(tenant) ?? { waiting: [], isRunning: false, written: new Map() };
      lines.set(tenant, line);
      line.waiting.push({ ...operation, resolve, reject });
      if (!line.isRunning) void run(tenant, line);
    });
  }

  async function run(tenant: string, line: Line): Promise<void> {
    line.isRunning = true;
    while (line.waiting.length > 0) {
      const batch = takeBatch(line);
      await applyBatch(ports, tenant, line, batch).catch((error: unknown) => {
        for (const { reject } of batch) reject(error); // no effect on those that were resolved
      });
    }
    line.isRunning = false;
    for (const [name, idle] of lines) {
      if (lines.size <= accountLimits.rememberedKeys) break;
      if (!idle.isRunning) lines.delete(name);
    }
  }

  return {
    hold: async request => {
      const { tenant, jobId } = request;
      return (await enqueue(tenant, { jobId, request, closing: undefined })) as HoldRecord | Refusal;
    },
    close: async (tenant, jobId, closing, generation) =>
      (await enqueue(tenant, { jobId, request: undefined, closing, generation })) as HoldRecord | undefined,
    meter: async (hold, closing) => {
      if (hold.terms.held !== 0) throw new RangeError('what costs something is held before it is made');
      const { tenant, jobId } = hold;
      const operation = { jobId, request: undefined, closing, opening: hold };
      return (await enqueue(tenant, operation)) as HoldRecord | undefined;
    },
  };
}

/** The first of what waits, a job once: a second operation on it needs to see what the first one did. */
function takeBatch(line: Line): Operation[] {
  const batch = new Map<string, Operation>();
  const rest: Operation[] = [];
  for (const operation of line.waiting) {
    if (batch.size < accountLimits.ledgerBatch && !batch.has(operation.jobId)) batch.set(operation.jobId, operation);
    else rest.push(operation);
  }
  line.waiting = rest;
  return [...batch.values()];
}
