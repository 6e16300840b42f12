import type { Job, Variant } from './job.ts';

const FILES: Readonly<Record<Variant, string>> = {
  video: 'video.mp4',
  thumbnail: 'thumbnail.webp',
  spritesheet: 'spritesheet.jpg',
};

/** Everything a job ever writes lies under this prefix. Ends with a slash. */
export function jobPrefix(job: Pick<Job, 'tenant' | 'id'>): string {
  return `videos/${job.tenant}/${job.id}/`;
}

/** What the job starts from: apart from what it writes, because it outlives a failure and goes with the record. Ends with a slash. */
export function referencePrefix(job: Pick<Job, 'tenant' | 'id'>): string {
  return `references/${job.tenant}/${job.id}/`;
}

/** The folder of one try to make the job; `draw` is its own. Ends with a slash. */
export function referenceFolder(job: Pick<Job, 'tenant' | 'id'>, draw: string): string {
  return `${referencePrefix(job)}${draw}/`;
}

/** Everything one attempt wrote. Ends with a slash. */
export function attemptPrefix(job: Pick<Job, 'tenant' | 'id'>, attempt: number): string {
  return `${jobPrefix(job)}attempt=${attempt}/`;
}

/** Everything that only a resume needs; removed at the job's end. Ends with a slash. */
export function checkpointPrefix(job: Pick<Job, 'tenant' | 'id'>): string {
  return `${jobPrefix(job)}checkpoint/`;
}

/**
 * One checkpoint; the attempt is in the name, so no attempt ever overwrites what another one's record points to. In a folder of its
 * own, so that it can be removed alone.
 */
export function checkpointKey(job: Pick<Job, 'tenant' | 'id'>, attempt: number, step: number): string {
  return `${checkpointPrefix(job)}attempt=${attempt}-step=${step}/state.bin`;
}

/** The folder of one checkpoint. Ends with a slash. */
export function checkpointFolder(key: string): string {
  return key.slice(0, key.lastIndexOf('/') + 1);
}

/** Where each processed it: beside the bytes of the attempt that made them. */
export function receiptKey(job: Pick<Job, 'tenant' | 'id'>, attempt: number): string {
  return `${attemptPrefix(job, attempt)}receipt.json`;
}

/** Bytes go below the attempt that made them; only the record says which attempt counts. */
export function artifactKey(job: Pick<Job, 'tenant' | 'id'>, attempt: number, variant: Variant): string {
  return `${attemptPrefix(job, attempt)}${FILES[variant]}`;
}
