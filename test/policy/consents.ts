import type { ConsentRecord } from '#core/policy/content/consent.ts';

/** A live record at time 1,000 of the tenant that tests ask as. */
export function consentOf(fields: Partial<ConsentRecord> = {}): ConsentRecord {
  return {
    v: 1,
    id: 'consent_1',
    tenant: 'acme',
    subject: 'p-17',
    scope: 'likeness',
    evidenceSha256: 'e'.repeat(64),
    referenceSha256: [],
    nameKeys: [],
    validFromMs: 0,
    validToMs: 10_000,
    revokedAtMs: null,
    proof: { kind: 'attestation', by: 'p-1', atMs: 0 },
    ...fields,
  };
}
