import { isTerminal, type Job, type JobError, type Progress } from '../job.ts';
import { limits } from '../limits.ts';
import { endJob } from './end.ts';
import { type RelayPorts, relay } from './relay.ts';
import { owedMessage } from './submit.ts';
import { sweepEach } from './sweep.ts';

/** What taking and keeping a job needs. */
export interface LeasePorts extends RelayPorts {
  /** This process, as dead-owner checks know it. */
  readonly owner: string;
  /** Whether that owner's process is known to be gone, so that nobody need wait for its lease. */
  readonly ownerIsGone: (owner: string) => boolean;
}

/** What came of a message. */
export type Take =
  | { readonly outcome: 'leased'; readonly job: Job }
  /** Nothing left to do: unknown, finished, or ended just now. Ack the message. */
  | { readonly outcome: 'done' }
  /** Another worker holds it; look again after so many seconds. */
  | { readonly outcome: 'held'; readonly seconds: number };

/** A message said "look at this job": lease it, or say why not. A dead lease on it is ended first, which counts as a failure. */
export async function take(ports: LeasePorts, id: string): Promise<Take> {
  let job = await ports.store.load(id);
  if (job?.status === 'in_progress') {
    const nowMs = ports.now();
    const { lease } = job;
    const ownerGone = lease !== null && ports.ownerIsGone(lease.owner);
    const dead = lease === null || lease.expiresAtMs <= nowMs || ownerGone;
    if (!dead) return { outcome: 'held', seconds: Math.ceil((lease.expiresAtMs - nowMs) / 1000) };
    job = await endLease(ports, job, { owes: false, ownerGone });
    if (job === undefined) return { outcome: 'held', seconds: 1 };
  }
  if (job === undefined || isTerminal(job.status)) return { outcome: 'done' };
  const leased = await ports.store.transition(
    id,
    { status: 'queued', attempt: job.attempt, version: job.version },
    {
      status: 'in_progress',
      attempt: job.attempt + 1,
      startedAtMs: job.startedAtMs ?? ports.now(),
      progress: { phase: 'loading', step: 0, steps: job.request.num_inference_steps },
      lease: newLease(ports),
    },
  );
  return leased === undefined ? { outcome: 'held', seconds: 1 } : { outcome: 'leased', job: leased };
}

function newLease(ports: { owner: string; now: () => number }) {
  return { owner: ports.owner, expiresAtMs: ports.now() + limits.leaseSeconds * 1000 };
}

/**
 * Ends a lease whose worker is dead: back to the queue, or the end of the job if someone cancelled it or it has killed too many
 * workers. A worker whose whole process is known to be gone says little about the job (someone stopped the machine), so only its
 * attempt counts then. With `owes` the record owes a message, which is sent. undefined: the record moved on meanwhile.
 */
export async function endLease(
  ports: RelayPorts,
  job: Job,
  options: { owes: boolean; ownerGone: boolean },
): Promise<Job | undefined> {
  const nowMs = ports.now();
  const { version } = job;
  if (job.cancelRequestedAtMs !== null)
    return told(ports, await endJob(ports.store, job, { status: 'cancelled', nowMs }, version));
  const failures = job.failures + (options.ownerGone ? 0 : 1);
  if (failures >= limits.maxFailures || job.attempt >= limits.maxAttempts) {
    const error = { code: 'renderer_lost', message: `The worker died on this job, at last in attempt ${job.attempt}.` };
    return told(ports, await endJob(ports.store, job, { status: 'failed', error, failures, nowMs }, version));
  }
  const released = await ports.store.transition(
    job.id,
    { status: 'in_progress', attempt: job.attempt, version },
    {
      status: 'queued',
      failures,
      progress: null,
      lease: null,
      outbox: options.owes ? [owedMessage(`${job.id}/${job.attempt}`, nowMs)] : [],
    },
  );
  return options.owes ? told(ports, released) : released;
}

async function told(ports: RelayPorts, job: Job | undefined): Promise<Job | undefined> {
  if (job !== undefined) await relay(ports, job).catch(() => undefined); // the record owes it: the sweeper sends it
  return job;
}

/** One beat: progress and a longer lease in one write. undefined: the lease is lost and the renderer must stop, writing nothing. */
export function beat(ports: LeasePorts, job: Job, progress: Progress): Promise<Job | undefined> {
  return ports.store.transition(
    job.id,
    { status: 'in_progress', attempt: job.attempt },
    { progress, lease: newLease(ports) },
  );
}

/**
 * Gives a job back to be tried again; `failed` counts an error, a drain counts nothing. The record owes a message until the caller
 * has released its own delivery and cleared it. undefined: the lease was lost, or a cancel was requested, which `settle` ends.
 */
export function giveBack(
  ports: RelayPorts,
  job: Job,
  options: { delaySeconds: number; failed: boolean },
): Promise<Job | undefined> {
  return ports.store.transition(
    job.id,
    { status: 'in_progress', attempt: job.attempt, notCancelled: true },
    {
      status: 'queued',
      failures: job.failures + (options.failed ? 1 : 0),
      progress: null,
      lease: null,
      outbox: [owedMessage(`${job.id}/${job.attempt}`, ports.now() + options.delaySeconds * 1000)],
    },
  );
}

/** Whether an error ends the job now: it cannot get better, or it was the last try. */
export function isFinal(job: Job, error: { retryable: boolean }): boolean {
  return !error.retryable || job.failures + 1 >= limits.maxFailures;
}

/** Ends a job as failed and tells the world. undefined: the lease was lost. */
export async function failJob(ports: RelayPorts, job: Job, error: JobError): Promise<Job | undefined> {
  const failures = job.failures + 1;
  return told(ports, await endJob(ports.store, job, { status: 'failed', error, failures, nowMs: ports.now() }));
}

/** Ends leases that ran out: their workers died or hang where nobody redelivers. Returns how many. */
export async function sweepLeases(ports: RelayPorts & Pick<LeasePorts, 'ownerIsGone'>): Promise<number> {
  const dead = await ports.store.listLeasesExpired(ports.now(), limits.sweepBatch);
  return sweepEach(dead, job => {
    const ownerGone = job.lease !== null && ports.ownerIsGone(job.lease.owner);
    return endLease(ports, job, { owes: true, ownerGone });
  });
}
