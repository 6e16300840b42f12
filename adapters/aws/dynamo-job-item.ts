/** A job as an item of the table in dynamo-table.ts, and back. */
import { leaseExpiresAtMs, outboxDueAtMs, queuedDeadlineAtMs, queuedRank } from '#adapters/job-facts.ts';
import { ReelayError } from '#core/errors.ts';
import type { Job } from '#core/job.ts';
import { jobFromRecord } from '#core/job-record.ts';
import { briefOf, type JobBrief, readBrief } from '#core/jobs/brief.ts';
import { limits } from '#core/limits.ts';
import { defaultResidency } from '#core/policy/residency.ts';
import type { Tombstone } from '#core/ports.ts';
import { queuePartition, shardCount, ttlAttribute } from './dynamo-table.ts';

/** Of most items. It grows when the meaning of an item changes; an item of a newer version is left to the newer Reelay that wrote it. */
export const itemVersion = 1;
/** Of tombstones, which a Reelay that knows none of them is to leave alone. */
const TOMBSTONE_VERSION = 2;
/** Of jobs that a Reelay without references and further settings would take for text-to-video with the model's own. */
const SETTINGS_VERSION = 3;
/** Of jobs that a Reelay without residency would process anywhere. */
const RESIDENCY_VERSION = 4;
/** Of jobs that a Reelay without sealing would render with an empty prompt: the next is 6. */
const SEALED_VERSION = 5;
/** The newest that this Reelay understands, and may write over. */
export const newestItemVersion = SEALED_VERSION;
/** DynamoDB takes 400 KB an item, names included; the rest is room for how it counts numbers. */
const MAX_ITEM_BYTES = 400 * 1024 - 1024;
const TTL_SECONDS = limits.artifactDays * 86_400;

/** A job as DynamoDB holds it: the record as JSON beside the attributes that indexes need. */
export type JobItem = Readonly<Record<string, string | number | boolean>>;

/**
 * `writeId` names this one write: when the answer to a write is lost and the SDK repeats it, the repetition fails its condition, and
 * only the id shows that it is our own write that is in the way. Throws `payload_too_large` for a record that no item can hold.
 */
export function toItem(job: Job, writeId: string): JobItem {
  const outboxDueMs = outboxDueAtMs(job);
  const leaseEndsMs = leaseExpiresAtMs(job);
  const rank = queuedRank(job);
  const queuedDeadlineMs = queuedDeadlineAtMs(job);
  const item: JobItem = {
    id: job.id,
    itemVersion: versionOf(job),
    version: job.version,
    writeId,
    shard: shardOf(job.id),
    tenant: job.tenant,
    record: JSON.stringify(job),
    ...(job.deletedAtMs === null
      ? { listedTenant: job.tenant }
      : { deleted: true, [ttlAttribute]: Math.ceil(job.deletedAtMs / 1000) + TTL_SECONDS }),
    ...(outboxDueMs === null ? {} : { outboxDueMs }),
    ...(leaseEndsMs === null ? {} : { leaseEndsMs }),
    ...(rank === null
      ? {}
      : { queueShard: queuePartition, queuePlace: placeOf(job.tenant, rank), notBeforeMs: job.notBeforeMs }),
    ...(queuedDeadlineMs === null ? {} : { queuedDeadlineMs }),
    ...briefAttribute(job),
    ...removalOf(job),
  };
  const bytes = Object.entries(item).reduce((sum, [name, value]) => sum + Buffer.byteLength(`${name}${value}`), 0);
  if (bytes > MAX_ITEM_BYTES)
    throw new ReelayError(
      'payload_too_large',
      `The record of ${job.id} has ${bytes} bytes; DynamoDB holds 400 KB an item.`,
    );
  return item;
}

/**
 * A tombstone as DynamoDB holds it, under the key of the job that it replaces, with nothing that a condition on a job could meet. It
 * holds until it is deleted; the time to live only takes one that no sweep ever reached.
 */
export function toTombstoneItem({ id, tenant, removedAtMs }: Tombstone): JobItem {
  return {
    id,
    itemVersion: TOMBSTONE_VERSION,
    tenant,
    removedAtMs,
    shard: shardOf(id),
    removal: removalKeys.removedAt(removedAtMs),
    [ttlAttribute]: Math.ceil(removedAtMs / 1000) + TTL_SECONDS,
  };
}

