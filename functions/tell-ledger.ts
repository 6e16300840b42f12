import { type AuditName, askedBy } from '#core/audit/audit-port.ts';
import type { AuditDecision } from '#core/audit/record.ts';
import type { Deps } from './deps.ts';
import type { ApiEvent } from './middleware.ts';

/** Tells the audit ledger what a request may do, or has done; the answer waits for it. Throws `store_unavailable`. */
export function tellLedger(
  { audit }: Pick<Deps, 'audit'>,
  { principal }: Pick<ApiEvent, 'principal'>,
  action: string,
  object: AuditName,
  outcome: AuditDecision['outcome'] = 'allow',
): Promise<void> {
  return audit.record({ actor: askedBy(principal), action, object, decision: { outcome } });
}
