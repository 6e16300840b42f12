/**
 * A job's life:
 *
 *     queued -> in_progress (attempt n) -> completed | failed | cancelled
 *     in_progress -> queued        the worker gave it back: drain, or an error worth another try
 *     in_progress -> in_progress   attempt n+1 takes over from a dead lease
 *     queued -> failed | cancelled
 *
 * The last three never change again. Every change is a conditional write on (status, attempt): see JobStore.transition.
 */
import type { Micros } from './accounts/budget.ts';
import type { Quote } from './accounts/quote.ts';
import type { DisclosureChoice } from './audit/disclose.ts';
import { ReelayError } from './errors.ts';
import type { OutboxEntry } from './events.ts';
import { idOrder } from './job-id.ts';
import type { JobWarning } from './job-warnings.ts';
import type { Place } from './policy/residency.ts';
import type { VideoRequest } from './video-request.ts';

/** The one vocabulary of statuses, everywhere. */
export const statuses = ['queued', 'in_progress', 'completed', 'failed', 'cancelled'] as const;
/** One of the statuses. */
export type JobStatus = (typeof statuses)[number];

/** What each status may become. */
export const transitions: Readonly<Record<JobStatus, readonly JobStatus[]>> = {
  queued: ['in_progress', 'failed', 'cancelled'],
  in_progress: ['in_progress', 'queued', 'completed', 'failed', 'cancelled'],
  completed: [],
  failed: [],
  cancelled: [],
};

/** Whether a status is final. */
export function isTerminal(status: JobStatus): boolean {
  return transitions[status].length === 0;
}

/** Whether the table allows this change. */
export function canBecome(from: JobStatus, to: JobStatus): boolean {
  return transitions[from].includes(to);
}

/** Finished bytes in the blob store. */
export interface Artifact {
  readonly key: string;
  readonly contentType: string;
  readonly bytes: number;
  /** Lower-case hex. */
  readonly sha256: string;
}

/** What a finished job offers for download. */
export const variants = ['video', 'thumbnail', 'spritesheet'] as const;
/** One of the variants. */
export type Variant = (typeof variants)[number];

/** What a running job is doing, in order. */
export type Phase =
  | 'loading'
  | 'encoding_prompt'
  | 'denoising'
  | 'decoding'
  | 'encoding_video'
  | 'marking'
  | 'committing';

/** How far a running job is. */
export interface Progress {
  readonly phase: Phase;
  /** Steps done of `steps`; both 0 outside denoising. */
  readonly step: number;
  readonly steps: number;
}

/** Who works on the job: the attempt number is the fencing token, the owner tells a dead process from a slow one. */
export interface Lease {
  readonly owner: string;
  /** By the owner's wall clock: puts the oldest first in a sweep and decides nothing (see jobs/lease-watch.ts). */
  readonly expiresAtMs: number;
}

/** What goes first among one tenant's own jobs; across tenants the fair order decides (jobs/fair-order.ts). */
export const priorities = ['high', 'normal', 'low'] as const;
/** One of the priorities. */
export type Priority = (typeof priorities)[number];

/** Where a stopped job goes on: the sampler's state after `step` steps, as bytes in the blob store. */
export interface Checkpoint {
  readonly key: string;
  /** Steps that need not be done again. */
  readonly step: number;
  readonly bytes: number;
  /** Lower-case hex, of the bytes. */
  readonly sha256: string;
  readonly atMs: number;
}

/** One lease of a job: where the attempt was processed, and by whom. */
export interface Placement extends Place {
  readonly attempt: number;
  /** The owner of the lease. */
  readonly worker: string;
  /** By the worker's wall clock. */
  readonly startedAtMs: number;
  /** The step of the checkpoint that it had to go on from; 0 without one. */
  readonly fromStep: number;
}

/** The placement receipt of a completed job (placement/receipt.ts): its bytes, and what ties it to the request. */
export interface JobReceipt {
  readonly key: string;
  readonly bytes: number;
  /** Lower-case hex, of the bytes. */
  readonly sha256: string;
  /** The key of the HMAC in it, 32 random bytes as lower-case hex: who has it and the request can show that they belong together. */
  readonly requestKey: string;
}

/** How much a watermark of a file's size withstands (docs/watermark.md). */
export type WatermarkStrength = 'full' | 'reduced' | 'weak';

/** The marks in a finished video: what finds it again, and what it is known by whatever its marks. */
export interface JobMarking {
  /** The 58 bits in its frames as 15 hex digits: the name of its row in the registry (marks/registry.ts). */
  readonly payload: string;
  /** The kind of watermark, `lf-stdm/1`. */
  readonly watermark: string;
  readonly strength: WatermarkStrength;
  /** "WIDTHxHEIGHT" of the file; a small clip is enlarged before it is marked. */
  readonly size: string;
  /** Of its C2PA manifest, `urn:c2pa:…`. */
  readonly manifestId: string;
  /** Over the RGB bytes of all frames before they were enlarged and marked, lower-case hex: equal for equal requests and seeds. */
  readonly framesSha256: string;
}

/** Why a job failed: a code to decide by and a sentence to read. */
export interface JobError {
  readonly code: string;
  readonly message: string;
}

/** What the content policy said of a request (policy/reviews/judge.ts); it quotes nothing of it. */
export interface JobContent {
  readonly outcome: 'allow' | 'review';
  /** Rules that spoke for a review; for reviewers and logs, not for the requester. */
  readonly rules: readonly string[];
  readonly policyHash: string;
  /** Consent records that answered something. */
  readonly consents: readonly string[];
  /** Who asked, as the queue of reviews knows them. */
  readonly requester: string;
}

