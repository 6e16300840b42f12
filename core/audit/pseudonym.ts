/** Names in the ledger: whoever reads it can tell the same from another, and nothing else. */

/** HMAC-SHA256 (RFC 2104) with the installation's own key, lower-case hex. */
export type Hmac = (text: string) => string;

/** What stands behind a pseudonym. */
export type PseudonymKind =
  | 'tenant'
  | 'key'
  | 'operator'
  | 'subject'
  | 'job'
  | 'consent'
  | 'review'
  | 'policy'
  | 'model'
  | 'budget'
  | 'file';

const PSEUDONYM =
  /^((tenant|key|operator|subject|job|consent|review|policy|model|budget|file):[0-9a-f]{32}|system:[a-z-]{1,40})$/;

/** `kind:` and 128 bits of the HMAC: a million names meet with a chance below 10⁻²⁶. */
export function pseudonymOf(hmac: Hmac, kind: PseudonymKind, name: string): string {
  return `${kind}:${hmac(`reelay-pseudonym-v1\n${kind}\n${name}`).slice(0, 32)}`;
}

/** A part of Reelay that acts by itself, by its word: `system:sweep`. */
export function systemActor(part: string): string {
  return `system:${part}`;
}

/** Whether a text is a pseudonym, or a part of Reelay. */
export function isPseudonym(text: string): boolean {
  return PSEUDONYM.test(text);
}
