/**
 * Which jobs are of a person: a note for each, written before the record, so that an erasure and an export find all of them. It goes with
 * the record.
 */
import type { Job } from '../job.ts';
import type { KeyValueStore } from '../ports.ts';
import { ownerOf, type Subject } from './subject-key.ts';
import { subjectOf } from './subjects.ts';

type Whose = Pick<Job, 'id' | 'tenant' | 'subject'>;

/** Where the jobs of a subject are noted, by their ids. */
export function subjectJobsSpace({ tenant, id }: Subject): string {
  return `subject-jobs/${ownerOf(tenant)}.${id.replace(':', '-')}`;
}

/** Notes a job that is about to be made. */
export async function noteSubjectJob(kv: KeyValueStore, job: Whose): Promise<void> {
  const space = subjectJobsSpace(subjectOf(job));
  await kv.put({ space, name: job.id, value: { v: 1 }, expiresAtMs: null, dueAtMs: null });
}

/** Takes the note of a job that is removed; one that named nobody has none. */
export async function forgetSubjectJob(kv: KeyValueStore, job: Whose): Promise<void> {
  if (job.subject !== null) await kv.remove(subjectJobsSpace(subjectOf(job)), job.id);
}

/** Ids of a subject's jobs, the oldest first; some may never have been made. */
export async function listSubjectJobs(
  kv: KeyValueStore,
  subject: Subject,
  page: { readonly limit: number; readonly after?: string },
): Promise<readonly string[]> {
  return (await kv.list(subjectJobsSpace(subject), page)).map(({ name }) => name);
}
