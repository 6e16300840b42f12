import { ReelayError } from '../errors.ts';
import { isTerminal, type Job } from '../job.ts';
import { limits } from '../limits.ts';
import type { Delivery, QueueMessage } from '../ports.ts';
import { type SubmitPorts, submitAgain } from './submit.ts';

/** A letter with the job it is about; the job is undefined once it was removed. */
export interface DeadLetter {
  readonly message: QueueMessage;
  readonly job: Job | undefined;
}

/** The letters that wait, with their jobs. */
export async function listDeadLetters(
  ports: Pick<SubmitPorts, 'deadLetters' | 'store'>,
  limit: number,
): Promise<readonly DeadLetter[]> {
  const letters = await ports.deadLetters.peek(limit);
  return Promise.all(letters.map(async message => ({ message, job: await ports.store.load(message.jobId) })));
}

/** What to redrive, and how fast. */
export interface RedriveOptions {
  /** Only letters of this error code. */
  readonly reason?: string;
  /** At most so many jobs. */
  readonly limit: number;
  /** Awaited before each job: the caller's rate cap. */
  readonly pace: () => Promise<void>;
}

/** What came of the letters that were looked at. */
export interface Redriven {
  /** New jobs by the id of the old one. */
  readonly jobs: ReadonlyMap<string, Job>;
  /** Why it ended before its time; the letters that are left wait. null: it did not. */
  readonly stopped: string | null;
  /** Letters whose job was removed meanwhile, or is not over, or no longer allowed; the reason by job id. These letters are gone. */
  readonly dropped: ReadonlyMap<string, string>;
}

/**
 * Makes a new job of each dead one: an ended job never changes again, so the new one has its own id, and `redriveOf` names the old.
 * The request is checked again by today's models. A crash in between makes no second job: the old id is the idempotency key. Letters of
 * other reasons are shown again at once. Where the tenant's budget is used up the redrive ends: a later one finds the letters.
 */
export async function redrive(ports: SubmitPorts, options: RedriveOptions): Promise<Redriven> {
  const jobs = new Map<string, Job>();
  const dropped = new Map<string, string>();
  const others: Delivery[] = [];
  let stopped: string | null = null;
  try {
    while (jobs.size < options.limit && others.length < limits.maxLettersPassedOver) {
      const delivery = await ports.deadLetters.receive({ leaseSeconds: limits.letterLeaseSeconds, waitMs: 0 });
      if (delivery === undefined) break;
      const { jobId, reason } = delivery.message;
      if (options.reason !== undefined && reason !== options.reason) {
        others.push(delivery);
        continue;
      }
      await options.pace();
      const made = await redriveOne(ports, jobId);
      if (typeof made === 'object' && 'stopped' in made) {
        others.push(delivery);
        stopped = made.stopped;
        break;
      }
      if (typeof made === 'string') dropped.set(jobId, made);
      else jobs.set(jobId, made);
      await ports.deadLetters.ack(delivery);
    }
  } finally {
    for (const delivery of others) await ports.deadLetters.release(delivery, 0).catch(() => undefined); // shown later by itself
  }
  return { jobs, dropped, stopped };
}

/** The new job, why there never is one, or why there is none now. */
async function redriveOne(ports: SubmitPorts, jobId: string): Promise<Job | string | { readonly stopped: string }> {
  const dead = await ports.store.load(jobId);
  if (dead === undefined || dead.deletedAtMs !== null) return 'its job was deleted';
  if (!isTerminal(dead.status)) return 'its job is not over';
  if (dead.status !== 'failed') return `its job is ${dead.status}`;
  try {
    return await submitAgain(ports, dead);
  } catch (error) {
    if (error instanceof ReelayError && error.code === 'budget_exceeded') return { stopped: error.message };
    if (error instanceof ReelayError && !error.retryable) return error.message;
    throw error;
  }
}
