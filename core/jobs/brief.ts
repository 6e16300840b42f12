import { z } from 'zod';
import { parseJson } from '../drop/json.ts';
import { isInReview, type Job, type Priority, percentDone, priorities } from '../job.ts';
import { costOf } from './fair-order.ts';

/** What whoever runs the fleet may know of a job: where it may run, how much work it is and how far it is. No tenant, no content. */
export interface JobBrief {
  readonly id: string;
  readonly status: 'queued' | 'in_progress';
  readonly model: string;
  /** Name of its residency class. */
  readonly residency: string;
  readonly priority: Priority;
  readonly createdAtMs: number;
  /** Its first start. */
  readonly startedAtMs: number | null;
  /** Work in the units of `costOf`. */
  readonly cost: number;
  /** Whole percent of that which the attempt in progress has done; 0 for a queued job. */
  readonly percent: number;
  /** Who leases it; null for a queued job. */
  readonly owner: string | null;
}

/** What a stored text says of a job; undefined where it is no brief. Further fields, as a newer version may write, are no reason. */
export function readBrief(id: string, text: string): JobBrief | undefined {
  const parsed = stored.safeParse(parseJson(text));
  return parsed.success ? { ...parsed.data, id } : undefined;
}

const stored = z.object({
  status: z.enum(['queued', 'in_progress']),
  model: z.string(),
  residency: z.string(),
  priority: z.enum(priorities),
  createdAtMs: z.number(),
  startedAtMs: z.number().nullable(),
  cost: z.number(),
  percent: z.number(),
  owner: z.string().nullable(),
});

/** The brief of a job that waits or runs; undefined for one that is over, and for one that waits for a person and needs no server. */
export function briefOf(job: Job): JobBrief | undefined {
  const { id, status, request, priority, createdAtMs, startedAtMs } = job;
  if ((status !== 'queued' && status !== 'in_progress') || isInReview(job)) return undefined;
  const { model, residency } = request;
  const running = status === 'in_progress';
  const percent = running ? percentDone(job) : 0;
  const owner = running ? (job.lease?.owner ?? null) : null;
  return { id, status, model, residency, priority, createdAtMs, startedAtMs, cost: costOf(request), percent, owner };
}