/** The tombstone, or undefined for any other item. */
export function tombstoneFromItem(item: Readonly<Record<string, unknown>>): Tombstone | undefined {
  if (item.itemVersion !== TOMBSTONE_VERSION || item.removedAtMs === undefined) return undefined;
  return { id: String(item.id), tenant: String(item.tenant), removedAtMs: Number(item.removedAtMs) };
}

/** The job, or undefined for a tombstone and for an item of a newer version. */
export function fromItem(item: Readonly<Record<string, unknown>>): Job | undefined {
  const isJob = item.itemVersion !== TOMBSTONE_VERSION && Number(item.itemVersion) <= newestItemVersion;
  return isJob ? jobFromRecord(String(item.record)) : undefined;
}

function briefAttribute(job: Job): { brief?: string } {
  const brief = briefOf(job);
  if (brief === undefined) return {};
  const { id: _, ...rest } = brief;
  return { brief: JSON.stringify(rest) };
}

/** Told the id of an item whose brief cannot be read: one damaged record must not hide all others. */
export type OnUnreadable = (id: string) => void;

/** The brief that an item or its part in an index carries; undefined where there is none that can be read. */
export function briefFromItem(
  item: Readonly<Record<string, unknown>>,
  onUnreadable?: OnUnreadable,
): JobBrief | undefined {
  if (item.brief === undefined) return undefined;
  const brief = readBrief(String(item.id), String(item.brief));
  if (brief === undefined) onUnreadable?.(String(item.id));
  return brief;
}

/** As low as it can be, so that two Reelays beside each other share what both understand. */
function versionOf({ request, sealed, erased }: Job): number {
  if (sealed !== null || erased) return SEALED_VERSION;
  const { task, strength, reference, guidance_scale_2, flow_shift, step_cache, residency } = request;
  if (residency !== defaultResidency) return RESIDENCY_VERSION;
  const isNew = [strength, reference, guidance_scale_2, flow_shift, step_cache].some(value => value !== null);
  return isNew || task !== 't2v' ? SETTINGS_VERSION : itemVersion;
}

/**
 * Sort key of the index byRank: a tenant's jobs as one range, within it by rank. The tenant is escaped, which leaves no `#` in it; the
 * order of the tenants means nothing.
 */
export function placeOf(tenant: string, rank: string): string {
  return `${encodeURIComponent(tenant.toWellFormed())}#${rank}`;
}

/** The rank in a place: the tenant before it has no `#`. */
export function rankOfPlace(place: string): string {
  return place.slice(place.indexOf('#') + 1);
}

/** A bound after all places of a tenant and before those of every later one: `$` follows `#` and is escaped itself. */
export function afterTenant(tenant: string): string {
  return `${encodeURIComponent(tenant.toWellFormed())}$`;
}

/** Which partition of the sparse indexes an item falls in, by its id. */
export function shardOf(id: string): string {
  let sum = 0;
  for (let i = 0; i < id.length; i++) sum += id.charCodeAt(i);
  return String(sum % shardCount);
}

/** Sort keys of the index byRemoval: the deleted come as one range, the expiring and the removed as two that are cut at a time. */
export const removalKeys = {
  deleted: 'deleted#',
  expires: 'expires#',
  expiresAt: (ms: number) => `expires#${padded(ms)}`,
  removed: 'removed#',
  removedAt: (ms: number) => `removed#${padded(ms)}`,
};

function removalOf(job: Job): { removal?: string } {
  if (job.outbox.length > 0) return {};
  if (job.deletedAtMs !== null) return { removal: `${removalKeys.deleted}${padded(job.deletedAtMs)}` };
  return job.expiresAtMs === null ? {} : { removal: removalKeys.expiresAt(job.expiresAtMs) };
}

/** Text that sorts as the number does: 15 digits of milliseconds last beyond the year 30000. */
function padded(ms: number): string {
  return String(Math.min(999_999_999_999_999, Math.max(0, Math.floor(ms)))).padStart(15, '0');
}
