import { ReelayError } from '../errors.ts';
import type { OutboxEntry } from '../events.ts';
import { type Job, newJobId } from '../job.ts';
import { limits } from '../limits.ts';
import type { ModelCatalog } from '../models.ts';
import { parseVideoRequest } from '../video-request.ts';
import { type RelayPorts, relay } from './relay.ts';

/** What accepting a job needs. */
export interface SubmitPorts extends RelayPorts {
  readonly models: ModelCatalog;
  /** n random bytes. */
  readonly random: (n: number) => Uint8Array;
}

/**
 * Any input to a durable queued job. When this resolves the record is on disk and owes its queue message; the message is sent here
 * and, if that fails, by the sweeper, so a full outage of the queue delays a job and never loses it.
 *
 * Throws `invalid_request` or `model_not_found` (nothing written), `queue_full`, `store_unavailable`.
 */
export async function submit(ports: SubmitPorts, tenant: string, input: unknown): Promise<Job> {
  const { store, models, now, random } = ports;
  const draw = random(14);
  const seed = new DataView(draw.buffer, draw.byteOffset).getUint32(10);
  const request = parseVideoRequest(input, models, seed);
  const waiting = await store.countQueued(limits.maxQueuedJobs);
  if (waiting >= limits.maxQueuedJobs)
    throw new ReelayError('queue_full', `The queue holds ${waiting} jobs, which is all it may; try again shortly.`);
  const job = newJob(newJobId(now(), draw), tenant, request, models.find(m => m.id === request.model)?.digest, now());
  await store.create(job);
  await relay(ports, job).catch(() => undefined); // the record owes the message: the sweeper sends it
  return job;
}

function newJob(id: string, tenant: string, request: Job['request'], digest: string | undefined, nowMs: number): Job {
  return {
    id,
    tenant,
    request,
    modelDigest: digest ?? '',
    status: 'queued',
    attempt: 0,
    failures: 0,
    progress: null,
    lease: null,
    error: null,
    artifacts: {},
    createdAtMs: nowMs,
    startedAtMs: null,
    completedAtMs: null,
    expiresAtMs: null,
    cancelRequestedAtMs: null,
    deletedAtMs: null,
    outbox: [owedMessage(`${id}/0`, nowMs)],
    version: 1,
  };
}

/** A message the record owes, due at once for the sweeper's purposes once its grace is over. */
export function owedMessage(id: string, nowMs: number, delaySeconds = 0): OutboxEntry {
  return { kind: 'message', id, dueAtMs: nowMs, delaySeconds };
}
