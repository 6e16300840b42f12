import type { EventBridgeEvent, S3Event, S3ObjectCreatedNotificationEventDetail, SQSEvent } from 'aws-lambda';
import { keysMeant, type ObjectPointer } from '#core/drop/s3-events.ts';

/** What S3 sends through EventBridge. */
export type ObjectCreatedEvent = EventBridgeEvent<'Object Created', S3ObjectCreatedNotificationEventDetail>;
/** What a schedule sends. */
export type ScheduledEvent = EventBridgeEvent<'Scheduled Event', unknown>;
/** What S3 sends once when its notifications are set up: it points to nothing. */
export interface S3TestEvent {
  readonly Service: string;
  readonly Event: 's3:TestEvent';
}
/** One of the ways in which S3 tells of an object. */
export type DropEvent = ObjectCreatedEvent | S3Event | S3TestEvent;
/** All that the drop function is called with. */
export type DropTrigger = DropEvent | SQSEvent | ScheduledEvent;

/** Whether it is a batch of queue messages that hold events. */
export function isSqsEvent(event: DropTrigger): event is SQSEvent {
  return 'Records' in event && event.Records.length > 0 && event.Records.every(one => 'receiptHandle' in one);
}

/** Whether a schedule asks for a look at everything. */
export function isScheduled(event: DropTrigger): event is ScheduledEvent {
  return 'detail-type' in event && event['detail-type'] === 'Scheduled Event';
}

/** The event in a queue message; undefined when it holds none. */
export function eventIn(body: string): DropEvent | undefined {
  try {
    const event: unknown = JSON.parse(body);
    return event !== null && typeof event === 'object' ? (event as DropEvent) : undefined;
  } catch {
    return undefined;
  }
}

/** The objects an event points to; none for events about anything else. */
export function pointersOf(event: DropEvent): readonly ObjectPointer[] {
  if ('detail-type' in event) {
    const detail = event['detail-type'] === 'Object Created' ? event.detail : undefined;
    return detail?.object?.key === undefined ? [] : [pointerOf(detail.bucket.name, detail.object, false)];
  }
  if (!('Records' in event) || !Array.isArray(event.Records)) return [];
  const created = event.Records.filter(one => one.eventName?.startsWith('ObjectCreated:') && one.s3 !== undefined);
  return created.map(({ s3: { bucket, object } }) => pointerOf(bucket.name, { ...object, etag: object.eTag }, true));
}

interface EventObject {
  readonly key: string;
  readonly etag?: string;
  readonly versionId?: string | undefined;
  readonly 'version-id'?: string;
  readonly sequencer?: string;
}

function pointerOf(bucket: string, object: EventObject, encoded: boolean): ObjectPointer {
  const versionId = object.versionId ?? object['version-id'];
  return {
    bucket,
    keys: keysMeant(object.key, encoded),
    ...(object.etag ? { etag: object.etag.replaceAll('"', '') } : {}),
    ...(versionId ? { versionId } : {}),
    ...(object.sequencer ? { sequencer: object.sequencer } : {}),
  };
}
