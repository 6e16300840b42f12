/** How a verb tells the ledger what was decided: in names of ours, which become pseudonyms before anything is written. */
import type { Hmac, PseudonymKind } from './pseudonym.ts';
import { pseudonymOf, systemActor } from './pseudonym.ts';
import type { AuditDecision, AuditEntry } from './record.ts';

/** Somebody or something by its own name; the name never leaves the process. */
export interface AuditName {
  readonly kind: PseudonymKind;
  readonly name: string;
}

/** Who did it: somebody, or a part of Reelay by its word (`worker`, `sweep`, `command`). */
export type AuditActor = AuditName | { readonly system: string };

/** One decision, as the verb that made it knows it. */
export interface AuditEvent {
  readonly actor: AuditActor;
  /** `noun.verb`: `job.submit`. */
  readonly action: string;
  readonly object: AuditName;
  readonly decision: Pick<AuditDecision, 'outcome'> & Partial<AuditDecision>;
}

/** The ledger as verbs and sweeps know it. */
export interface AuditPort {
  /** Durable when it resolves. Throws `store_unavailable`, and `invalid_request` for what a ledger must not hold. */
  readonly record: (event: AuditEvent) => Promise<void>;
  /** Closes segments that are full or old, this process's and those whose process is gone. Throws `store_unavailable`. */
  readonly sweep: () => Promise<void>;
}

/** Whoever asks: the key, or the tenant where there is none. */
export function askedBy(who: { readonly tenant: string; readonly keyId?: string | null }): AuditName {
  const { tenant, keyId = null } = who;
  return keyId === null ? { kind: 'tenant', name: tenant } : { kind: 'key', name: keyId };
}

/** What the ledger holds of an event. */
export function entryOf(hmac: Hmac, { actor, action, object, decision }: AuditEvent): AuditEntry {
  return {
    actor: 'system' in actor ? systemActor(actor.system) : pseudonymOf(hmac, actor.kind, actor.name),
    action,
    object: pseudonymOf(hmac, object.kind, object.name),
    decision: { rules: [], policy: null, ...decision },
  };
}
