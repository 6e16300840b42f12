/**
 * One event on its way to one receiver:
 *
 *     pending -> delivered               a 2xx answer
 *     pending -> pending                 a failed try: due again after the next wait
 *     pending -> dead                    the last try failed, the receiver said 410, or its endpoint is disabled or deleted
 *     delivered, dead -> pending         replayed by hand
 *
 * A try is claimed by a conditional replace that counts it and makes the delivery due again, so that a try whose process died is made
 * again and no two processes make the same one. A delivery that its tries killed stays due until that was told.
 */
import { ReelayError } from '../errors.ts';
import type { BudgetEvent, BudgetEventData, CloudEvent, WebhookEventType } from '../events.ts';
import type { KeyValueEntry } from '../ports.ts';
import type { SendFailure, WebhookPorts } from './ports.ts';
import { maxTries, type WebhookTiming, webhookLimits } from './webhook-limits.ts';

/** The stored delivery. */
export interface WebhookDelivery {
  readonly eventId: string;
  readonly eventType: WebhookEventType;
  /** What is sent, byte for byte the same in each try. */
  readonly body: string;
  readonly target: DeliveryTarget;
  readonly state: 'pending' | 'delivered' | 'dead';
  /** Why it is dead. */
  readonly reason: DeadReason | null;
  /** Since it was made or last replayed, with one that is being made. */
  readonly tries: number;
  /** The first of these tries; null before it. */
  readonly triedSinceMs: number | null;
  /** The last webhookLimits.logEntries tries, oldest first. */
  readonly log: readonly DeliveryTry[];
  readonly createdAtMs: number;
  readonly endedAtMs: number | null;
}

/** An endpoint of the tenant's, or the URL that a job brought along. */
export type DeliveryTarget =
  | { readonly kind: 'endpoint'; readonly endpoint: string }
  | { readonly kind: 'url'; readonly url: string };

/** What became of one try: a status or a failure. */
export interface DeliveryTry {
  readonly atMs: number;
  readonly status: number | null;
  readonly error: SendFailure | null;
  readonly ms: number;
}

/** Why no more tries are made. */
export type DeadReason = 'tries_exhausted' | 'too_old' | 'gone' | 'endpoint_disabled' | 'endpoint_deleted';

/** The kind of the spaces that hold a lane's deliveries: what is due of one receiver is found without the others'. */
export function deliveryKind(lane: string): string {
  return `webhook_deliveries.${lane}`;
}

/** Deliveries of one lane of one tenant. */
export function deliverySpace(tenant: string, lane: string): string {
  return `${deliveryKind(lane)}/${tenant}`;
}

const ID = /^((?:whe_[0-9a-hjkmnp-tv-z]{26})|(?:url_[0-9a-f]{24}))\.(\d{13}\.[A-Za-z0-9_-]{1,96})$/;
const LATEST_MS = 9_999_999_999_999;

/** Newest first in the order of names, and a function of the event alone: the same event makes the same name. */
export function deliveryName(event: Pick<CloudEvent, 'id' | 'time'>): string {
  return `${String(LATEST_MS - Date.parse(event.time)).padStart(13, '0')}.${event.id}`;
}

/** The id on the wire, safe in URLs: lane and name. */
export function deliveryId(entry: Pick<KeyValueEntry, 'space' | 'name'>): string {
  return `${entry.space.slice(deliveryKind('').length, entry.space.indexOf('/'))}.${entry.name}`;
}

/** Where the delivery with a wire id lies; undefined for an id that cannot be ours. */
export function deliveryKey(tenant: string, id: string): { space: string; name: string; lane: string } | undefined {
  const [, lane, name] = ID.exec(id) ?? [];
  return lane === undefined || name === undefined ? undefined : { space: deliverySpace(tenant, lane), name, lane };
}

/** The delivery of a stored entry. */
export function deliveryOf(entry: KeyValueEntry): WebhookDelivery {
  return entry.value as WebhookDelivery;
}

/** The one answer for unknown, expired and other tenants' ids. */
export function noSuchDelivery(): ReelayError {
  return new ReelayError('not_found', 'id: no webhook delivery with this id; it may have expired.');
}

/** A delivery that has not been tried. The body is API.md §7: ids only, of a budget also how far it has come, and never a sum. */
export function newDelivery(event: CloudEvent | BudgetEvent, target: DeliveryTarget, nowMs: number): WebhookDelivery {
  const created_at = Math.floor(Date.parse(event.time) / 1000);
  const data = event.type === 'budget.reached' ? budgetData(event.data) : { id: event.data.id };
  return {
    eventId: event.id,
    eventType: event.type,
    body: JSON.stringify({ id: event.id, object: 'event', created_at, type: event.type, data }),
    target,
    state: 'pending',
    reason: null,
    tries: 0,
    triedSinceMs: null,
    log: [],
    createdAtMs: nowMs,
    endedAtMs: null,
  };
}

function budgetData({ id, scope, period, percent }: BudgetEventData) {
  return { id, scope, period, percent };
}

/** When a delivery is tried again after so many tries; undefined: never. Up to a quarter more by chance, so that herds spread. */
export function nextTryMs(
  timing: WebhookTiming,
  tries: number,
  ports: Pick<WebhookPorts, 'now' | 'random'>,
): number | undefined {
  const wait = tries >= maxTries(timing) ? undefined : timing.retryWaitsMs[tries - 1];
  if (wait === undefined) return undefined;
  const [chance = 0] = ports.random(1);
  return ports.now() + Math.round(wait * (1 + chance / 1024));
}

/** The log with one more try. */
export function withTry(delivery: WebhookDelivery, one: DeliveryTry): readonly DeliveryTry[] {
  return [...delivery.log, one].slice(-webhookLimits.logEntries);
}

/** When an ended delivery leaves the log. */
export function forgetAtMs(nowMs: number): number {
  return nowMs + webhookLimits.logDays * 86_400_000;
}
