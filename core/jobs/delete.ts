import { isTerminal, type Job } from '../job.ts';
import { jobPrefix } from '../keys.ts';
import { limits } from '../limits.ts';
import type { BlobStore, JobStore } from '../ports.ts';
import { requestCancel } from './cancel.ts';
import { readJob } from './read.ts';
import type { RelayPorts } from './relay.ts';

/**
 * Phase one of a delete: the job reads as unknown from here on. An active job is cancelled first. The bytes and the record go in
 * phase two, `removeDeleted`. Throws `not_found`.
 */
export async function deleteJob(ports: RelayPorts, tenant: string, id: string): Promise<void> {
  for (;;) {
    const job = await readJob(ports.store, tenant, id);
    const settled = isTerminal(job.status) ? job : await requestCancel(ports, job);
    if (settled === undefined) continue;
    const { status, attempt } = settled;
    const marked = await ports.store.transition(id, { status, attempt }, { deletedAtMs: ports.now() });
    if (marked !== undefined) return;
  }
}

export interface RemovePorts {
  readonly store: JobStore;
  readonly blobs: BlobStore;
  readonly now: () => number;
}

/**
 * Phase two, for deleted and expired jobs: bytes first, then the record, so a crash in between leaves a record that is swept again
 * and never bytes that nobody knows of. A job whose worker still runs waits until it has ended. Returns how many records went.
 */
export async function removeDeleted(ports: RemovePorts): Promise<number> {
  let removed = 0;
  for (const job of await ports.store.listRemovable(ports.now(), limits.sweepBatch)) {
    const gone = await removeOne(ports, job);
    if (gone) removed++;
  }
  return removed;
}

async function removeOne(ports: RemovePorts, job: Job): Promise<boolean> {
  if (!isTerminal(job.status) || job.outbox.length > 0) return false;
  const { status, attempt } = job;
  const marked =
    job.deletedAtMs === null
      ? await ports.store.transition(job.id, { status, attempt }, { deletedAtMs: ports.now() })
      : job;
  if (marked === undefined) return false;
  await ports.blobs.deletePrefix(jobPrefix(job));
  await ports.store.remove(job.id);
  return true;
}
