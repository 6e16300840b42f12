/** What the stores index of a record, once for both families, so that SQLite and DynamoDB answer the same question alike. */
import { isInReview, type Job, queueRank } from '#core/job.ts';
import type { JobQuery } from '#core/ports.ts';

/** When the record's oldest outbox entry is due; null with an empty outbox. */
export function outboxDueAtMs(job: Job): number | null {
  return job.outbox.length === 0 ? null : Math.min(...job.outbox.map(entry => entry.dueAtMs));
}

/** When the lease of a running job ends, 0 when nobody holds it; null for every other job, whatever lease its record still shows. */
export function leaseExpiresAtMs(job: Job): number | null {
  return job.status === 'in_progress' ? (job.lease?.expiresAtMs ?? 0) : null;
}

/** Where a queued job stands among its tenant's; null for every other job, which stands nowhere, and for one that waits for a person. */
export function queuedRank(job: Job): string | null {
  return job.status === 'queued' && !isInReview(job) ? queueRank(job) : null;
}

/** By when a queued job must be leased; null for a job without a deadline and for one that was leased in time. */
export function queuedDeadlineAtMs(job: Job): number | null {
  return job.status === 'queued' && job.startedAtMs === null ? job.deadlineAtMs : null;
}

/** Since when the sweeper may remove the record: a delete counts at once, an expiry when its time has come. */
export function removableAtMs(job: Job): number | null {
  return job.deletedAtMs ?? job.expiresAtMs;
}

/** Whether that moment has come. */
export function isRemovable(job: Job, beforeMs: number): boolean {
  return job.deletedAtMs !== null || (job.expiresAtMs !== null && job.expiresAtMs <= beforeMs);
}

/** The filters of a list; those that are not given let everything pass. */
export function matchesFilters(job: Job, query: Pick<JobQuery, 'status' | 'metadata'>): boolean {
  if (job.deletedAtMs !== null) return false;
  if (query.status !== undefined && job.status !== query.status) return false;
  const { metadata } = job.request;
  return Object.entries(query.metadata ?? {}).every(
    ([key, value]) => Object.hasOwn(metadata, key) && metadata[key] === value,
  );
}
