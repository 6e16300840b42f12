import type { AuditEvent } from './audit/audit-port.ts';

/** CloudEvents 1.0 in its JSON form: https://github.com/cloudevents/spec, section "Context Attributes". */
export interface BusEvent {
  readonly specversion: '1.0';
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly subject: string;
  /** RFC 3339. */
  readonly time: string;
  readonly datacontenttype: 'application/json';
  readonly data: unknown;
}

/** The event of a job's end. */
export interface CloudEvent extends BusEvent {
  readonly type: JobEventType;
  readonly data: JobEventData;
}

/** One per way a job can end. */
export const jobEventTypes = ['video.completed', 'video.failed', 'video.cancelled'] as const;
/** The CloudEvents `type` of a job event. */
export type JobEventType = (typeof jobEventTypes)[number];

/** Ids and outcome only: a prompt never leaves the record. */
export interface JobEventData {
  readonly id: string;
  readonly tenant: string;
  readonly model: string;
  readonly status: 'completed' | 'failed' | 'cancelled';
  readonly attempt: number;
  readonly error: { readonly code: string } | null;
  readonly sha256: string | null;
}

/** The event of a budget that has come to a percentage of itself (accounts/budget-events.ts). */
export interface BudgetEvent extends BusEvent {
  readonly type: 'budget.reached';
  readonly data: BudgetEventData;
}

/** Money in whole micro-dollars; on the bus only, never in a webhook. */
export interface BudgetEventData {
  readonly scope: 'key' | 'tenant' | 'installation';
  /** The key or tenant; null for the installation. */
  readonly id: string | null;
  readonly tenant: string | null;
  /** "2026-11-21" or "2026-11". */
  readonly period: string;
  readonly percent: number;
  readonly currency: 'USD';
  readonly limitMicros: number;
  readonly spentMicros: number;
  readonly heldMicros: number;
}

/** What a webhook endpoint can ask for. */
export const webhookEventTypes = [...jobEventTypes, 'budget.reached'] as const;
/** One of them. */
export type WebhookEventType = (typeof webhookEventTypes)[number];

/**
 * What a record owes the outside: a queue message that says "look at this job", an event, a letter to the dead letter queue, the
 * settlement of what it holds, or the removal of bytes that no record names any more.
 */
export type OutboxEntry =
  | { readonly kind: 'message'; readonly id: string; readonly dueAtMs: number; readonly delaySeconds: number }
  | { readonly kind: 'event'; readonly id: string; readonly dueAtMs: number; readonly event: CloudEvent }
  | { readonly kind: 'dead_letter'; readonly id: string; readonly dueAtMs: number; readonly reason: string }
  | { readonly kind: 'settle'; readonly id: string; readonly dueAtMs: number }
  | { readonly kind: 'audit'; readonly id: string; readonly dueAtMs: number; readonly event: AuditEvent }
  | { readonly kind: 'removal'; readonly id: string; readonly dueAtMs: number; readonly prefixes: readonly string[] };

/** The one event of a job's end. Its id is a function of the job, so a repeated delivery is recognised as such. */
export function jobEndEvent(data: JobEventData, timeMs: number): CloudEvent {
  return {
    specversion: '1.0',
    id: `evt_${data.id.slice('video_'.length)}_${data.status}`,
    source: 'reelay/videos',
    type: `video.${data.status}`,
    subject: data.id,
    time: new Date(timeMs).toISOString(),
    datacontenttype: 'application/json',
    data,
  };
}
