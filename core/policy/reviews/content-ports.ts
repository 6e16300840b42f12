import type { Principal } from '../../accounts/authenticate.ts';
import { type AuditName, type AuditPort, askedBy } from '../../audit/audit-port.ts';
import type { PreparedPolicy } from '../content/prepare-policy.ts';
import type { KeyedPorts } from './installation-key.ts';

/** What an installation says of content. */
export interface ContentPolicies {
  /** A tenant's policy: the floor, and on top of it the tenant's file where it has one. */
  readonly policyOf: (tenant: string) => PreparedPolicy;
}

/** What asking the content policy needs. */
export interface ContentPorts extends KeyedPorts {
  readonly content: ContentPolicies;
  /** Told of each refusal, with its rules. */
  readonly audit: AuditPort;
  readonly now: () => number;
}

/**
 * Who somebody is to the queue of reviews: a key with all that it was rotated into, in its tenant. Whoever has no key is one person, the
 * operator at the machine: Reelay knows keys, and a person who was given two of them is two persons to it.
 */
export function personOf(tenant: string, principal?: Pick<Principal, 'keyId' | 'budgetKey'>): string {
  return `${tenant}/${principal?.budgetKey ?? principal?.keyId ?? 'local'}`;
}

/** The same as the audit ledger names them: the first key of that purpose, or the tenant. */
export function actorOf(person: string): AuditName {
  const at = person.lastIndexOf('/');
  const [tenant, id] = [person.slice(0, at), person.slice(at + 1)];
  return askedBy({ tenant, keyId: id === 'local' ? null : id });
}
