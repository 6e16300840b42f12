import { type Job, noSuchVideo } from '../job.ts';
import { isJobId } from '../job-id.ts';
import type { JobStore } from '../ports.ts';

/** The job as its tenant may see it. Throws `not_found` for unknown, deleted and other tenants' ids alike. */
export async function readJob(store: JobStore, tenant: string, id: string): Promise<Job> {
  if (!isJobId(id)) throw noSuchVideo();
  const job = await store.get(id, tenant);
  if (job === undefined || job.deletedAtMs !== null) throw noSuchVideo();
  return job;
}
