/** Objections to a refusal. Whoever objects to one at the door sends its texts again: they are checked against the mark, and kept with it. */
import { invalidRequest, type Problem, ReelayError } from '../../errors.ts';
import { defaultResidency } from '../../policy/residency.ts';
import { contentLimits } from '../content/content-limits.ts';
import { actOnReview } from '../content/review.ts';
import { type Asked, promptMarkOf } from './ask.ts';
import { actorOf } from './content-ports.ts';
import { type KeyedPorts, keyedOf } from './installation-key.ts';
import { type QueuePorts, reviewError } from './queue.ts';
import { type Appeal, noSuchItem, type ReviewRecord, readReview, reviewSpace, timesOf } from './review-record.ts';

/** What an objector sends. */
export interface AppealInput {
  readonly id: string;
  readonly reason: string;
  readonly texts: { readonly prompt: string; readonly negativePrompt: string } | null;
  /** SHA-256 of what the request started from. */
  readonly referenceSha256: string | null;
}

const FIELDS = ['refusal', 'reason', 'prompt', 'negative_prompt', 'reference_sha256'];

/** An objection as it is sent; throws `invalid_request` with every problem. */
export function parseAppeal(input: unknown): AppealInput {
  const problems: Problem[] = [];
  const complain = (path: string, text: string) => void problems.push({ path, message: `${path}: ${text}` });
  const isObject = input !== null && typeof input === 'object' && !Array.isArray(input);
  const body = isObject ? (input as Record<string, unknown>) : {};
  if (!isObject) complain('body', 'an object with "refusal" and "reason" is needed.');
  for (const field of Object.keys(body))
    if (!FIELDS.includes(field)) complain(field.slice(0, 64), `unknown field; known fields: ${FIELDS.join(', ')}.`);
  const text = (field: string, most: number, fallback: string | null) => {
    const value = body[field] ?? fallback;
    if (typeof value === 'string' && value.length <= most && (fallback !== null || value.trim() !== '')) return value;
    if (value !== null || field !== 'prompt') complain(field, `a text of up to ${most} characters is needed.`);
    return null;
  };
  const id = text('refusal', 64, null) ?? '';
  const reason = text('reason', contentLimits.maxReasonChars, null) ?? '';
  const prompt = body.prompt === undefined ? null : text('prompt', contentLimits.maxTextChars, null);
  const negativePrompt = text('negative_prompt', contentLimits.maxTextChars, '') ?? '';
  const { reference_sha256: reference = null } = body;
  if (reference !== null && !(typeof reference === 'string' && /^[0-9a-f]{64}$/.test(reference)))
    complain('reference_sha256', 'the SHA-256 of the file in lower-case hex is needed.');
  if (problems.length > 0) throw invalidRequest(problems);
  const texts = prompt === null ? null : { prompt, negativePrompt };
  return { id, reason, texts, referenceSha256: reference as string | null };
}

/**
 * Brings a refusal before an operator; again while that waits, or after it, tells where it stands. Throws `not_found`, `forbidden`,
 * `unsupported_operation` where it is too late, and `invalid_request` for texts that are not those that were refused.
 */
export async function appeal(
  ports: QueuePorts,
  { tenant, requester }: Pick<Asked, 'tenant' | 'requester'>,
  input: AppealInput,
): Promise<ReviewRecord> {
  for (let tries = 0; tries < 8; tries++) {
    const found = await readReview(ports.kv, tenant, input.id);
    if (found === undefined) throw noSuchItem();
    const { entry, record } = found;
    const who = { person: requester, tenant, role: 'requester' } as const;
    if (record.appeal !== null && record.item.requester === requester) return record;
    const done = actOnReview(record.item, 'appeal', who, ports.now());
    if ('refusal' in done) throw reviewError(done.refusal);
    const texts = await textsOf(ports, record, input);
    const kept: Appeal = { reason: input.reason, texts, atMs: ports.now() };
    const after: ReviewRecord = { ...record, item: done.item, appeal: kept };
    const next = { space: reviewSpace(tenant), name: record.item.id, value: after, ...timesOf(after) };
    await ports.audit.record({
      actor: actorOf(requester),
      action: 'review.appeal',
      object: record.jobId === null ? { kind: 'review', name: input.id } : { kind: 'job', name: record.jobId },
      decision: { outcome: 'done', policy: record.item.policyHash },
    });
    const written =
      entry.space === next.space
        ? await ports.kv.replace({ ...next, version: entry.version })
        : await ports.kv.create(next);
    if (written !== undefined) return after;
  }
  throw new ReelayError('store_unavailable', 'This refusal is being appealed by many at once.');
}

/** The texts that the operator reads: with the job where there is one, else as they were sent again. */
async function textsOf(ports: KeyedPorts, record: ReviewRecord, input: AppealInput): Promise<Appeal['texts']> {
  if (record.jobId !== null) return null;
  const { texts, referenceSha256 } = input;
  const problem = (message: string) => invalidRequest([{ path: 'prompt', message: `prompt: ${message}` }]);
  if (texts === null) throw problem('the refused prompt was not kept; send it again with the objection.');
  const references = referenceSha256 === null ? [] : [{ sha256: referenceSha256, faces: 'not_asked' as const }];
  const mark = promptMarkOf(await keyedOf(ports), { prompt: texts.prompt, references });
  if (mark !== record.promptMark)
    throw problem('this is not what was refused; send the prompt, and the reference_sha256 of its file, as they were.');
  return record.residency === defaultResidency ? texts : null;
}
