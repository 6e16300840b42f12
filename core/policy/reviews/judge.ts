/**
 * What the policy's answer makes of a job.
 *
 *     allow   the job is made, with the answer on its record
 *     review  the job is made and waits for a person: no queue has it, so nobody leases it; its item is there before it is
 *     deny    a refusal is noted, without texts, and thrown; no job, no money held
 */
import { ReelayError } from '../../errors.ts';
import type { Job, JobContent, JobReview } from '../../job.ts';
import { limits } from '../../limits.ts';
import { contentLimits } from '../content/content-limits.ts';
import type { PolicyDecision } from '../content/decide.ts';
import { denialOf, policyRefusal } from '../content/policy-refusal.ts';
import { openReview, type ReviewItem } from '../content/review.ts';
import { type Asked, askPolicy, markOf, promptMarkOf } from './ask.ts';
import { actorOf, type ContentPorts } from './content-ports.ts';
import { type Keyed, keyedOf } from './installation-key.ts';
import { type ReviewRecord, recordOf, refusalSpace, reviewSpace, timesOf } from './review-record.ts';

const DAY_MS = 86_400_000;

/** What goes on a job's record. */
export interface Judged {
  readonly content: JobContent;
  readonly review: JobReview | null;
}

/** Asks about a job that is to be made. Throws `policy_denied` or `likeness_consent_required`, with nothing written but the refusal. */
export async function judge(ports: ContentPorts, asked: Asked, jobId: string): Promise<Judged> {
  const decision = await askPolicy(ports, asked);
  if (decision.outcome === 'deny') throw await refused(ports, asked, decision, null);
  return judgedOf(ports, asked, decision, jobId);
}

/**
 * Refuses what would be denied and makes nothing: a quote, and a line of a batch, which is asked about before any line is a job. Returns
 * what else the answer is. Throws as `judge` does.
 */
export async function refuseDenied(ports: ContentPorts, asked: Asked): Promise<PolicyDecision> {
  const decision = await askPolicy(ports, asked);
  if (decision.outcome === 'deny') throw await refused(ports, asked, decision, null);
  return decision;
}

/**
 * Asks again about a job that is about to be rendered. undefined: it may go on. Otherwise a person has to look at it, and its item is
 * there. Throws as `judge` does.
 */
export async function judgeAgain(ports: ContentPorts, asked: Asked, job: Job): Promise<Judged | undefined> {
  const decision = await askPolicy(ports, asked);
  if (decision.outcome === 'deny') throw await refused(ports, asked, decision, job.id);
  if (decision.outcome === 'allow') return undefined;
  if (job.review?.state === 'approved' && job.review.policyHash === decision.policyHash) return undefined;
  const again = await judgedOf(ports, asked, decision, job.id);
  if (again.review?.state !== 'waiting') return undefined;
  await openJobReview(ports, asked, job.id, again);
  return again;
}

async function judgedOf(ports: ContentPorts, asked: Asked, decision: PolicyDecision, jobId: string): Promise<Judged> {
  const { outcome, rules, policyHash, consents } = decision;
  const content = { outcome: outcome as 'allow' | 'review', rules, policyHash, consents, requester: asked.requester };
  if (outcome === 'allow') return { content, review: null };
  const keyed = await keyedOf(ports);
  const id = itemId(keyed, asked, policyHash, jobId);
  const passed = (await answered(ports, asked.tenant, id)) ?? (await passOf(ports, keyed, asked, policyHash));
  if (passed !== undefined) return { content, review: { id: passed, state: 'approved', policyHash, dueAtMs: 0 } };
  const dueAtMs = ports.now() + contentLimits.reviewHours * 3_600_000;
  return { content, review: { id, state: 'waiting', policyHash, dueAtMs } };
}

/**
 * The item of this job and policy where it was approved before: another policy asked in between. undefined: nobody has decided. A job must
 * not wait for a decided one, which nobody decides again. Throws `policy_denied` where it was not approved.
 */
async function answered({ kv }: ContentPorts, tenant: string, id: string): Promise<string | undefined> {
  const entry = await kv.get(reviewSpace(tenant), id);
  const item = entry && recordOf(entry).item;
  if (item === undefined || item.state === 'waiting') return undefined;
  if (item.state === 'approved') return id;
  throw new ReelayError('policy_denied', denialOf(item));
}

