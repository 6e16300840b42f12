/** What a conditional transition means, once for every store: does the expectation hold, and what is the record afterwards. */
import { ReelayError } from './errors.ts';
import { canBecome, type Job } from './job.ts';
import type { Expected, JobChange } from './ports.ts';

/** Whether a record is still what a writer believes it to be. */
export function expectationHolds(job: Job, expected: Expected): boolean {
  return (
    job.status === expected.status &&
    job.attempt === expected.attempt &&
    (expected.version === undefined || job.version === expected.version) &&
    (expected.notCancelled !== true || job.cancelRequestedAtMs === null)
  );
}

/**
 * Throws `internal`, not retryable, for a change of status that the transition table does not have: that is a bug of the caller
 * and not a lost race, so it is refused before any record is looked at. A change that names no status is always legal.
 */
export function checkChange(expected: Expected, change: JobChange): void {
  if (change.status === undefined || canBecome(expected.status, change.status)) return;
  throw new ReelayError('internal', `job: ${expected.status} cannot become ${change.status}.`, { retryable: false });
}

/**
 * The record after the change: version + 1, and id, tenant, request and createdAtMs as they were whatever the change holds. What is owed
 * to the audit ledger stays owed whatever else is: only `clearOutboxOf` takes it off.
 */
export function applyChange(job: Job, change: JobChange): Job {
  const { id, tenant, request, createdAtMs, version } = job;
  const outbox = change.outbox ?? job.outbox;
  const owed = job.outbox.filter(({ kind, id }) => kind === 'audit' && !outbox.some(entry => entry.id === id));
  return { ...job, ...change, id, tenant, request, createdAtMs, version: version + 1, outbox: [...outbox, ...owed] };
}

/** The record without these entries of its outbox; undefined where it has none of them. */
export function clearOutboxOf(job: Job, entryIds: readonly string[]): Job | undefined {
  const outbox = job.outbox.filter(entry => !entryIds.includes(entry.id));
  return outbox.length === job.outbox.length ? undefined : { ...job, outbox, version: job.version + 1 };
}
