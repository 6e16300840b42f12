/** What waits for one tenant, in one write: the four steps that ledger.ts tells. */
import type { KeyValueEntry } from '../ports.ts';
import { accountLimits } from './account-limits.ts';
import { type Budgets, committed } from './budget.ts';
import { checkInstallation, noticeName, publishOwed } from './budget-events.ts';
import { flushUsage } from './flush-usage.ts';
import { type HoldRecord, later, rankOf, readHold, writeHold } from './hold-record.ts';
import { growSlices, type Want } from './installation.ts';
import { applyClose, applyHold, own, sumsOf, type TenantLedger, tenantAccount, tidy } from './ledger-entry.ts';
import { type LedgerPorts, pauseAfter, readLedger, tooBusy, writeLedger } from './ledger-store.ts';
import { dayOf, periodKinds, periodOf } from './periods.ts';
import { type Closing, finalMicros, isRefusal, type Quote } from './quote.ts';
import type { Refusal } from './refusal.ts';

/** What is asked to be held. */
export interface HoldRequest
  extends Pick<HoldRecord, 'jobId' | 'tenant' | 'keyId' | 'budgetKey' | 'model' | 'outputMs'> {
  readonly terms: Quote;
  readonly budgets: Budgets;
}

/** What an operation comes to; a RangeError for one that cannot be, which no other in its write has to suffer for. */
export type Result = HoldRecord | Refusal | RangeError | undefined;