/** Puts the item of a job that is to wait into the queue; again is fine. Before the job: a job without its item would wait for nobody. */
export async function openJobReview(
  ports: ContentPorts,
  asked: Asked,
  jobId: string,
  { content, review }: Judged,
): Promise<void> {
  if (review?.state !== 'waiting') return;
  const nowMs = ports.now();
  const decision = { ...content, outcome: 'review', told: [], consentRequired: false, floor: '' } as const;
  const item = openReview(decision, { id: review.id, tenant: asked.tenant, requester: asked.requester }, nowMs);
  const record = newRecord(await keyedOf(ports), asked, item, jobId);
  const entry = { space: reviewSpace(asked.tenant), name: item.id, value: record, ...timesOf(record) };
  await ports.kv.create(entry);
}

/** Notes which job was made with which consents, so that revoking one finds it; again is fine. Before the job, for the same reason. */
export async function noteConsents(ports: ContentPorts, { consents }: JobContent, jobId: string): Promise<void> {
  const expiresAtMs = ports.now() + (contentLimits.maxConsentDays + limits.artifactDays) * DAY_MS;
  for (const id of consents)
    await ports.kv.put({ space: outputSpace(id), name: jobId, value: { v: 1 }, expiresAtMs, dueAtMs: null });
}

/** Where the jobs are listed that were made with a consent. */
export const outputSpace = (consentId: string): string => `policy_outputs/${consentId}`;

/** Where it is noted that a person allowed what somebody asked for. */
export function passPlace(keyed: Keyed, tenant: string, requester: string, mark: string) {
  return { space: `policy_passes/${tenant}`, name: keyed('pass', `${requester}\n${mark}`) };
}

async function passOf(
  ports: ContentPorts,
  keyed: Keyed,
  asked: Asked,
  policyHash: string,
): Promise<string | undefined> {
  const { space, name } = passPlace(keyed, asked.tenant, asked.requester, markOf(keyed, asked));
  const entry = await ports.kv.get(space, name);
  if (entry === undefined || entry.expiresAtMs === null || entry.expiresAtMs <= ports.now()) return undefined;
  const pass = entry.value as { readonly id: string; readonly policyHash: string };
  return pass.policyHash === policyHash ? pass.id : undefined;
}

/** The same request, refused by the same policy again, is the same item. */
function itemId(keyed: Keyed, asked: Asked, policyHash: string, about: string): string {
  return `rev_${keyed('item', [asked.tenant, asked.requester, about, policyHash].join('\n')).slice(0, 32)}`;
}

function newRecord(keyed: Keyed, asked: Asked, item: ReviewItem, jobId: string | null): ReviewRecord {
  const marks = { mark: markOf(keyed, asked), promptMark: promptMarkOf(keyed, asked) };
  return { v: 1, item, jobId, residency: asked.residency, ...marks, appeal: null };
}

/** The error of a refusal, after it was noted for an appeal. A store that cannot note it changes nothing about the refusal; a ledger that
 * cannot be told leaves the request unanswered. Throws `store_unavailable`. */
async function refused(
  ports: ContentPorts,
  asked: Asked,
  decision: PolicyDecision,
  jobId: string | null,
): Promise<ReelayError> {
  const { code, message, param } = policyRefusal(decision)!;
  const id = await noteRefusal(ports, asked, decision, jobId).catch(() => undefined);
  // Which rules they were is for the ledger, and not for whoever was refused.
  const { rules, policyHash: policy } = decision;
  const object =
    jobId === null ? ({ kind: 'review', name: id ?? 'unnoted' } as const) : ({ kind: 'job', name: jobId } as const);
  const told = { actor: actorOf(asked.requester), action: 'policy.refuse', object };
  await ports.audit.record({ ...told, decision: { outcome: 'deny', rules, policy } });
  const named = id === undefined ? message : `${message} This refusal is ${id}.`;
  return new ReelayError(code, named, param === null ? {} : { problems: [{ path: param, message: named }] });
}

async function noteRefusal(
  ports: ContentPorts,
  asked: Asked,
  decision: PolicyDecision,
  jobId: string | null,
): Promise<string> {
  const keyed = await keyedOf(ports);
  const { tenant, requester } = asked;
  const id = itemId(keyed, asked, decision.policyHash, jobId ?? markOf(keyed, asked));
  const item = openReview({ ...decision, outcome: 'deny' }, { id, tenant, requester }, ports.now());
  const record = newRecord(keyed, asked, item, jobId);
  await ports.kv.put({ space: refusalSpace(tenant), name: id, value: record, ...timesOf(record) });
  return id;
}
