/** The record of a job that is about to be. */
import type { Principal } from '../accounts/authenticate.ts';
import type { ReelayError } from '../errors.ts';
import type { OutboxEntry } from '../events.ts';
import type { Job } from '../job.ts';
import type { Submission } from '../video-request.ts';

/** What a new job is beside its submission. */
export interface Made {
  readonly id: string;
  readonly claim?: Job['claim'];
  readonly redriveOf?: string;
  readonly remixOf: string | null;
  readonly subject: string | null;
  readonly principal: Principal | undefined;
  /** Who asked at first, where it is asked again for them. */
  readonly requester?: string | undefined;
  /** When the request for it came, before any claim was looked at. */
  readonly beganAtMs: number;
  /** What to say when another request with the same claim made the job, and it was deleted, before this one came so far. */
  readonly deletedSince: () => ReelayError;
}

/** A queued job without its reference, its price and the policy's answer; it owes its message. */
export function newJob(
  tenant: string,
  submission: Submission,
  made: Made & Pick<Job, 'modelDigest' | 'acceptedAt'>,
  nowMs: number,
): Job {
  const { file: _, user: __, ...asked } = submission;
  const { modelDigest, acceptedAt, subject } = made;
  return {
    id: made.id,
    tenant,
    ...asked,
    subject,
    sealed: null,
    erased: false,
    keyId: null,
    terms: null,
    content: null,
    disclosure: null,
    keptDays: null,
    review: null,
    modelDigest,
    status: 'queued',
    attempt: 0,
    failures: 0,
    restarts: 0,
    notBeforeMs: 0,
    checkpoint: null,
    furthestStep: 0,
    claim: made.claim ?? null,
    redriveOf: made.redriveOf ?? null,
    remixOf: made.remixOf,
    progress: null,
    lease: null,
    acceptedAt,
    placements: [],
    error: null,
    artifacts: {},
    receipt: null,
    marking: null,
    warnings: [],
    createdAtMs: nowMs,
    startedAtMs: null,
    completedAtMs: null,
    expiresAtMs: null,
    cancelRequestedAtMs: null,
    deletedAtMs: null,
    outbox: [owedMessage(`${made.id}/0`, nowMs)],
    version: 1,
  };
}

/** A message the record owes, due at once for the sweeper's purposes once its grace is over. */
export function owedMessage(id: string, nowMs: number, delaySeconds = 0): OutboxEntry {
  return { kind: 'message', id, dueAtMs: nowMs, delaySeconds };
}
