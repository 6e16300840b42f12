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

/** Everything one attempt wrote. Ends with a slash. */
export function attemptPrefix(job: Pick<Job, 'tenant' | 'id'>, attempt: number): string {
  return `${jobPrefix(job)}attempt=${attempt}/`;
}

/** Bytes go below the attempt that made them; only the record says which attempt counts. */
export function artifactKey(job: Pick<Job, 'tenant' | 'id'>, attempt: number, variant: Variant): string {
  return `${attemptPrefix(job, attempt)}${FILES[variant]}`;
}
