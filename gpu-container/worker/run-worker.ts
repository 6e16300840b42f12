import { placeOf, ReelayError } from '#core/errors.ts';
import { limits } from '#core/limits.ts';
import { processJob, type WorkerPorts } from './process-job.ts';

/**
 * The worker's loop:
 *
 *     receiving --delivery--> processing one job --any outcome--> receiving
 *     receiving --nothing may start--> waiting a second --> receiving
 *     receiving --store or queue down, disk full--> waiting, doubled up to a limit --> receiving
 *     any --drain--> the running job is given back --> returns
 */
export async function runWorker(ports: WorkerPorts, drain: AbortSignal): Promise<void> {
  let failures = 0;
  const backOff = () => ports.sleep(Math.min(limits.backoffMostMs, limits.backoffFirstMs * 2 ** failures++), drain);
  while (!drain.aborted) {
    try {
      const why = await ports.whyNotReady?.();
      if (why !== undefined) {
        ports.log('warn', 'no job taken', { why });
        await backOff();
        continue;
      }
      const waitMs = limits.queueWaitSeconds * 1000;
      const delivery = await ports.queue.receive({ leaseSeconds: ports.leaseSeconds, waitMs, signal: drain });
      const processed = delivery === undefined ? 'worked' : await processJob(ports, delivery, drain);
      if (processed === 'nothing') await ports.sleep(limits.nothingMayStartSeconds * 1000, drain);
      if (processed === 'outage') await backOff();
      else failures = 0;
    } catch (error) {
      const code = error instanceof ReelayError ? error.code : 'internal';
      ports.log('error', 'worker loop failed', { code, at: placeOf(error) });
      await backOff();
    }
  }
}
