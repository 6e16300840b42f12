import { sealLimits } from '#core/audit/seal-limits.ts';
import type { Subject } from '#core/audit/subject-key.ts';
import { subjectOf } from '#core/audit/subjects.ts';
import type { Job } from '#core/job.ts';

/** Whose the jobs are that a process has to do with: a write to a record says its id only. */
export interface JobSubjects {
  readonly note: (job: Pick<Job, 'id' | 'tenant' | 'subject'>) => void;
  /** undefined: not remembered. It never changes. */
  readonly of: (id: string) => Subject | undefined;
}

/** Remembers the last sealLimits.jobsKept. */
export function keepJobSubjects(): JobSubjects {
  const seen = new Map<string, Subject>();
  return {
    note(job) {
      seen.delete(job.id);
      seen.set(job.id, subjectOf(job));
      for (const first of seen.keys()) {
        if (seen.size <= sealLimits.jobsKept) return;
        seen.delete(first);
      }
    },
    of: id => seen.get(id),
  };
}
