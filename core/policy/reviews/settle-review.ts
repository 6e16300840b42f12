/** What a decision of the queue does to the job, and the timer that decides where nobody did. */
import { ReelayError } from '../../errors.ts';
import { isInReview, isTerminal, type Job } from '../../job.ts';
import { endJob } from '../../jobs/end.ts';
import { owedMessage } from '../../jobs/new-job.ts';
import { type RelayPorts, relay } from '../../jobs/relay.ts';
import { sweepEach } from '../../jobs/sweep.ts';
import { limits } from '../../limits.ts';
import type { KeyValueEntry } from '../../ports.ts';
import { contentLimits } from '../content/content-limits.ts';
import { denialOf } from '../content/policy-refusal.ts';
import { expireReview, type ReviewItem } from '../content/review.ts';
import { isReached, recordOf, timesOf, withoutTexts } from './review-record.ts';

/**
 * Carries out what an item says about its job, then takes it off the sweep's list; again is fine. An approved job owes its message from
 * then on, a denied one has failed and gives back what was held for it.
 */
export async function settleReview(ports: RelayPorts, entry: KeyValueEntry): Promise<void> {
  const record = recordOf(entry);
  const isOver = record.jobId === null || (await settleJob(ports, record.jobId, record.item));
  const times = isOver ? timesOf(record) : { dueAtMs: ports.now() + contentLimits.lookAgainMs };
  await ports.kv.replace({ ...entry, ...times }); // lost the race: whoever was faster settles it
}

/** false: the job may come to wait for this item yet. Its worker opens the item first and parks the job then, and may die in between. */
async function settleJob(ports: RelayPorts, jobId: string, item: ReviewItem): Promise<boolean> {
  for (let tries = 0; tries < 8; tries++) {
    const job = await ports.store.load(jobId);
    if (job === undefined || isTerminal(job.status)) return true;
    if (!isInReview(job) || job.review?.id !== item.id) return item.state === 'approved';
    const after = item.state === 'approved' ? await release(ports, job) : await deny(ports, job, item);
    if (after === undefined) continue; // a sweep was at its outbox
    await relay(ports, after).catch(() => undefined); // the record owes it
    return true;
  }
  throw new ReelayError('store_unavailable', 'The job of a review is being written by many at once.');
}

function release(ports: RelayPorts, job: Job): Promise<Job | undefined> {
  const { status, attempt, version } = job;
  const review = { ...job.review!, state: 'approved' } as const;
  const outbox = [...job.outbox, owedMessage(`${job.id}/${review.id}`, ports.now())];
  return ports.store.transition(job.id, { status, attempt, version }, { review, outbox });
}

function deny(ports: RelayPorts, job: Job, item: ReviewItem): Promise<Job | undefined> {
  const error = { code: 'policy_denied', message: denialOf(item) };
  return endJob(ports.store, job, { status: 'failed', error, nowMs: ports.now() }, job.version);
}

/** Takes a running job back to wait for a person. No message is owed: there is one when somebody approves. undefined: it moved on. */
export function parkJob(
  { store }: Pick<RelayPorts, 'store'>,
  job: Job,
  judged: Pick<Job, 'content' | 'review'>,
): Promise<Job | undefined> {
  return store.transition(
    job.id,
    { status: 'in_progress', attempt: job.attempt, notCancelled: true },
    { status: 'queued', ...judged, progress: null, lease: null, notBeforeMs: 0 },
  );
}

/** Decides what nobody decided in time, and finishes what a crash left half done. Returns how many items it saw to. */
export async function sweepReviews(ports: RelayPorts & { readonly enclave?: string }): Promise<number> {
  const nowMs = ports.now();
  const due = await ports.kv.listDue('policy_reviews', nowMs, limits.sweepBatch);
  const own = (entry: KeyValueEntry) => isReached(ports.enclave, recordOf(entry));
  const left = due.filter(entry => !own(entry) && nowMs - (entry.dueAtMs ?? nowMs) > limits.referenceGraceMs);
  // Those of a class that nobody opens any more go behind the others, or so many of them would hide what can be swept.
  await sweepEach(left, entry => ports.kv.replace({ ...entry, dueAtMs: nowMs }));
  return sweepEach(due.filter(own), async entry => {
    const record = recordOf(entry);
    const item = expireReview(record.item, nowMs);
    const isNew = item !== record.item;
    const value = { ...record, item, ...(isNew ? withoutTexts(record) : {}) };
    const written = isNew ? await ports.kv.replace({ ...entry, value, dueAtMs: nowMs }) : entry;
    if (written !== undefined) await settleReview(ports, written);
  });
}