/** The look of a person that a job needs. */
export interface JobReview {
  readonly id: string;
  readonly state: 'waiting' | 'approved';
  /** The policy that wanted it: another one may want another look. */
  readonly policyHash: string;
  /** Nobody looked by then: denied. */
  readonly dueAtMs: number;
}

/** The record of one video, from accepted to ended. */
export interface Job {
  readonly id: string;
  readonly tenant: string;
  readonly request: VideoRequest;
  /** Whose data it is: the pseudonym of an end user that the tenant named; null: the tenant's own. Never changes. */
  readonly subject: string | null;
  /** In a store, the prompts, sealed (adapters/sealed-job-store.ts), and those of `request` are empty. null in what reads and makes jobs. */
  readonly sealed: string | null;
  /** The prompts are gone for good, because the person was erased or their time is over, and read as empty. */
  readonly erased: boolean;
  readonly modelDigest: string;
  /** The API key that asked; null without one, and for a record from before that was noted. */
  readonly keyId: string | null;
  /** What it was accepted at, and so what it costs at most; null for a record from before there were prices. */
  readonly terms: Quote | null;
  /** The most that its sender allows it to cost; null: nothing was said. */
  readonly maxCost: Micros | null;
  /** null for a record from before there was a content policy. */
  readonly content: JobContent | null;
  /** While it waits the job is queued, but in no queue: nothing counts, shows or leases it. null: nobody has to look at it. */
  readonly review: JobReview | null;
  readonly priority: Priority;
  /** Not leased by then: the job fails with `deadline_exceeded`. */
  readonly deadlineAtMs: number | null;
  /** Told of the job's end, beside the tenant's own endpoints. */
  readonly webhookUrl: string | null;
  readonly status: JobStatus;
  /** 0 until first leased; each lease adds one. */
  readonly attempt: number;
  /** Errors and dead leases since a checkpoint last got further than any before; limits.maxFailures ends the job. */
  readonly failures: number;
  /** Times since then that the process of its worker was gone: limits.maxRestarts ends the job. */
  readonly restarts: number;
  /** A retry waits until then; 0 for a job that may start at once. */
  readonly notBeforeMs: number;
  /** null: the next attempt starts from the first step. */
  readonly checkpoint: Checkpoint | null;
  /** The furthest step that any checkpoint of this job was at. */
  readonly furthestStep: number;
  /** Where the claim is kept that stands for this job (jobs/claim.ts). */
  readonly claim: { readonly space: string; readonly name: string } | null;
  /** The dead-lettered job that this one repeats. */
  readonly redriveOf: string | null;
  /** The completed job whose settings this one has taken over. */
  readonly remixOf: string | null;
  readonly progress: Progress | null;
  readonly lease: Lease | null;
  /** The front door that took the request; null for a record from before that was noted. */
  readonly acceptedAt: Place | null;
  /** Where its attempts ran, the oldest first; of very many the newest limits.maxPlacements. */
  readonly placements: readonly Placement[];
  readonly error: JobError | null;
  readonly artifacts: Readonly<Partial<Record<Variant, Artifact>>>;
  /** What its tenant wants disclosed beside the marks; null: what the installation does. */
  readonly disclosure: DisclosureChoice | null;
  /** Days that it is kept after its end, as its tenant wants it; null: limits.artifactDays. */
  readonly keptDays: number | null;
  /** null until it is completed, and for one that was completed before there were receipts. */
  readonly receipt: JobReceipt | null;
  /** null until it is completed, and for one that was completed before videos were marked. */
  readonly marking: JobMarking | null;
  /** What its video leaves out of the prompt; empty until it is completed. In a store their words are sealed. */
  readonly warnings: readonly JobWarning[];
  readonly createdAtMs: number;
  readonly startedAtMs: number | null;
  readonly completedAtMs: number | null;
  readonly expiresAtMs: number | null;
  readonly cancelRequestedAtMs: number | null;
  /** Set: the job reads as 404; the sweeper removes its bytes and then the record. */
  readonly deletedAtMs: number | null;
  /** Messages and events that the record owes; sent after the write, swept if that fails. */
  readonly outbox: readonly OutboxEntry[];
  /** Grows by one with each write. */
  readonly version: number;
}

/**
 * Sorts the queued jobs of one tenant: high before low, then the earlier deadline, then the older. Fixed for a job's life, so stores
 * index it.
 */
export function queueRank(job: Pick<Job, 'id' | 'priority' | 'deadlineAtMs'>): string {
  const deadline = String(job.deadlineAtMs ?? 999_999_999_999_999).padStart(15, '0');
  return `${priorities.indexOf(job.priority)}#${deadline}#${idOrder(job.id)}`;
}

/** Whether a job waits for a person. */
export function isInReview({ status, review }: Pick<Job, 'status' | 'review'>): boolean {
  return status === 'queued' && review?.state === 'waiting';
}

/** The one answer for unknown, deleted and other tenants' ids: the three must not be told apart. */
export function noSuchVideo(): ReelayError {
  return new ReelayError('not_found', 'id: no video with this id; it may have been deleted.');
}

/** Whole percent for the API: steps carry 5..90, the phases after them the rest; 100 only when completed. */
export function percentDone(job: Pick<Job, 'status' | 'progress'>): number {
  if (job.status === 'completed') return 100;
  const { progress } = job;
  if (progress === null) return 0;
  switch (progress.phase) {
    case 'loading':
      return 0;
    case 'encoding_prompt':
      return 2;
    case 'denoising':
      return 5 + Math.floor((85 * progress.step) / Math.max(1, progress.steps));
    case 'decoding':
      return 92;
    case 'encoding_video':
      return 96;
    case 'marking':
      return 98;
    case 'committing':
      return 99;
  }
}
