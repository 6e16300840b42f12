import { type Job, type Priority, percentDone } from '../job.ts';
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

/** The brief of a job that waits or runs; undefined for one that is over. */
export function briefOf(job: Job): JobBrief | undefined {
  const { id, status, request, priority, createdAtMs, startedAtMs } = job;
  if (status !== 'queued' && status !== 'in_progress') return undefined;
  const { model, residency } = request;
  const running = status === 'in_progress';
  const percent = running ? percentDone(job) : 0;
  const owner = running ? (job.lease?.owner ?? null) : null;
  return { id, status, model, residency, priority, createdAtMs, startedAtMs, cost: costOf(request), percent, owner };
}
