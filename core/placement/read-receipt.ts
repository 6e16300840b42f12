/** @file A receipt from anywhere: either every part of it is what a receipt has, or a sentence says what is not. */
import { z } from 'zod';
import { parseJson, TOO_DEEP } from '../drop/json.ts';
import { ReelayError } from '../errors.ts';
import { limits } from '../limits.ts';
import { MAX_RULE_REGIONS } from '../policy/residency.ts';
import { RECEIPT_TYPE, type Receipt, receiptDocument } from './receipt.ts';

/** A receipt of limits.maxPlacements attempts has some 20 kB. */
export const MAX_RECEIPT_BYTES = 131_072;

/** A receipt and what signs it. */
export interface SignedReceipt {
  readonly receipt: Receipt;
  /** Lower-case hex, 64 bytes. */
  readonly signature: string;
}

const hex = (bytes: number) => z.string().regex(new RegExp(`^[0-9a-f]{${2 * bytes}}$`));
/** Names as places, classes, models and jobs have them; no character among them that a terminal obeys or an eye mistakes. */
const name = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/);
const time = z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const site = z.enum(['onprem', 'cloud']);
const place = { pool: name, site, region: name };
const file = { sha256: hex(32), bytes: count };
const item = {
  kept: z.array(z.strictObject({ store: z.enum(['records', 'objects']), site, region: name })).max(2),
  left_premises: z.boolean(),
};

const schema = z.strictObject({
  receipt: z.strictObject({
    type: z.literal(RECEIPT_TYPE),
    key: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
    job: name,
    // Absent in all that were signed before it was.
    redrive_of: name.exactOptional(),
    tenant: hex(32),
    residency: z.strictObject({
      class: name,
      sites: z.array(site).max(2),
      regions: z.array(name).max(MAX_RULE_REGIONS).nullable(),
    }),
    model: z.strictObject({ id: name, digest: hex(32).or(z.literal('')) }),
    request: z.strictObject({ hmac_sha256: hex(32) }),
    accepted: z.strictObject({ at: time, place: z.strictObject(place).nullable() }),
    attempts: z
      .array(
        z.strictObject({
          ...place,
          attempt: count.min(1),
          worker: hex(32),
          started_at: time,
          from_step: count,
        }),
      )
      .min(1)
      .max(limits.maxPlacements),
    prompt: z.strictObject(item),
    references: z.array(z.strictObject({ ...item, ...file })).max(1),
    latents: z.strictObject(item),
    output: z.strictObject({
      ...item,
      files: z.strictObject({
        video: z.strictObject(file),
        thumbnail: z.strictObject(file),
        spritesheet: z.strictObject(file),
      }),
    }),
    completed_at: time,
  }),
  signature: hex(64),
});

/** The receipt that a text is. Throws `invalid_request` with a sentence that quotes nothing of it but names of fields. */
export function readReceipt(text: string): SignedReceipt {
  if (text.length > MAX_RECEIPT_BYTES) throw noReceipt(`it is longer than ${MAX_RECEIPT_BYTES} characters`);
  const value = parseJson(text);
  if (value === TOO_DEEP) throw noReceipt('it is JSON that is nested too deep');
  if (value === undefined) throw noReceipt('it is not JSON');
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw noReceipt(whatIsWrong(parsed.error.issues[0]!));
  const { receipt, signature } = parsed.data as SignedReceipt;
  // Space, order, escapes, doubled names: there is one text of a receipt, and this must be it.
  if (receiptDocument(receipt, signature) !== text)
    throw noReceipt('its text is not the one that was signed: it was changed, or written anew by a program');
  return { receipt, signature };
}

function whatIsWrong(issue: z.core.$ZodIssue): string {
  const where = issue.path.map(part => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('');
  const path = where === '' ? 'it' : where.slice(1);
  if (issue.code === 'unrecognized_keys') {
    const others = issue.keys
      .slice(0, 3)
      .map(key => (/^[\w.-]{1,40}$/.test(key) ? `"${key}"` : 'one with a strange name'));
    return `${path} has a field that no receipt has: ${others.join(', ')}`;
  }
  if (issue.code === 'invalid_type') return `${path} is missing or is not of the type ${issue.expected}`;
  return `${path} is nothing that a receipt has there`;
}

function noReceipt(why: string): ReelayError {
  return new ReelayError('invalid_request', `This is not a placement receipt of this version: ${why}.`);
}
