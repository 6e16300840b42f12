import type { JobBrief } from '#core/jobs/brief.ts';
import { briefFromItem } from './dynamo-job-item.ts';

/**
 * The jobs that wait or run, as the records of a stream of the job table show them; whatever else an event holds has none. An event that
 * is no stream's gives nothing: schedules and wake-ups only say that it is time.
 */
export function briefsInStream(event: unknown): readonly JobBrief[] {
  const { Records } = (event ?? {}) as { readonly Records?: unknown };
  return (Array.isArray(Records) ? (Records as StreamRecord[]) : []).flatMap(record => {
    const { id, brief } = record?.dynamodb?.NewImage ?? {};
    return briefFromItem({ id: id?.S, brief: brief?.S }) ?? [];
  });
}

interface StreamRecord {
  readonly dynamodb?: { readonly NewImage?: Readonly<Record<string, { readonly S?: string }>> };
}
