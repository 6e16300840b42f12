import type { CloudEvent, OutboxEntry } from '#core/events.ts';
import { jobEndEvent } from '#core/events.ts';
import type { Job } from '#core/job.ts';
import { newJobId } from '#core/job-id.ts';

/** 2026-01-01, so that times in tests are small sums from here. */
export const startMs = Date.UTC(2026, 0, 1);

let made = 0;

/** A fresh id; ids sort in the order in which they were made. */
export function nextJobId(): string {
  made++;
  const random = new Uint8Array(10);
  new DataView(random.buffer).setUint32(6, made * 2_654_435_761);
  return newJobId(startMs + made, random);
}

/** A queued job of tenant `acme`, valid in every field; `overrides` replaces whole fields. */
export function makeJob(overrides: Partial<Job> = {}): Job {
  return {
    id: nextJobId(),
    tenant: 'acme',
    request: {
      model: 'reelay-tiny',
      prompt: 'a red ball rolls',
      negative_prompt: '',
      size: '64x64',
      seconds: 4.041666666666667,
      num_frames: 97,
      fps: 24,
      num_inference_steps: 8,
      guidance_scale: 4.5,
      seed: 4_294_967_295,
      metadata: {},
      task: 't2v',
      strength: null,
      reference: null,
      guidance_scale_2: null,
      flow_shift: null,
      step_cache: null,
      residency: 'standard',
    },
    modelDigest: 'ab'.repeat(32),
    keyId: null,
    terms: null,
    maxCost: null,
    subject: null,
    sealed: null,
    erased: false,
    priority: 'normal',
    deadlineAtMs: null,
    webhookUrl: null,
    status: 'queued',
    attempt: 0,
    failures: 0,
    restarts: 0,
    notBeforeMs: 0,
    checkpoint: null,
    furthestStep: 0,
    claim: null,
    redriveOf: null,
    remixOf: null,
    progress: null,
    lease: null,
    acceptedAt: null,
    placements: [],
    disclosure: null,
    keptDays: null,
    error: null,
    artifacts: {},
    receipt: null,
    content: null,
    review: null,
    marking: null,
    warnings: [],
    createdAtMs: startMs,
    startedAtMs: null,
    completedAtMs: null,
    expiresAtMs: null,
    cancelRequestedAtMs: null,
    deletedAtMs: null,
    outbox: [],
    version: 0,
    ...overrides,
  };
}

/** A job in its first attempt. */
export function makeRunningJob(overrides: Partial<Job> = {}): Job {
  const lease = { owner: 'worker-1', expiresAtMs: startMs + 120_000 };
  return makeJob({ status: 'in_progress', attempt: 1, lease, startedAtMs: startMs, ...overrides });
}

/** An outbox entry that says "look at this job". */
export function makeMessageEntry(dueAtMs: number): OutboxEntry & { kind: 'message' } {
  made++;
  return { kind: 'message', id: `out_${made}`, dueAtMs, delaySeconds: 0 };
}

export function makeEventEntry(dueAtMs: number): OutboxEntry & { kind: 'event' } {
  const event = makeEvent();
  return { kind: 'event', id: event.id, dueAtMs, event };
}

/** The event of a finished job, with a fresh id. */
export function makeEvent(): CloudEvent {
  const data = { tenant: 'acme', model: 'reelay-tiny', attempt: 1, error: null, sha256: 'cd'.repeat(32) };
  return jobEndEvent({ ...data, id: nextJobId(), status: 'completed' }, startMs);
}
