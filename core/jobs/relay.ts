import type { Accounts } from '../accounts/accounts.ts';
import { settleJob } from '../accounts/admit.ts';
import type { AuditPort } from '../audit/audit-port.ts';
import type { BudgetEvent, CloudEvent, OutboxEntry } from '../events.ts';
import { isTerminal, type Job } from '../job.ts';
import { limits } from '../limits.ts';
import type { BlobStore, Delivery, EventBus, JobQueue, JobStore, KeyValueStore } from '../ports.ts';
import { sweepEach } from './sweep.ts';
import { type HeadPorts, servedHeads } from './unserved.ts';

/** What telling the outside needs. */
export interface RelayPorts {
  readonly store: JobStore;
  readonly queue: JobQueue;
  /** Where jobs go that the workers gave up. */
  readonly deadLetters: JobQueue;
  readonly events: EventBus;
  readonly blobs: BlobStore;
  readonly kv: KeyValueStore;
  /** Makes the webhook deliveries that an event calls for durable; again is fine. */
  readonly enqueueDeliveries: (event: CloudEvent | BudgetEvent, webhookUrl: string | null) => Promise<void>;
  /** Settles what ended jobs hold. */
  readonly accounts: Pick<Accounts, 'ledger' | 'sweep' | 'tenant'>;
  /** Who did what to what: every verb tells it. */
  readonly audit: AuditPort;
  readonly now: () => number;
}

/**
 * Pays what a record owes, then takes it off the record. Paid twice if the second write fails: allowed, everything here can repeat.
 * One that fails does not keep the others; the first failure is thrown at the end and its entry stays on the record.
 */
export async function relay(ports: RelayPorts, job: Job): Promise<void> {
  if (job.outbox.length === 0) return;
  const paid: string[] = [];
  const failures: unknown[] = [];
  for (const entry of job.outbox)
    await pay(ports, job, entry).then(
      () => paid.push(entry.id),
      error => failures.push(error),
    );
  if (paid.length > 0) await ports.store.clearOutbox(job.id, paid);
  if (failures.length > 0) throw failures[0];
}

/** What cannot be paid now goes behind what others owe, so that a hundred such debts do not keep the next from being seen. */
async function putBehind(ports: RelayPorts, job: Job): Promise<void> {
  const now = await ports.store.load(job.id);
  if (now === undefined) return;
  const dueAtMs = ports.now() + limits.unpaidDelaySeconds * 1000;
  const outbox = now.outbox.map(entry => ({ ...entry, dueAtMs }));
  const { status, attempt, version } = now;
  await ports.store.transition(job.id, { status, attempt, version }, { outbox }); // lost the race: the next sweep does it
}

async function pay(ports: RelayPorts, job: Job, entry: OutboxEntry): Promise<void> {
  switch (entry.kind) {
    case 'message': {
      const delay = entry.delaySeconds > 0 ? { delaySeconds: entry.delaySeconds } : {};
      return ports.queue.send({ v: 1, jobId: job.id }, delay);
    }
    case 'dead_letter':
      return ports.deadLetters.send({ v: 1, jobId: job.id, reason: entry.reason });
    case 'settle':
      await settleJob(ports.accounts.ledger, job);
      return;
    case 'audit':
      return ports.audit.record(entry.event);
    case 'removal':
      for (const prefix of entry.prefixes) await ports.blobs.deletePrefix(prefix);
      return;
    case 'event':
      await ports.events.publish(entry.event);
      return ports.enqueueDeliveries(entry.event, job.webhookUrl);
  }
}

/** Pays what was owed for longer than the grace: the payer died or its target was out. Returns how many records it relieved. */
export async function sweepOutbox(ports: RelayPorts): Promise<number> {
  const due = await ports.store.listOutboxDue(ports.now() - limits.outboxGraceSeconds * 1000, limits.sweepBatch);
  return sweepEach(due, job =>
    relay(ports, job).catch(async error => {
      await putBehind(ports, job);
      throw error;
    }),
  );
}

/**
 * Sends tokens again when jobs wait and the queue holds none: messages that a queue lost, or moved to its dead letter queue after too
 * many receives. More tokens than jobs do no harm. Returns how many it sent.
 */
export async function sweepLostMessages(ports: HeadPorts): Promise<number> {
  const heads = await servedHeads(ports);
  if (heads[0] === undefined || (await ports.queue.depth()) > 0) return 0;
  const missing = Math.min(limits.sweepBatch, await ports.store.countQueued(limits.sweepBatch));
  for (let n = 0; n < missing; n++) {
    const head = heads[n % heads.length]!;
    await ports.queue.send({ v: 1, jobId: head.id });
  }
  return missing;
}

/**
 * A letter without a reason was put on the dead letter queue by the queue itself, after too many receives: if its job is not over, the
 * job gets a token again. Our own letters are shown again afterwards. Returns how many it rescued.
 */
export async function sweepDeadLetters(ports: RelayPorts): Promise<number> {
  if ((await ports.deadLetters.depth()) === 0) return 0;
  const own: Delivery[] = [];
  let rescued = 0;
  try {
    while (own.length < limits.sweepBatch && rescued < limits.sweepBatch) {
      const letter = await ports.deadLetters.receive({ leaseSeconds: limits.letterLeaseSeconds, waitMs: 0 });
      if (letter === undefined) break;
      if (letter.message.reason !== undefined) {
        own.push(letter);
        continue;
      }
      const job = await ports.store.load(letter.message.jobId);
      if (job !== undefined && !isTerminal(job.status)) await ports.queue.send({ v: 1, jobId: job.id });
      await ports.deadLetters.ack(letter);
      rescued++;
    }
  } finally {
    for (const letter of own) await ports.deadLetters.release(letter, 0).catch(() => undefined); // shown later by itself
  }
  return rescued;
}
