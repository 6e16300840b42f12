/**
 * Consent of a person to be shown. The record names nobody: a pseudonym, hashes of what was shown as evidence and of the pictures it is
 * for, and keys of names, which only the installation that made them can tie to a name.
 */
import { contentLimits } from './content-limits.ts';

/** What a person agreed to. */
export type ConsentScope = 'likeness' | 'voice' | 'likeness-and-voice';

/** How it is known that the person agreed: a signature over the record, or somebody who vouches. */
export type ConsentProof =
  | { readonly kind: 'signature'; readonly keyId: string; readonly signature: string }
  | { readonly kind: 'attestation'; readonly by: string; readonly atMs: number };

/** One person's consent, given to one tenant. */
export interface ConsentRecord {
  readonly v: 1;
  readonly id: string;
  readonly tenant: string;
  /** A pseudonym; two records of one person have the same. */
  readonly subject: string;
  readonly scope: ConsentScope;
  /** SHA-256 of the signed form, the recording or whatever shows the consent. */
  readonly evidenceSha256: string;
  /** SHA-256 of the pictures and clips that may be used. */
  readonly referenceSha256: readonly string[];
  /** Keys of the names that may be used: an HMAC of the folded name, made by the installation. */
  readonly nameKeys: readonly string[];
  readonly validFromMs: number;
  readonly validToMs: number;
  readonly revokedAtMs: number | null;
  readonly proof: ConsentProof;
}

/** Why a record does not count. For logs and reviewers. */
export type ConsentFault =
  | 'other_tenant'
  | 'not_yet'
  | 'expired'
  | 'revoked'
  | 'not_for_likeness'
  | 'too_long'
  | 'unproven';

const DAY_MS = 86_400_000;
const SHA256 = /^[0-9a-f]{64}$/;

/**
 * What keeps a record from counting now; undefined: nothing. `proven` tells whether its signature or attestation was checked and holds; a
 * check that failed or was not made counts as no.
 */
export function consentFault(
  record: ConsentRecord,
  { tenant, nowMs, proven }: { readonly tenant: string; readonly nowMs: number; readonly proven: boolean },
): ConsentFault | undefined {
  if (record.tenant !== tenant) return 'other_tenant';
  if (record.revokedAtMs !== null) return 'revoked';
  // Written so that NaN is refused too.
  if (!(nowMs >= record.validFromMs)) return 'not_yet';
  if (!(nowMs < record.validToMs)) return 'expired';
  if (!(record.validToMs - record.validFromMs <= contentLimits.maxConsentDays * DAY_MS)) return 'too_long';
  if (record.scope === 'voice') return 'not_for_likeness';
  if (!proven || !SHA256.test(record.evidenceSha256)) return 'unproven';
  return undefined;
}

/** What a request needs consent for. */
export interface ConsentNeed {
  readonly references: readonly string[];
  readonly nameKeys: readonly string[];
}

/**
 * Whether live records answer every need; each reference by its hash, each name by its key. A request that shows somebody and brings
 * neither ("my neighbor") cannot be answered: no record can be tied to that person.
 */
export function consentAnswers(need: ConsentNeed, live: readonly ConsentRecord[]): boolean {
  const references = new Set(live.flatMap(record => record.referenceSha256));
  const names = new Set(live.flatMap(record => record.nameKeys));
  return (
    need.references.length + need.nameKeys.length > 0 &&
    need.references.every(hash => SHA256.test(hash) && references.has(hash)) &&
    need.nameKeys.every(key => names.has(key))
  );
}

/** A record as revoked; repeatable, the first time stays. */
export function revokeConsent(record: ConsentRecord, nowMs: number): ConsentRecord {
  return record.revokedAtMs === null ? { ...record, revokedAtMs: nowMs } : record;
}

/** One output that was made with a consent. */
export interface ConsentedOutput {
  readonly jobId: string;
  readonly key: string;
  readonly completedAtMs: number;
}

/** Where outputs are found by the consent they were made with; pages, so that a popular person does not fill the memory. */
export interface ConsentedOutputs {
  list(
    consentId: string,
    after: string | null,
  ): Promise<{ readonly outputs: readonly ConsentedOutput[]; readonly next: string | null }>;
}

/** Everything that was made with a consent, for whoever revokes it: what to take down is theirs to decide. */
export async function* outputsOf(outputs: ConsentedOutputs, consentId: string): AsyncGenerator<ConsentedOutput> {
  let after: string | null = null;
  do {
    const page: Awaited<ReturnType<ConsentedOutputs['list']>> = await outputs.list(consentId, after);
    yield* page.outputs;
    after = page.next;
  } while (after !== null);
}
