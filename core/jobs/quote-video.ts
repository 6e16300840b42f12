/** What a request would cost, and what stands against it now: everything that `submit` asks; no job is written and no hold. */
import { offer } from '../accounts/admit.ts';
import { localPrincipal, type Principal } from '../accounts/authenticate.ts';
import type { Quote } from '../accounts/quote.ts';
import { refusedError } from '../accounts/refused-error.ts';
import { type ErrorCode, ReelayError } from '../errors.ts';
import type { Job } from '../job.ts';
import { newJobId } from '../job-id.ts';
import { limits } from '../limits.ts';
import { askedOf } from '../policy/reviews/ask.ts';
import { personOf } from '../policy/reviews/content-ports.ts';
import { refuseDenied } from '../policy/reviews/judge.ts';
import { parseSubmission, type Submission } from '../video-request.ts';
import { newJob } from './new-job.ts';
import { readStandings, type Standing } from './standing.ts';
import type { SubmitPorts } from './submit.ts';

/** The answer to "what would this cost, and would it be taken". */
export interface VideoQuote {
  /** undefined where it has no price here. */
  readonly terms: Quote | undefined;
  readonly eta: Standing['eta'];
  /** Whether the job would wait for a person before it is rendered. */
  readonly needsReview: boolean;
  /** Every refusal that it would meet now; with none it would be taken. */
  readonly reasons: readonly ReelayError[];
}

/**
 * Quotes a request. Throws what is wrong with it in itself, as `submit` does; what stands against a sound one are `reasons`. A refusal by
 * the policy is told to the ledger. Throws `store_unavailable` too.
 */
export async function quoteVideo(
  ports: SubmitPorts,
  tenant: string,
  input: unknown,
  asking?: Principal,
): Promise<VideoQuote> {
  const nowMs = ports.now();
  const { models, checkWebhookUrl: checkUrl, accounts, kv, store, now } = ports;
  const submission = parseSubmission(input, models, { seed: 0, nowMs, checkUrl, residency: ports, isQuote: true });
  const principal = asking ?? localPrincipal(await accounts.tenant(tenant));
  const { request, maxCost } = submission;
  const offered = await offer({ ...accounts, kv, store, now }, principal, request, maxCost ?? undefined);
  const content = await contentVerdict(ports, tenant, submission, principal);
  const eta = (await readStandings(ports, [planned(ports, tenant, submission, principal)])).values().next().value?.eta;
  const reasons = [
    ...(await queueReasons(ports)),
    ...lateReasons(submission, eta ?? null),
    ...content.reasons,
    ...offered.reasons.map(refusedError),
  ];
  return { terms: offered.quote, eta: eta ?? null, needsReview: content.needsReview, reasons };
}

/** The policy's answer. A refusal is noted as that of a create is: nobody tries the policy out without a trace. */
async function contentVerdict(ports: SubmitPorts, tenant: string, { request, file }: Submission, principal: Principal) {
  const who = { tenant, requester: personOf(tenant, principal) };
  try {
    const decision = await refuseDenied(ports, askedOf(request, file === null ? null : ports.sha256(file.bytes), who));
    return { needsReview: decision.outcome === 'review', reasons: [] };
  } catch (error) {
    if (!(error instanceof ReelayError) || !REFUSALS.has(error.code)) throw error;
    return { needsReview: false, reasons: [error] };
  }
}

const REFUSALS: ReadonlySet<ErrorCode> = new Set(['policy_denied', 'likeness_consent_required'] as const);

async function queueReasons({ store, maxQueuedJobs = limits.maxQueuedJobs }: SubmitPorts): Promise<ReelayError[]> {
  if ((await store.countQueued(maxQueuedJobs)) < maxQueuedJobs) return [];
  return [new ReelayError('queue_full', `The queue holds ${maxQueuedJobs} jobs, which is all it may.`)];
}

function lateReasons({ deadlineAtMs }: Submission, eta: Standing['eta']): ReelayError[] {
  if (deadlineAtMs === null || eta === null || eta.earliestMs <= deadlineAtMs) return [];
  const lateSeconds = Math.ceil((eta.earliestMs - deadlineAtMs) / 1000);
  const message = `deadline: the queue is too long for it; at the earliest this job would end ${lateSeconds} s later.`;
  return [new ReelayError('deadline_unattainable', message, { problems: [{ path: 'deadline', message }] })];
}

/** The job that would be made, to ask where it would stand. */
function planned(ports: SubmitPorts, tenant: string, submission: Submission, principal: Principal): Job {
  const nowMs = ports.now();
  const id = newJobId(nowMs, ports.random(10), submission.request.residency);
  const made = { id, remixOf: null, subject: null, principal, beganAtMs: nowMs, modelDigest: '' };
  const deletedSince = () => new ReelayError('not_found', 'A quote makes no job.');
  return newJob(tenant, submission, { ...made, deletedSince, acceptedAt: ports.place }, nowMs);
}
