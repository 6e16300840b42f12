import type { JobBrief } from '#core/jobs/brief.ts';
import { briefFromItem, type OnUnreadable } from './dynamo-job-item.ts';

/**
 * The jobs that wait or run, as the records of a stream of the job table show them; whatever else an event holds has none. An event that
 * is no stream's gives nothing: schedules and wake-ups only say that it is time.
 */
export function briefsInStream(event: unknown, onUnreadable?: OnUnreadable): readonly JobBrief[] {
  const { Records } = (event ?? {}) as { readonly Records?: unknown };
  return (Array.isArray(Records) ? (Records as StreamRecord[]) : []).flatMap(record => {
    const { id, brief } = record?.dynamodb?.NewImage ?? {};
    return briefFromItem({ id: id?.S, brief: brief?.S }, onUnreadable) ?? [];
  });
}

interface StreamRecord {
  readonly dynamodb?: { readonly NewImage?: Readonly<Record<string, { readonly S?: string }>> };
}
