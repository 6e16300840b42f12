/** What is kept of one person, for whoever has to tell them (GDPR articles 15 and 20). */
import { listSubjectJobs } from '../audit/subject-jobs.ts';
import type { SubjectNames } from '../audit/subjects.ts';
import type { Job } from '../job.ts';
import type { JobStore, KeyValueStore } from '../ports.ts';
import { namedSubject } from './erase-user.ts';

/** A page of a person's jobs, the oldest first. */
export interface UserJobs {
  readonly jobs: readonly Job[];
  /** Where the next page begins; null: that was all. */
  readonly after: string | null;
}

/** Those that were removed since are left out. Throws `invalid_request` for what is no name. */
export async function listUserJobs(
  ports: { readonly subjects: SubjectNames; readonly kv: KeyValueStore; readonly store: Pick<JobStore, 'get'> },
  tenant: string,
  name: string,
  { limit, after }: { readonly limit: number; readonly after?: string },
): Promise<UserJobs> {
  const subject = namedSubject(ports, tenant, name);
  const ids = await listSubjectJobs(ports.kv, subject, { limit: limit + 1, ...(after === undefined ? {} : { after }) });
  const found = await Promise.all(ids.slice(0, limit).map(id => ports.store.get(id, tenant)));
  const jobs = found.filter(job => job !== undefined && job.deletedAtMs === null && job.subject === subject.id);
  return { jobs: jobs as readonly Job[], after: ids.length > limit ? ids[limit - 1]! : null };
}
