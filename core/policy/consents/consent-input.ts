/** What somebody says who vouches for a consent. Names become keys at once: no name is stored. */
import { invalidRequest, type Problem } from '../../errors.ts';
import type { ConsentRecord, ConsentScope } from '../content/consent.ts';
import { contentLimits } from '../content/content-limits.ts';
import { foldName } from '../content/prepare-policy.ts';
import type { Keyed } from '../reviews/installation-key.ts';

const FIELDS = ['subject', 'scope', 'names', 'reference_sha256', 'evidence_sha256', 'valid_from', 'valid_to'];
const SCOPES: readonly ConsentScope[] = ['likeness', 'voice', 'likeness-and-voice'];
const SHA256 = /^[0-9a-f]{64}$/;
const DAY_MS = 86_400_000;

/** The part of a record that its input gives. Throws `invalid_request` with every problem. Times come as Unix seconds. */
export function parseConsent(
  input: unknown,
  keyed: Keyed,
  nowMs: number,
): Pick<
  ConsentRecord,
  'subject' | 'scope' | 'evidenceSha256' | 'referenceSha256' | 'nameKeys' | 'validFromMs' | 'validToMs'
> {
  const problems: Problem[] = [];
  const complain = (path: string, text: string) => void problems.push({ path, message: `${path}: ${text}` });
  const isObject = input !== null && typeof input === 'object' && !Array.isArray(input);
  const body = isObject ? (input as Record<string, unknown>) : {};
  if (!isObject) complain('body', `an object with ${FIELDS.join(', ')} is needed.`);
  for (const field of Object.keys(body))
    if (!FIELDS.includes(field)) complain(field.slice(0, 64), `unknown field; known fields: ${FIELDS.join(', ')}.`);
  const { scope = 'likeness', names = [], reference_sha256: references = [], evidence_sha256: evidence } = body;
  const subject =
    typeof body.subject === 'string' ? foldName(body.subject.slice(0, 2 * contentLimits.maxSubjectChars)) : '';
  if (subject === '' || String(body.subject).length > contentLimits.maxSubjectChars)
    complain(
      'subject',
      `the person's name or number of up to ${contentLimits.maxSubjectChars} characters is needed; it is kept as a keyed hash.`,
    );
  if (!SCOPES.includes(scope as ConsentScope)) complain('scope', `${SCOPES.join(', ')} are allowed.`);
  const folded = textsOf(names, contentLimits.maxConsentNames, text => foldName(text.slice(0, 400)) !== '');
  if (folded === undefined) complain('names', `a list of up to ${contentLimits.maxConsentNames} names is allowed.`);
  const pictures = textsOf(references, contentLimits.maxConsentPictures, text => SHA256.test(text));
  if (pictures === undefined)
    complain(
      'reference_sha256',
      `a list of up to ${contentLimits.maxConsentPictures} SHA-256 in lower-case hex is allowed.`,
    );
  if (folded?.length === 0 && pictures?.length === 0)
    complain('names', 'a consent is for names, for pictures or for both: name at least one.');
  if (typeof evidence !== 'string' || !SHA256.test(evidence))
    complain(
      'evidence_sha256',
      'the SHA-256 of the signed form or recording, in lower-case hex, is needed; the file stays with you.',
    );
  const validFromMs = timeOf(body.valid_from, nowMs, 'valid_from', complain);
  const validToMs = timeOf(body.valid_to, null, 'valid_to', complain);
  if (!(validToMs > validFromMs && validToMs - validFromMs <= contentLimits.maxConsentDays * DAY_MS))
    complain(
      'valid_to',
      `a time after valid_from and at most ${contentLimits.maxConsentDays} days after it is needed.`,
    );
  if (problems.length > 0) throw invalidRequest(problems);
  return {
    subject: keyed('subject', subject),
    scope: scope as ConsentScope,
    evidenceSha256: evidence as string,
    referenceSha256: pictures!,
    nameKeys: folded!.map(name => keyed('name', foldName(name))),
    validFromMs,
    validToMs,
  };
}

function textsOf(value: unknown, most: number, fits: (text: string) => boolean): readonly string[] | undefined {
  if (!Array.isArray(value) || value.length > most) return undefined;
  return value.every((text: unknown) => typeof text === 'string' && fits(text)) ? (value as string[]) : undefined;
}

function timeOf(value: unknown, fallback: number | null, path: string, complain: (path: string, text: string) => void) {
  if (value === undefined && fallback !== null) return fallback;
  if (typeof value === 'number' && Number.isFinite(value) && value >= 0 && value < 1e11)
    return Math.floor(value * 1000);
  complain(path, 'a time as Unix seconds is needed.');
  return Number.NaN;
}
