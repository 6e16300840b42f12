/** What the audit ledger is told of a submit, a cancel and a delete. */
import { type AuditActor, type AuditEvent, type AuditPort, askedBy } from '../audit/audit-port.ts';
import { type ErrorCode, ReelayError } from '../errors.ts';
import type { OutboxEntry } from '../events.ts';
import type { Job } from '../job.ts';

/**
 * The record of an accepted job, owed by the job's own: there is no job without it, and a ledger that is out delays it and nothing else.
 */
export function owedSubmit(job: Job): OutboxEntry {
  const { id, redriveOf, content, createdAtMs } = job;
  const event: AuditEvent = {
    actor: askedBy(job),
    action: redriveOf === null ? 'job.submit' : 'job.redrive',
    object: { kind: 'job', name: id },
    decision: {
      outcome: content?.outcome ?? 'allow',
      rules: content?.rules ?? [],
      policy: content?.policyHash ?? null,
    },
  };
  return { kind: 'audit', id: `${id}/audit`, dueAtMs: createdAtMs, event };
}

/** Refusals that are decisions: of the policy, of money, of what a tenant may have, of where it may be made. A typing error is none. */
const DECISIONS: ReadonlySet<ErrorCode> = new Set([
  ...(['policy_denied', 'likeness_consent_required', 'residency_unsatisfiable'] as const),
  ...(['budget_exceeded', 'max_cost_exceeded', 'tenant_limit'] as const),
]);

/**
 * Tells of a refusal where the error is one, before anybody hears of it. `id`: of the job that would have been; undefined: there was none
 * yet, and it is told of who asked. Throws `store_unavailable`: a refusal that cannot be told is none yet, and may be asked for again.
 */
export async function tellRefusal(
  audit: Pick<AuditPort, 'record'>,
  asked: { readonly tenant: string; readonly keyId: string | null },
  id: string | undefined,
  error: unknown,
): Promise<void> {
  if (!(error instanceof ReelayError) || !DECISIONS.has(error.code)) return;
  const actor = askedBy(asked);
  await audit.record({
    actor,
    action: 'job.submit',
    object: id === undefined ? actor : { kind: 'job', name: id },
    decision: { outcome: 'deny', rules: [error.code] },
  });
}

/** Tells of a cancel or a delete that is allowed, before it is done. Throws `store_unavailable`, and nothing is done. */
export function tellAllowed(
  audit: Pick<AuditPort, 'record'>,
  job: Pick<Job, 'id'>,
  action: 'job.cancel' | 'job.delete',
  actor: AuditActor,
): Promise<void> {
  return audit.record({ actor, action, object: { kind: 'job', name: job.id }, decision: { outcome: 'allow' } });
}