/** A hold or a closing that waits for its answer: it has either a request or a closing. */
export interface Operation {
  readonly jobId: string;
  readonly request: HoldRequest | undefined;
  readonly closing: Closing | undefined;
  /** What a closing finds where nothing is held: the hold of nothing that a free job never had. */
  readonly opening?: HoldRecord | undefined;
  /** The only generation of the hold that is to be closed; undefined: whichever is open. */
  readonly generation?: number | undefined;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/** What waits for one tenant, and the ranks of holds whose records this process knows to be written. */
export interface Line {
  waiting: Operation[];
  isRunning: boolean;
  readonly written: Map<string, number>;
}

/** Applies what waits in one write of the ledger, and answers it: the four steps of ledger.ts. */
export async function applyBatch(
  ports: LedgerPorts,
  tenant: string,
  line: Line,
  batch: readonly Operation[],
): Promise<void> {
  for (let tries = 0; tries < accountLimits.ledgerTries; tries++) {
    const { entry, ledger: read } = await readLedger(ports, tenant);
    const records = await Promise.all(batch.map(({ jobId }) => readHold(ports.kv, tenant, jobId)));
    const nowMs = ports.now();
    const ledger = await tidied(ports, line, read, nowMs);
    const turns = batch.map((operation, at) => ({
      operation,
      record: records[at]?.hold,
      entry: records[at]?.entry ?? null,
    }));
    const wants = wantsOf(ledger, turns, nowMs);
    const budget = batch.find(({ request }) => request !== undefined)?.request?.budgets.installation;
    const grown =
      budget === undefined || wants.length === 0
        ? ledger.slices
        : await growSlices(ports, tenant, wants, budget, ledger.slices);
    if (grown === undefined) {
      await pauseAfter(ports, tries);
      continue;
    }
    const slices = { ...ledger.slices, ...grown };
    const after = applyAll({ ...ledger, slices }, turns, nowMs);
    const isNew = after.isChanged || Object.keys(slices).some(period => slices[period] !== own(ledger.slices, period));
    if (isNew && !(await writeLedger(ports, tenant, entry, after.ledger))) {
      await pauseAfter(ports, tries);
      continue;
    }
    // A marker that is gone from the ledger needs no remembering.
    for (const jobId of line.written.keys())
      if (isNew && own(after.ledger.moving, jobId) === undefined) line.written.delete(jobId);
    const answers = await Promise.all(turns.map((turn, at) => finish(ports, line, turn, after.results[at])));
    const notices = new Set(after.ledger.owed.filter(notice => !read.owed.includes(notice)).map(noticeName));
    await afterwards(ports, tenant, { ledger: after.ledger, notices }, batch, after.results);
    for (const answer of answers) answer();
    return;
  }
  throw tooBusy();
}

/** Without the markers that are known to be written; where dead processes left many, those are written first. */
async function tidied(ports: LedgerPorts, line: Line, read: TenantLedger, nowMs: number): Promise<TenantLedger> {
  const isWritten = (hold: HoldRecord) => (line.written.get(hold.jobId) ?? 0) >= rankOf(hold);
  const ledger = tidy(read, isWritten, nowMs);
  if (Object.keys(ledger.moving).length < accountLimits.maxMoving) return ledger;
  const left = Object.values(ledger.moving);
  await Promise.all(left.map(hold => writeHold(ports.kv, hold)));
  return tidy(ledger, () => true, nowMs);
}

interface Turn {
  readonly operation: Operation;
  readonly record: HoldRecord | undefined;
  /** The entry of the record; null where there is none. */
  readonly entry: KeyValueEntry | null;
}

/** What the batch would need of the installation's budget that the tenant's slices do not have. */
function wantsOf(ledger: TenantLedger, turns: readonly Turn[], nowMs: number): Want[] {
  const day = dayOf(nowMs);
  const periods = periodKinds.map(kind => ({ kind, period: periodOf(kind, day) }));
  const roomy = Object.fromEntries(periods.map(({ period }) => [period, accountLimits.maxMicros]));
  const after = applyAll({ ...ledger, slices: roomy }, turns, nowMs).ledger;
  return periods.flatMap(({ kind, period }) => {
    const micros = committed(sumsOf(after, period, tenantAccount));
    const isLimited = turns.some(({ operation }) => (operation.request?.budgets.installation[kind] ?? null) !== null);
    const used = committed(sumsOf(ledger, period, tenantAccount));
    return isLimited && micros > (own(ledger.slices, period) ?? 0) ? [{ kind, period, micros, used }] : [];
  });
}

function applyAll(ledger: TenantLedger, turns: readonly Turn[], nowMs: number) {
  let after = ledger;
  const results = turns.map(turn => {
    const { ledger: next, result } = applyOne(after, turn, nowMs);
    after = next;
    return result;
  });
  return { ledger: after, results, isChanged: after !== ledger };
}

function applyOne(
  ledger: TenantLedger,
  { operation: { jobId, request, closing, opening, generation: only }, record }: Turn,
  nowMs: number,
): { readonly ledger: TenantLedger; readonly result: Result } {
  const there = later(record, own(ledger.moving, jobId)) ?? opening;
  if (request !== undefined) {
    if (there?.closed === null && nowMs - there.heldAtMs >= accountLimits.holdRenewMs) {
      const renewed = { ...there, generation: there.generation + 1, heldAtMs: nowMs };
      return { ledger: { ...ledger, moving: { ...ledger.moving, [jobId]: renewed } }, result: renewed };
    }
    if (there !== undefined && there.closed?.outcome !== 'abandoned') return { ledger, result: there };
    const { budgets, ...asked } = request;
    const generation = (there?.generation ?? 0) + 1;
    const hold: HoldRecord = { v: 1, ...asked, day: dayOf(nowMs), heldAtMs: nowMs, generation, closed: null };
    const applied = applyHold(ledger, hold, budgets, nowMs);
    return { ledger: applied.ledger, result: 'refused' in applied ? applied.refused : hold };
  }
  if (there === undefined || there.closed !== null || closing === undefined) return { ledger, result: there };
  if (only !== undefined && only !== there.generation) return { ledger, result: there };
  // What is counted as free costs nothing, whatever another process with another price list has held for it.
  const micros = opening === undefined ? finalMicros(there.terms, closing) : 0;
  const closed = { ...closing, micros, atMs: nowMs };
  try {
    return { ledger: applyClose(ledger, { ...there, closed }), result: { ...there, closed } };
  } catch (error) {
    // A ledger without what the hold says, as an old backup leaves it.
    if (error instanceof RangeError) return { ledger, result: error };
    throw error;
  }
}

/** Writes the hold of an operation where it belongs; returns what then answers it. */
async function finish(
  ports: LedgerPorts,
  line: Line,
  { operation, record, entry }: Turn,
  result: Result,
): Promise<() => void> {
  if (result instanceof RangeError) return () => operation.reject(result);
  try {
    if (result !== undefined && !isRefusal(result) && rankOf(result) > rankOf(record)) {
      await writeHold(ports.kv, result, entry);
      line.written.set(result.jobId, rankOf(result));
    }
    return () => operation.resolve(result);
  } catch (error) {
    return () => operation.reject(error); // the marker stays: the same call, or the sweep, goes on from there
  }
}

/**
 * What no answer depends on; the sweep does it where it fails. It comes before the answers all the same: what a function does after them
 * may be stopped at any moment, for as long as nobody calls it.
 */
async function afterwards(
  ports: LedgerPorts,
  tenant: string,
  { ledger, notices }: { readonly ledger: TenantLedger; readonly notices: ReadonlySet<string> },
  batch: readonly Operation[],
  results: readonly Result[],
): Promise<void> {
  try {
    if (notices.size > 0) await publishOwed(ports, tenant, notice => notices.has(noticeName(notice)));
    if (ledger.usage.rows.length >= accountLimits.maxUsageRows) await flushUsage(ports, tenant);
    for (const [at, result] of results.entries()) {
      const budget = batch[at]?.request?.budgets.installation;
      if (result === undefined || budget === undefined || !isRefusal(result)) continue;
      if (result.budget?.scope === 'installation') await checkInstallation(ports, budget, result.budget.kind);
    }
  } catch {
    // Owed in the entries themselves.
  }
}
