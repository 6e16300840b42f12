import { ReelayError } from '#core/errors.ts';
import { limits } from '#core/limits.ts';
import type { Delivery, JobQueue } from '#core/ports.ts';
import type { Heartbeat } from './heartbeat.ts';

interface AckPorts {
  readonly queue: JobQueue;
}

/** The message that brought the job, if it is still this worker's. */
export async function ackOwn(ports: AckPorts, heartbeat: Heartbeat): Promise<void> {
  const delivery = heartbeat.delivery();
  if (delivery !== undefined) await ack(ports, delivery);
}

/** A message that was shown to someone else meanwhile is theirs to ack. */
export async function ack(ports: AckPorts, delivery: Delivery): Promise<void> {
  await ports.queue.ack(delivery).catch(ignoreLost);
}

function ignoreLost(error: unknown): void {
  if (!(error instanceof ReelayError && error.code === 'lease_lost')) throw error;
}

/** Shown again after so long; one that SQS has counted too often is sent afresh. */
export async function postpone(ports: AckPorts, delivery: Delivery, seconds: number): Promise<void> {
  if (delivery.receiveCount < limits.maxReceives) return ports.queue.release(delivery, seconds).catch(ignoreLost);
  await ports.queue.send({ v: 1, jobId: delivery.message.jobId }, { delaySeconds: seconds });
  await ack(ports, delivery);
}
