import { setTimeout as sleep } from 'node:timers/promises';
import { ReelayError } from '#core/errors.ts';
import { expire } from '#core/jobs/expire.ts';
import { sweepLeases } from '#core/jobs/lease.ts';
import { sweepOutbox } from '#core/jobs/relay.ts';
import { limits } from '#core/limits.ts';
import { processJob, type WorkerPorts } from './process-job.ts';

/**
 * The worker's loop:
 *
 *     receiving --delivery--> processing one job --any outcome--> receiving
 *     receiving --store or queue down--> waiting, 1 s doubled up to 30 s --> receiving
 *     any --drain--> the running job is given back --> returns
 *
 * Beside it a sweeper runs on a timer, so that owed messages, dead leases and deletes do not wait for a job.
 */
export async function runWorker(
  ports: WorkerPorts,
  options: { drain: AbortSignal; recover?: () => Promise<void> | void },
): Promise<void> {
  const { drain } = options;
  const sweeping = sweepUntil(ports, drain, options.recover);
  for (let failures = 0; !drain.aborted; ) {
    try {
      const waitMs = limits.queueWaitSeconds * 1000;
      const delivery = await ports.queue.receive({ leaseSeconds: limits.leaseSeconds, waitMs, signal: drain });
      if (delivery !== undefined) await processJob(ports, delivery, drain);
      failures = 0;
    } catch (error) {
      failures++;
      report(ports, 'worker loop failed', error);
      await sleep(Math.min(30_000, 1_000 * 2 ** (failures - 1)), undefined, { signal: drain }).catch(() => undefined);
    }
  }
  await sweeping;
}

async function sweepUntil(ports: WorkerPorts, drain: AbortSignal, recover?: () => Promise<void> | void): Promise<void> {
  while (!drain.aborted) {
    for (const sweep of [async () => recover?.(), sweepOutbox, sweepLeases, expire]) {
      await sweep(ports).catch(error => report(ports, 'sweep failed', error));
      if (drain.aborted) return;
    }
    await sleep(limits.sweepEverySeconds * 1000, undefined, { signal: drain }).catch(() => undefined);
  }
}

function report(ports: WorkerPorts, message: string, error: unknown): void {
  const code = error instanceof ReelayError ? error.code : 'internal';
  const at = error instanceof Error ? error.stack?.split('\n').slice(0, 5) : undefined;
  ports.log('error', message, { code, at: code === 'internal' ? at : undefined });
}
