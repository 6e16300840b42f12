/** What a video's owner keeps beside its receipt: whoever has it can show that the receipt is that of this request. */
import { z } from 'zod';
import { parseJson, TOO_DEEP } from '../drop/json.ts';
import { ReelayError } from '../errors.ts';
import type { Job } from '../job.ts';
import { canonicalJson } from './canonical-json.ts';
import { requestText } from './receipt.ts';

/** A prompt and its settings; a record has no room for more. */
export const MAX_OPENING_BYTES = 1_048_576;
const OPENING_TYPE = 'reelay-receipt-opening-v1';

/** A request, and the key of the HMAC that a receipt has of it. */
export interface Opening {
  readonly job: string;
  /** Lower-case hex, 32 bytes. */
  readonly request_key: string;
  /** As it was rendered; its reference by hash and length. */
  readonly request: unknown;
}

/** The opening of a job's receipt, as a document for its owner alone: the prompt is in it. */
export function openingOf(job: Job, requestKey: string): Opening & { readonly type: typeof OPENING_TYPE } {
  return { type: OPENING_TYPE, job: job.id, request_key: requestKey, request: JSON.parse(requestText(job.request)) };
}

const schema = z.object({
  type: z.literal(OPENING_TYPE),
  job: z.string().max(128),
  request_key: z.string().regex(/^[0-9a-f]{64}$/),
  request: z.record(z.string(), z.unknown()),
});

/** The opening that a text is, and the text that its HMAC is of. Throws `invalid_request` with a sentence that quotes nothing of it. */
export function readOpening(text: string): Opening & { readonly text: string } {
  const value = text.length > MAX_OPENING_BYTES ? undefined : parseJson(text);
  const parsed = schema.safeParse(value === TOO_DEEP ? undefined : value);
  if (!parsed.success)
    throw new ReelayError(
      'invalid_request',
      'This is not the opening of a receipt, as /v1/videos/{id}/receipt?part=opening gives it.',
    );
  return { ...parsed.data, text: canonicalJson(parsed.data.request, 'escaped') };
}
