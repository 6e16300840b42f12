import { setTimeout as sleep } from 'node:timers/promises';
import { placeOf, ReelayError } from '#core/errors.ts';
import { limits } from '#core/limits.ts';
import { processJob, type WorkerPorts } from './process-job.ts';

/**
 * The worker's loop:
 *
 *     receiving --delivery--> processing one job --any outcome--> receiving
 *     receiving --store or queue down--> waiting, doubled up to a limit --> receiving
 *     any --drain--> the running job is given back --> returns
 */
export async function runWorker(ports: WorkerPorts, drain: AbortSignal): Promise<void> {
  for (let failures = 0; !drain.aborted; ) {
    try {
      const waitMs = limits.queueWaitSeconds * 1000;
      const delivery = await ports.queue.receive({ leaseSeconds: limits.leaseSeconds, waitMs, signal: drain });
      if (delivery !== undefined) await processJob(ports, delivery, drain);
      failures = 0;
    } catch (error) {
      const code = error instanceof ReelayError ? error.code : 'internal';
      ports.log('error', 'worker loop failed', { code, at: placeOf(error) });
      const waitMs = Math.min(limits.backoffMostMs, limits.backoffFirstMs * 2 ** failures++);
      await sleep(waitMs, undefined, { signal: drain }).catch(() => undefined);
    }
  }
}
