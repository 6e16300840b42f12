import type { AuditEvent } from '../audit/audit-port.ts';
import { jobEndEvent, type OutboxEntry } from '../events.ts';
import type { Artifact, Job, JobError, JobMarking, JobReceipt, Variant } from '../job.ts';
import type { JobWarning } from '../job-warnings.ts';
import { attemptPrefix, checkpointPrefix, jobPrefix } from '../keys.ts';
import { limits } from '../limits.ts';
import type { JobStore } from '../ports.ts';

/** How a job ends, and what goes on its record with that. */
export type Ending =
  | {
      readonly status: 'completed';
      readonly artifacts: Readonly<Record<Variant, Artifact>>;
      readonly receipt: JobReceipt;
      /** No job completes with an unmarked video. */
      readonly marking: JobMarking;
      /** What the model took no notice of; left out: nothing. */
      readonly warnings?: readonly JobWarning[];
      readonly nowMs: number;
      /** Checkpoints were stored, also such as never came onto the record. */
      readonly checkpointed?: boolean;
    }
  | {
      readonly status: 'failed';
      readonly error: JobError;
      readonly failures?: number;
      readonly nowMs: number;
      /** A worker gave it up: a letter goes to the dead letter queue, from where it can be redriven. */
      readonly poison?: boolean;
    }
  | { readonly status: 'cancelled'; readonly nowMs: number };

const DAY_MS = 86_400_000;

/**
 * The one write that ends a job: status, artifacts or error, and what it owes: the event, the settlement, the dead letter, the removal of
 * checkpoints and of what other attempts left. Completing fails (undefined) when a cancel was
 * requested; every ending fails when the record moved on, with `version` by so much as a beat. The caller relays the event.
 */
export function endJob(store: JobStore, job: Job, ending: Ending, version?: number): Promise<Job | undefined> {
  const artifacts = ending.status === 'completed' ? ending.artifacts : {};
  const error = ending.status === 'failed' ? ending.error : null;
  const event = jobEndEvent(
    {
      id: job.id,
      tenant: job.tenant,
      model: job.request.model,
      status: ending.status,
      attempt: job.attempt,
      error: error === null ? null : { code: error.code },
      sha256: ending.status === 'completed' ? ending.artifacts.video.sha256 : null,
    },
    ending.nowMs,
  );
  return store.transition(
    job.id,
    {
      status: job.status,
      attempt: job.attempt,
      notCancelled: ending.status === 'completed',
      ...(version === undefined ? {} : { version }),
    },
    {
      status: ending.status,
      error,
      artifacts,
      ...(ending.status === 'completed'
        ? { receipt: ending.receipt, marking: ending.marking, warnings: ending.warnings ?? [] }
        : {}),
      progress: null,
      lease: null,
      completedAtMs: ending.nowMs,
      expiresAtMs: ending.nowMs + (job.keptDays ?? limits.artifactDays) * DAY_MS,
      ...(ending.status === 'failed' && ending.failures !== undefined ? { failures: ending.failures } : {}),
      checkpoint: null,
      outbox: [
        { kind: 'event', id: event.id, dueAtMs: ending.nowMs, event },
        ...settlement(job, ending),
        ...toldOfEnd(job, ending),
        ...deadLetter(job, ending),
        ...removal(job, ending),
      ],
    },
  );
}

/** A record from before there were prices holds nothing. */
function settlement(job: Job, ending: Ending): OutboxEntry[] {
  return job.terms === null ? [] : [{ kind: 'settle', id: `${job.id}/settle`, dueAtMs: ending.nowMs }];
}

const ENDS = { completed: 'job.complete', failed: 'job.fail', cancelled: 'job.cancel' } as const;

/** What the ledger is told; that someone cancelled a job that waited, it was told when they asked. */
function toldOfEnd(job: Job, ending: Ending): OutboxEntry[] {
  const { status, nowMs } = ending;
  if (status === 'cancelled' && job.status === 'queued') return [];
  const event: AuditEvent = {
    actor: { system: job.status === 'queued' ? 'sweep' : 'worker' },
    action: ENDS[status],
    object: { kind: 'job', name: job.id },
    decision: status === 'failed' ? { outcome: 'failed', rules: [ending.error.code] } : { outcome: 'done' },
  };
  return [{ kind: 'audit', id: `${job.id}/audit-end`, dueAtMs: nowMs, event }];
}

function deadLetter(job: Job, ending: Ending): OutboxEntry[] {
  if (ending.status !== 'failed' || ending.poison !== true) return [];
  return [{ kind: 'dead_letter', id: `${job.id}/dead`, dueAtMs: ending.nowMs, reason: ending.error.code }];
}

function earlierAttempts(job: Job): string[] {
  const count = Math.min(limits.removedAttempts, job.attempt - 1);
  return Array.from({ length: count }, (_, n) => attemptPrefix(job, job.attempt - 1 - n));
}

function removal(job: Job, ending: Ending): OutboxEntry[] {
  const prefixes =
    ending.status !== 'completed'
      ? job.attempt > 0
        ? [jobPrefix(job)]
        : []
      : job.attempt > 1 || job.checkpoint !== null || ending.checkpointed === true
        ? [checkpointPrefix(job), ...earlierAttempts(job)]
        : [];
  return prefixes.length === 0 ? [] : [{ kind: 'removal', id: `${job.id}/removal`, dueAtMs: ending.nowMs, prefixes }];
}
