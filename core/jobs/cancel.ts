import { type AuditActor, askedBy } from '../audit/audit-port.ts';
import { isTerminal, type Job } from '../job.ts';
import type { JobStore } from '../ports.ts';
import { endJob } from './end.ts';
import { readJob } from './read.ts';
import { type RelayPorts, relay } from './relay.ts';
import { tellAllowed } from './tell-ledger.ts';

/**
 * Cancels a job; repeatable, and a finished job comes back as it is. A queued job is cancelled at once. For a running one the
 * request is set on the record: from then on its worker cannot complete it, sees the flag with its next step report, stops the
 * renderer and writes `cancelled`. The ledger is told first. Throws `not_found`, `store_unavailable`.
 */
export async function cancel(
  ports: RelayPorts,
  tenant: string,
  id: string,
  actor: AuditActor = askedBy({ tenant }),
): Promise<Job> {
  for (let isTold = false; ; ) {
    const job = await readJob(ports.store, tenant, id);
    if (!isTold && !isTerminal(job.status) && job.cancelRequestedAtMs === null) {
      await tellAllowed(ports.audit, job, 'job.cancel', actor);
      isTold = true;
    }
    const after = await requestCancel(ports, job);
    if (after !== undefined) return after;
    // Lost a race: the record has moved to another status or attempt. Attempts are bounded, so looking again ends.
  }
}

/** One try; undefined when the record changed under it. */
export async function requestCancel(ports: RelayPorts, job: Job): Promise<Job | undefined> {
  if (isTerminal(job.status)) return job;
  if (job.status === 'queued') {
    const ended = await endJob(ports.store, job, { status: 'cancelled', nowMs: ports.now() });
    if (ended !== undefined) await relay(ports, ended).catch(() => undefined); // owed: the sweeper sends it
    return ended;
  }
  if (job.cancelRequestedAtMs !== null) return job;
  return flagCancel(ports.store, job, ports.now());
}

function flagCancel(store: JobStore, job: Job, nowMs: number): Promise<Job | undefined> {
  return store.transition(job.id, { status: 'in_progress', attempt: job.attempt }, { cancelRequestedAtMs: nowMs });
}
