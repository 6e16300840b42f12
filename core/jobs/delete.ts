import { type AuditActor, askedBy } from '../audit/audit-port.ts';
import { isTerminal } from '../job.ts';
import { requestCancel } from './cancel.ts';
import { readJob } from './read.ts';
import type { RelayPorts } from './relay.ts';
import { tellAllowed } from './tell-ledger.ts';

/**
 * Phase one of a delete: the job reads as unknown from here on. An active job is cancelled first. The bytes and the record go in
 * phase two, `expire`. The ledger is told first. Throws `not_found`, `store_unavailable`.
 */
export async function deleteJob(
  ports: RelayPorts,
  tenant: string,
  id: string,
  actor: AuditActor = askedBy({ tenant }),
): Promise<void> {
  for (let isTold = false; ; ) {
    const job = await readJob(ports.store, tenant, id);
    if (!isTold) await tellAllowed(ports.audit, job, 'job.delete', actor);
    isTold = true;
    const settled = isTerminal(job.status) ? job : await requestCancel(ports, job);
    if (settled === undefined) continue;
    const { status, attempt } = settled;
    const marked = await ports.store.transition(id, { status, attempt }, { deletedAtMs: ports.now() });
    if (marked !== undefined) return;
  }
}
