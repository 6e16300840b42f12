import { isTerminal } from '../job.ts';
import { requestCancel } from './cancel.ts';
import { readJob } from './read.ts';
import type { RelayPorts } from './relay.ts';

/**
 * Phase one of a delete: the job reads as unknown from here on. An active job is cancelled first. The bytes and the record go in
 * phase two, `expire`. Throws `not_found`.
 */
export async function deleteJob(ports: RelayPorts, tenant: string, id: string): Promise<void> {
  for (;;) {
    const job = await readJob(ports.store, tenant, id);
    const settled = isTerminal(job.status) ? job : await requestCancel(ports, job);
    if (settled === undefined) continue;
    const { status, attempt } = settled;
    const marked = await ports.store.transition(id, { status, attempt }, { deletedAtMs: ports.now() });
    if (marked !== undefined) return;
  }
}
