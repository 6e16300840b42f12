import type { Checkpoint, Job, JobError, Progress } from '../job.ts';
import { limits } from '../limits.ts';
import type { Place } from '../policy/residency.ts';
import { endJob } from './end.ts';
import type { LeaseWatch } from './lease-watch.ts';
import { owedMessage } from './new-job.ts';
import { type RelayPorts, relay } from './relay.ts';
import { sweepEach } from './sweep.ts';

/** What taking and keeping a job needs. */
export interface LeasePorts extends RelayPorts {
  /** This process, as dead-owner checks know it. */
  readonly owner: string;
  /** Where this process stands: what it processes, it processes there. */
  readonly place: Place;
  readonly leaseSeconds: number;
  /** Milliseconds of a clock that never jumps; its zero means nothing. */
  readonly monotonicMs: () => number;
  readonly leases: LeaseWatch;
  /** Whether that owner's process is known to be gone, so that nobody need wait for its lease. */
  readonly ownerIsGone: (owner: string) => boolean;
}

/** A lease from now on. */
export function newLease(ports: Pick<LeasePorts, 'owner' | 'now' | 'leaseSeconds'>) {
  return { owner: ports.owner, expiresAtMs: ports.now() + ports.leaseSeconds * 1000 };
}

/**
 * Ends a lease whose worker is dead: back to the queue with its checkpoint, or the end of the job if someone cancelled it or it has
 * killed too many workers. A worker whose whole process is known to be gone says little about the job (someone stopped the machine),
 * so it counts as a restart then. With `owes` the record owes a message, which is sent. undefined: the record moved on meanwhile.
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
  const restarts = job.restarts + (options.ownerGone ? 1 : 0);
  if (failures >= limits.maxFailures || restarts >= limits.maxRestarts) {
    const error = { code: 'renderer_lost', message: `The worker died on this job, at last in attempt ${job.attempt}.` };
    return told(
      ports,
      await endJob(ports.store, job, { status: 'failed', error, failures, nowMs, poison: true }, version),
    );
  }
  const released = await ports.store.transition(
    job.id,
    { status: 'in_progress', attempt: job.attempt, version },
    {
      status: 'queued',
      failures,
      restarts,
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

/**
 * One beat: progress, a longer lease and, where there is one, the new checkpoint, in one write. A checkpoint beyond any
 * before is progress, so the failures before it no longer count. undefined: the lease is lost and the renderer must stop,
 * writing nothing.
 */
export function beat(
  ports: LeasePorts,
  job: Job,
  progress: Progress,
  checkpoint?: Checkpoint,
): Promise<Job | undefined> {
  const further = checkpoint !== undefined && checkpoint.step > job.furthestStep;
  return ports.store.transition(
    job.id,
    { status: 'in_progress', attempt: job.attempt },
    {
      progress,
      lease: newLease(ports),
      ...(checkpoint === undefined ? {} : { checkpoint }),
      ...(further ? { furthestStep: checkpoint.step, failures: 0, restarts: 0 } : {}),
    },
  );
}

/** How a job goes back to the queue. */
export interface GiveBack {
  readonly delaySeconds: number;
  /** An error counts, a drain does not. */
  readonly failed: boolean;
}

/**
 * Gives a job back to be tried again. The record owes a message until the caller has released its own delivery and cleared it.
 * undefined: the lease was lost, or a cancel was requested.
 */
export function giveBack(ports: RelayPorts, job: Job, options: GiveBack): Promise<Job | undefined> {
  const { delaySeconds, failed } = options;
  return ports.store.transition(
    job.id,
    { status: 'in_progress', attempt: job.attempt, notCancelled: true },
    {
      status: 'queued',
      // Only when it counts: the record may know of a beat whose answer was lost, which set it back.
      ...(failed ? { failures: job.failures + 1 } : {}),
      notBeforeMs: delaySeconds === 0 ? 0 : ports.now() + delaySeconds * 1000,
      progress: null,
      lease: null,
      outbox: [owedMessage(`${job.id}/${job.attempt}`, ports.now() + delaySeconds * 1000)],
    },
  );
}

/** Whether an error ends the job now: it cannot get better, or it was the last try. */
export function isFinal(job: Pick<Job, 'failures'>, error: { retryable: boolean }): boolean {
  return !error.retryable || job.failures + 1 >= limits.maxFailures;
}

/** Ends a job as failed, puts it on the dead letter queue and tells the world. undefined: the lease was lost. */
export async function failJob(ports: RelayPorts, job: Job, error: JobError): Promise<Job | undefined> {
  const failures = job.failures + 1;
  const ending = { status: 'failed', error, failures, nowMs: ports.now(), poison: true } as const;
  return told(ports, await endJob(ports.store, job, ending));
}

/** Ends leases that are dead: their workers died or hang where nobody redelivers. Returns how many. */
export async function sweepLeases(ports: RelayPorts & Pick<LeasePorts, 'ownerIsGone' | 'leases'>): Promise<number> {
  const running = await ports.store.listRunning(limits.watchBatch);
  const gone = (job: Job) => job.lease !== null && ports.ownerIsGone(job.lease.owner);
  const dead = running.filter(job => gone(job) || ports.leases.isDead(job));
  return sweepEach(dead, job => endLease(ports, job, { owes: true, ownerGone: gone(job) }));
}
