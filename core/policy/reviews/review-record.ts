/**
 * Items of the queue in the store.
 *
 *     policy_refusals/<tenant>   what was denied at the door, without its texts, for as long as it may be appealed
 *     policy_reviews/<tenant>    what waits for a person or did: reviews of jobs, and refusals that somebody appealed
 *
 * The texts of a job lie with the job. Those of a refusal are kept nowhere until somebody objects, who sends them again.
 */
import { ReelayError } from '../../errors.ts';
import type { KeyValueEntry, KeyValueStore } from '../../ports.ts';
import { contentLimits } from '../content/content-limits.ts';
import type { ReviewItem } from '../content/review.ts';

/** What somebody says against a refusal. */
export interface Appeal {
  readonly reason: string;
  /** The texts, as they were sent again; null where the job has them, or where their class keeps them out of this store. */
  readonly texts: { readonly prompt: string; readonly negativePrompt: string } | null;
  readonly atMs: number;
}

/** One item, and what ties it to a request. */
export interface ReviewRecord {
  readonly v: 1;
  readonly item: ReviewItem;
  /** null: it was refused before there was a job. */
  readonly jobId: string | null;
  readonly residency: string;
  /** `markOf` its request, and `promptMarkOf` it. */
  readonly mark: string;
  readonly promptMark: string;
  readonly appeal: Appeal | null;
}

/** Where items of a tenant are kept, under their ids. */
export const reviewSpace = (tenant: string): string => `policy_reviews/${tenant}`;
/** Where refusals of a tenant are kept, under their ids. */
export const refusalSpace = (tenant: string): string => `policy_refusals/${tenant}`;

/** A wire id that could be one of an item. */
export function isReviewId(text: string): boolean {
  return /^rev_[0-9a-f]{32}$/.test(text);
}

/** The one answer for unknown ids, those of other tenants and texts that are none. */
export function noSuchItem(): ReelayError {
  return new ReelayError('not_found', 'id: there is no such item.');
}

/** When the sweep looks at an item by itself, and when the store may forget it. */
export function timesOf({ item }: ReviewRecord): Pick<KeyValueEntry, 'dueAtMs' | 'expiresAtMs'> {
  const isOpen = item.state === 'waiting' || item.state === 'appealed';
  if (isOpen) return { dueAtMs: item.dueAtMs, expiresAtMs: null };
  const keptMs = (contentLimits.keptDays + contentLimits.appealDays) * 86_400_000;
  return { dueAtMs: null, expiresAtMs: (item.decidedAtMs ?? item.dueAtMs) + keptMs };
}

/** What stays of an objection once it is decided: not what it was about. */
export function withoutTexts({ appeal }: ReviewRecord): Pick<ReviewRecord, 'appeal'> {
  return { appeal: appeal === null ? null : { ...appeal, texts: null } };
}

/** An item of a tenant, in the queue or refused; undefined for an unknown id. */
export async function readReview(
  kv: KeyValueStore,
  tenant: string,
  id: string,
): Promise<{ readonly entry: KeyValueEntry; readonly record: ReviewRecord } | undefined> {
  if (!isReviewId(id)) return undefined;
  const entry = (await kv.get(reviewSpace(tenant), id)) ?? (await kv.get(refusalSpace(tenant), id));
  return entry === undefined ? undefined : { entry, record: entry.value as ReviewRecord };
}

/** The record that an entry holds. */
export function recordOf({ value }: Pick<KeyValueEntry, 'value'>): ReviewRecord {
  return value as ReviewRecord;
}

/** Whether the ports of one class (undefined: of all) reach what an item is about. */
export function isReached(enclave: string | undefined, { residency }: Pick<ReviewRecord, 'residency'>): boolean {
  return enclave === undefined || enclave === residency;
}
