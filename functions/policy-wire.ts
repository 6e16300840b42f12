import type { Job } from '#core/job.ts';
import type { ConsentedOutput, ConsentRecord } from '#core/policy/content/consent.ts';
import type { Reviewer } from '#core/policy/content/review.ts';
import { personOf } from '#core/policy/reviews/content-ports.ts';
import type { ReviewRecord } from '#core/policy/reviews/review-record.ts';
import type { ApiEvent } from './middleware.ts';

/** Who a caller is to the queue of reviews; an operator sees every tenant's. */
export function reviewerOf({ principal, tenant }: Pick<ApiEvent, 'principal' | 'tenant'>): Reviewer {
  const { scopes } = principal;
  const role = scopes.includes('policy:admin')
    ? 'operator'
    : scopes.includes('policy:review')
      ? 'reviewer'
      : 'requester';
  return { person: personOf(tenant, principal), tenant, role };
}

/** Whose queue a reviewer asks about: an operator may name a tenant, everybody else has their own. */
export function queueOf(who: Reviewer, named: string | undefined): string {
  return who.role === 'operator' && named !== undefined ? named : who.tenant;
}

/** An item of the queue, for reviewers. */
export function toReview({ item, jobId, appeal }: ReviewRecord) {
  return {
    id: item.id,
    object: 'policy.review',
    tenant: item.tenant,
    state: item.state,
    verdict: item.verdict,
    rules: item.rules,
    policy_hash: item.policyHash,
    video_id: jobId,
    due_at: seconds(item.dueAtMs),
    decided_by: item.decidedBy,
    decided_at: item.decidedAtMs === null ? null : seconds(item.decidedAtMs),
    views: item.views.map(({ by, atMs }) => ({ by, at: seconds(atMs) })),
    appeal: appeal === null ? null : { reason: appeal.reason, created_at: seconds(appeal.atMs) },
  };
}

/** An item as its reviewer reads it. A reference is told and not shown: its picture never leaves by this door. */
export function toReviewView(record: ReviewRecord, job: Job | undefined) {
  const texts = job === undefined ? record.appeal?.texts : undefined;
  const { reference = null } = job?.request ?? {};
  return {
    ...toReview(record),
    prompt: job?.request.prompt ?? texts?.prompt ?? null,
    negative_prompt: job?.request.negative_prompt ?? texts?.negativePrompt ?? null,
    reference:
      reference === null
        ? null
        : { content_type: reference.contentType, bytes: reference.bytes, sha256: reference.sha256 },
    blurred: record.item.blurred,
  };
}

/** What an objector is told. */
export function toAppeal({ item }: ReviewRecord) {
  return { id: item.id, object: 'policy.appeal', state: item.state, due_at: seconds(item.dueAtMs) };
}

/** A consent record; it names nobody, and what it holds are hashes. */
export function toConsent(record: ConsentRecord) {
  return {
    id: record.id,
    object: 'policy.consent',
    subject: record.subject,
    scope: record.scope,
    names: record.nameKeys.length,
    reference_sha256: record.referenceSha256,
    evidence_sha256: record.evidenceSha256,
    valid_from: seconds(record.validFromMs),
    valid_to: seconds(record.validToMs),
    revoked_at: record.revokedAtMs === null ? null : seconds(record.revokedAtMs),
    attested_by: record.proof.kind === 'attestation' ? record.proof.by : null,
  };
}

/** A page of what was made with a consent. */
export function toOutputs({ outputs, next }: { outputs: readonly ConsentedOutput[]; next: string | null }) {
  const data = outputs.map(({ jobId, completedAtMs }) => ({ video_id: jobId, completed_at: seconds(completedAtMs) }));
  return { object: 'list', data, has_more: next !== null, next };
}

function seconds(ms: number): number {
  return Math.floor(ms / 1000);
}
