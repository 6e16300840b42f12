import { forgetSubjectJob } from '../audit/subject-jobs.ts';
import { isTerminal, type Job } from '../job.ts';
import { jobPrefix, referencePrefix } from '../keys.ts';
import { limits } from '../limits.ts';
import type { BlobStore, JobStore, KeyValueStore } from '../ports.ts';
import { markRemoved } from './claim.ts';
import { sweepEach } from './sweep.ts';

/** What removing a job for good needs. */
export interface ExpirePorts {
  readonly store: JobStore;
  readonly blobs: BlobStore;
  readonly kv: KeyValueStore;
  readonly now: () => number;
}

/**
 * Phase two, for deleted and expired jobs: bytes first, then the record, so a crash in between leaves a record that is swept again
 * and never bytes that nobody knows of. The record leaves a tombstone. A job whose worker still runs waits until it has ended.
 * Returns how many records went.
 */
export async function expire(ports: ExpirePorts): Promise<number> {
  let removed = 0;
  await sweepEach(await ports.store.listRemovable(ports.now(), limits.sweepBatch), async job => {
    if (await expireOne(ports, job)) removed++;
  });
  return removed;
}

async function expireOne(ports: ExpirePorts, job: Job): Promise<boolean> {
  if (!isTerminal(job.status) || job.outbox.length > 0) return false;
  const { status, attempt } = job;
  const marked =
    job.deletedAtMs === null
      ? await ports.store.transition(job.id, { status, attempt }, { deletedAtMs: ports.now() })
      : job;
  if (marked === undefined) return false;
  await ports.blobs.deletePrefix(jobPrefix(job));
  if (job.request.reference !== null) await ports.blobs.deletePrefix(referencePrefix(job));
  await markRemoved(ports, job);
  await forgetSubjectJob(ports.kv, job);
  await ports.store.remove(job, ports.now());
  return true;
}

/**
 * Phase three: once nobody can be on the way any more who still means the removed job, what such a one wrote after the record was gone
 * goes, and then the tombstone. Returns how many went.
 */
export async function sweepTombstones(ports: ExpirePorts): Promise<number> {
  const beforeMs = ports.now() - limits.tombstoneHours * 3_600_000;
  return sweepEach(await ports.store.listTombstones(beforeMs, limits.sweepBatch), async tombstone => {
    for (const prefix of [jobPrefix(tombstone), referencePrefix(tombstone)]) await ports.blobs.deletePrefix(prefix);
    await ports.store.removeTombstone(tombstone.id);
  });
}
