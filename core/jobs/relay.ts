import type { Job } from '../job.ts';
import { limits } from '../limits.ts';
import type { EventBus, JobQueue, JobStore } from '../ports.ts';
import { sweepEach } from './sweep.ts';

/** What telling the outside needs. */
export interface RelayPorts {
  readonly store: JobStore;
  readonly queue: JobQueue;
  readonly events: EventBus;
  readonly now: () => number;
}

/** Sends what a record owes, messages and events, then takes it off the record. Sent twice if the second write fails: allowed. */
export async function relay(ports: RelayPorts, job: Job): Promise<void> {
  if (job.outbox.length === 0) return;
  for (const entry of job.outbox)
    if (entry.kind === 'event') await ports.events.publish(entry.event);
    else
      await ports.queue.send(
        { v: 1, jobId: job.id },
        entry.delaySeconds > 0 ? { delaySeconds: entry.delaySeconds } : {},
      );
  await ports.store.clearOutbox(
    job.id,
    job.outbox.map(entry => entry.id),
  );
}

/** Sends what was owed for longer than the grace: the sender died or its target was out. Returns how many records it relieved. */
export async function sweepOutbox(ports: RelayPorts): Promise<number> {
  const due = await ports.store.listOutboxDue(ports.now() - limits.outboxGraceSeconds * 1000, limits.sweepBatch);
  return sweepEach(due, job => relay(ports, job));
}
