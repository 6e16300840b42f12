/** The verbs of reviewers: list, look, approve, deny; every one of them on the condition that the item is still the one that was read. */
import { ReelayError } from '../../errors.ts';
import { isInReview, type Job } from '../../job.ts';
import type { RelayPorts } from '../../jobs/relay.ts';
import { limits } from '../../limits.ts';
import type { KeyValueEntry } from '../../ports.ts';
import { contentLimits } from '../content/content-limits.ts';
import { actOnReview, type ReviewAction, type Reviewer, type ReviewRefusal } from '../content/review.ts';
import { actorOf } from './content-ports.ts';
import { type KeyedPorts, keyedOf } from './installation-key.ts';
import { passPlace } from './judge.ts';
import { noSuchItem, type ReviewRecord, readReview, recordOf, reviewSpace, withoutTexts } from './review-record.ts';
import { settleReview } from './settle-review.ts';

/** What reviewing needs. */
export interface QueuePorts extends RelayPorts, KeyedPorts {}

/** A page of the queue. */
export interface ReviewPage {
  readonly records: readonly ReviewRecord[];
  readonly hasMore: boolean;
}

/** How much of the queue, and from where. */
export interface ReviewQuery {
  readonly limit: number;
  readonly after?: string;
  /** Decided ones too. */
  readonly all: boolean;
}

const isOpen = ({ item }: ReviewRecord) => item.state === 'waiting' || item.state === 'appealed';

/** The items of one tenant, by id. */
export async function listReviews(ports: QueuePorts, tenant: string, query: ReviewQuery): Promise<ReviewPage> {
  const found: ReviewRecord[] = [];
  let after = query.after;
  for (;;) {
    const page = await ports.kv.list(reviewSpace(tenant), {
      limit: limits.listMax,
      ...(after === undefined ? {} : { after }),
    });
    found.push(...page.map(recordOf).filter(record => query.all || isOpen(record)));
    after = page.at(-1)?.name;
    if (found.length > query.limit || page.length < limits.listMax) break;
  }
  return { records: found.slice(0, query.limit), hasMore: found.length > query.limit };
}

/** What waits, of all tenants, the most urgent first: an operator's view. */
export async function listOpenReviews(ports: QueuePorts, limit: number): Promise<ReviewPage> {
  const due = await ports.kv.listDue('policy_reviews', Number.MAX_SAFE_INTEGER, limit + 1);
  const records = due.map(recordOf).filter(isOpen);
  return { records: records.slice(0, limit), hasMore: due.length > limit };
}

/** An item as a reviewer has looked at it, with its job where there is one; the look is written down. */
export async function viewReview(
  ports: QueuePorts,
  who: Reviewer,
  tenant: string,
  id: string,
): Promise<{ readonly record: ReviewRecord; readonly job: Job | undefined }> {
  const record = await act(ports, who, tenant, id, 'view');
  const job = record.jobId === null ? undefined : await ports.store.load(record.jobId);
  return { record, job: job?.deletedAtMs === null ? job : undefined };
}

/**
 * Approves or denies. Of an appeal to what the policy itself denied, to approve finds the rule at fault, and nothing is lifted for one
 * request. Throws `not_found`, `forbidden`, and `unsupported_operation` where nothing is left to decide.
 */
export async function decideReview(
  ports: QueuePorts,
  who: Reviewer,
  tenant: string,
  id: string,
  verdict: 'approve' | 'deny',
): Promise<ReviewRecord> {
  const record = (await readReview(ports.kv, tenant, id))?.record;
  if (record === undefined) throw noSuchItem();
  const { item } = record;
  const isAppeal = item.state === 'appealed';
  const approves = isAppeal && item.verdict === 'deny' ? 'find_at_fault' : 'approve';
  const action = verdict === 'approve' ? approves : isAppeal ? 'uphold' : 'deny';
  return act(ports, who, tenant, id, action);
}

async function act(
  ports: QueuePorts,
  who: Reviewer,
  tenant: string,
  id: string,
  action: Exclude<ReviewAction, 'appeal'>,
): Promise<ReviewRecord> {
  for (let tries = 0; tries < 8; tries++) {
    const found = await readReview(ports.kv, tenant, id);
    if (found === undefined || found.entry.space !== reviewSpace(tenant)) throw noSuchItem();
    const { entry, record } = found;
    const done = actOnReview(record.item, action, who, ports.now());
    if ('refusal' in done) throw reviewError(done.refusal);
    await ports.audit.record({
      actor: actorOf(who.person),
      action: action === 'find_at_fault' ? 'review.fault' : `review.${action}`,
      object: record.jobId === null ? { kind: 'review', name: id } : { kind: 'job', name: record.jobId },
      decision: { outcome: 'done', policy: record.item.policyHash },
    });
    const after: ReviewRecord = { ...record, item: done.item, ...(action === 'view' ? {} : withoutTexts(record)) };
    if (action === 'view') {
      if ((await ports.kv.replace({ ...entry, value: after })) !== undefined) return after;
      continue;
    }
    if (record.item.state === 'waiting') await needWaitingJob(ports, record);
    // Due at once: a crash before it is carried out leaves it to the sweep.
    const written = await ports.kv.replace({ ...entry, value: after, dueAtMs: ports.now() });
    if (written === undefined) continue;
    await carryOut(ports, written);
    return after;
  }
  throw new ReelayError('store_unavailable', 'This item is being decided by many at once.');
}

async function carryOut(ports: QueuePorts, entry: KeyValueEntry): Promise<void> {
  const { item, mark } = recordOf(entry);
  if (item.state === 'approved') {
    const place = passPlace(await keyedOf(ports), item.tenant, item.requester, mark);
    const expiresAtMs = ports.now() + contentLimits.passDays * 86_400_000;
    const value = { v: 1, id: item.id, policyHash: item.policyHash };
    await ports.kv.put({ ...place, value, expiresAtMs, dueAtMs: null });
  }
  await settleReview(ports, entry);
}

async function needWaitingJob(ports: QueuePorts, { jobId }: ReviewRecord): Promise<void> {
  const job = jobId === null ? undefined : await ports.store.load(jobId);
  if (job !== undefined && isInReview(job)) return;
  const what = job === undefined || job.deletedAtMs !== null ? 'gone' : job.status;
  throw new ReelayError('unsupported_operation', `The video of this item is ${what}; nothing is left to decide.`);
}

/** An error for whoever acts; a conflict is theirs to understand and no reason to try again. */
export function reviewError({ code, message }: ReviewRefusal): ReelayError {
  if (code === 'not_found') return noSuchItem();
  return new ReelayError(code === 'forbidden' ? 'forbidden' : 'unsupported_operation', message);
}
