/**
 * One delivery, to its end:
 *
 *     message --nothing queued--> acked        --nothing may start, or held--> shown again later
 *     message --only jobs that this place may not serve--> shown again at once, for another worker
 *     message --leased--> the content policy wants a person's look--> queued, in no queue; acked       --denies--> failed
 *     message --leased--> rendering --done--> bytes -> record -> event -> ack
 *                                   --lease lost--> nothing is written, not even an ack; own bytes go
 *                                   --cancelled--> cancelled     --fatal or third error--> failed, dead letter
 *                                   --error, drain--> queued again, with the newest checkpoint
 */
import { placeOf, ReelayError } from '#core/errors.ts';
import type { Job } from '#core/job.ts';
import { endJob } from '#core/jobs/end.ts';
import { failJob, giveBack, isFinal } from '#core/jobs/lease.ts';
import { relay } from '#core/jobs/relay.ts';
import { type TakePorts, takeNext } from '#core/jobs/take.ts';
import { attemptPrefix } from '#core/keys.ts';
import { limits } from '#core/limits.ts';
import type { ContentPorts } from '#core/policy/reviews/content-ports.ts';
import type { Judged } from '#core/policy/reviews/judge.ts';
import { parkJob } from '#core/policy/reviews/settle-review.ts';
import type { Delivery } from '#core/ports.ts';
import { ack, ackOwn, postpone } from './acks.ts';
import { type CheckpointSaver, createCheckpointSaver, fetchCheckpoint } from './checkpoints.ts';
import { ERASED, type Heartbeat, type HeartbeatPorts, startHeartbeat } from './heartbeat.ts';
import { knownError, lost, readAgain, trueCause } from './interruption.ts';
import type { Marks } from './marks.ts';
import { notePaceSometimes } from './pace-notes.ts';
import { askBeforeRender } from './policy-gate.ts';
import { type Finished, type Receipts, storeReceipt } from './receipts.ts';
import { fetchReference } from './references.ts';
import type { Renderer } from './renderer.ts';
import type { Scratch } from './scratch.ts';
import { storeArtifacts } from './store-artifacts.ts';

/** Everything a worker touches. */
export interface WorkerPorts extends HeartbeatPorts, TakePorts, ContentPorts {
  readonly renderer: Renderer;
  readonly receipts: Receipts;
  readonly marks: Marks;
  readonly scratch: (job: Job) => Promise<Scratch>;
  /** How often the renderer writes a checkpoint; 0 turns a rule off. */
  readonly checkpointCadence: { readonly everySteps: number; readonly everyMs: number };
  /** Why this worker should take no job now (its disk is full), in words; undefined: it may. */
  readonly whyNotReady?: () => Promise<string | undefined>;
  readonly log: (level: 'info' | 'warn' | 'error', message: string, fields: Record<string, unknown>) => void;
}

/**
 * What the loop should do next: look at once, wait a little because nothing may start, or back off because a store is out or this worker
 * is given what it may not serve.
 */
export type Processed = 'worked' | 'nothing' | 'outage' | 'refused';

/** Throws only when the store or queue fails; the lease then runs out and the job is looked at again. */
export async function processJob(ports: WorkerPorts, delivery: Delivery, drain: AbortSignal): Promise<Processed> {
  const askedMs = ports.monotonicMs();
  const taken = await takeNext(ports, delivery.message.jobId);
  if (taken.outcome === 'done') {
    await ack(ports, delivery);
    return 'worked';
  }
  if (taken.outcome === 'held') {
    await postpone(ports, delivery, taken.seconds);
    return 'nothing';
  }
  if (taken.outcome === 'refused') {
    await postpone(ports, delivery, 0);
    return 'refused';
  }
  await ports.taskGuard?.hold().catch(error => ports.log('warn', 'task not protected', { at: placeOf(error) }));
  const heartbeat = startHeartbeat(ports, taken.job, delivery, askedMs);
  let scratch: Scratch | undefined;
  try {
    scratch = await ports.scratch(taken.job);
    return await render(ports, heartbeat, scratch, drain);
  } catch (error) {
    return await settle(ports, heartbeat, error);
  } finally {
    await heartbeat.stop();
    await scratch?.remove().catch(() => undefined); // the next start of this worker clears what is left
    await ports.taskGuard?.free().catch(() => undefined); // it expires by itself
  }
}

async function render(
  ports: WorkerPorts,
  heartbeat: Heartbeat,
  scratch: Scratch,
  drain: AbortSignal,
): Promise<Processed> {
  const job = heartbeat.job();
  const { signal } = heartbeat;
  if (job.erased) throw new ReelayError('cancelled', ERASED);
  const judged = await askBeforeRender(ports, job);
  if (judged !== undefined) return parked(ports, heartbeat, judged);
  await ports.receipts.prepare();
  const { payload, order: marking } = await ports.marks.order(job);
  const referencePath = await fetchReference(ports, job, scratch);
  const resumePath = await fetchCheckpoint(ports, job, scratch);
  const from = resumePath === undefined ? 0 : (job.checkpoint?.step ?? 0);
  const saver = createCheckpointSaver(ports, scratch, heartbeat, from);
  ports.log('info', 'job started', { jobId: job.id, attempt: job.attempt, from });
  let startedMs: number | undefined;
  const outcome = await ports.renderer
    .render(
      {
        ...{ taskId: `${job.id}/${job.attempt}`, request: job.request, folder: scratch.folder },
        ...{ resumePath, referencePath, marking },
      },
      {
        signal,
        pause: drain,
        sign: ports.marks.sign,
        onProgress: progress => {
          startedMs ??= ports.monotonicMs(); // the model is loaded by then
          heartbeat.report(progress);
        },
        onCheckpoint: saver.offer,
        onNotice: ({ type, reason }) => {
          if (type === 'resume_refused') saver.startedOver();
          ports.log('warn', type, { jobId: job.id, attempt: job.attempt, reason });
        },
        checkpoint: ports.checkpointCadence,
      },
    )
    .catch(async (error: unknown) => {
      if (!signal.aborted) await saver.finish(); // what the child saved before it died is worth keeping
      throw error;
    });
  const renderMs = ports.monotonicMs() - (startedMs ?? ports.monotonicMs());
  if (outcome.outcome === 'paused') {
    if (outcome.checkpoint !== null) saver.offer(outcome.checkpoint);
    return drained(ports, heartbeat, saver);
  }
  heartbeat.report({ phase: 'committing', step: 0, steps: 0 });
  const artifacts = await storeArtifacts(ports.blobs, heartbeat, scratch, outcome.files);
  await saver.finish();
  const { resumedAtStep, bundleDigest, marked, warnings } = outcome;
  heartbeat.signal.throwIfAborted();
  const { sha256 } = artifacts.video;
  await complete(ports, heartbeat, {
    ...{ artifacts, resumedAtStep, bundleDigest, warnings },
    marking: await ports.marks.record(heartbeat.job(), payload, { marked, sha256, bundleDigest }),
    checkpointed: saver.used(),
    completedAtMs: ports.now(),
  });
  if (outcome.resumedAtStep === 0) await notePaceSometimes(ports, job, renderMs).catch(() => undefined); // an estimate's input
  return 'worked';
}

/** A person has to look at the job first: it waits without a message, and whoever approves it sends one. */
async function parked(ports: WorkerPorts, heartbeat: Heartbeat, judged: Judged): Promise<Processed> {
  await heartbeat.stop();
  heartbeat.signal.throwIfAborted();
  const job = heartbeat.job();
  const waiting = await parkJob(ports, job, judged);
  if (waiting === undefined) throw await whyRefused(ports, job);
  ports.log('info', 'job waits for a review', { jobId: job.id, attempt: job.attempt, review: waiting.review?.id });
  await ackOwn(ports, heartbeat);
  return 'worked';
}

/** The receipt is the last of the bytes: no job completes without one that holds. */
async function complete(ports: WorkerPorts, heartbeat: Heartbeat, finished: Finished): Promise<void> {
  const { artifacts, marking, checkpointed, warnings, completedAtMs } = finished;
  const receipt = await storeReceipt(ports, heartbeat, finished);
  await heartbeat.stop(); // a beat after the end would find a record that has moved on
  heartbeat.signal.throwIfAborted();
  const job = heartbeat.job();
  const made = { artifacts, receipt, marking, warnings };
  const ending = { status: 'completed', ...made, checkpointed, nowMs: completedAtMs } as const;
  const ended = await endJob(ports.store, job, ending);
  if (ended === undefined) throw await whyRefused(ports, job);
  ports.log('info', 'job completed', { jobId: job.id, attempt: job.attempt, bytes: artifacts.video.bytes });
  await tellAndAck(ports, ended, heartbeat);
}

async function whyRefused(ports: WorkerPorts, job: Job): Promise<ReelayError> {
  const now = await ports.store.load(job.id);
  const ours = now?.status === 'in_progress' && now.attempt === job.attempt;
  return ours
    ? new ReelayError('cancelled', 'The job was cancelled.')
    : new ReelayError('lease_lost', 'The job moved on.');
}

/** The render child has stopped for a drain: the job goes back with what it has done, and counts nothing. */
async function drained(ports: WorkerPorts, heartbeat: Heartbeat, saver: CheckpointSaver): Promise<Processed> {
  await saver.finish();
  await heartbeat.stop();
  heartbeat.signal.throwIfAborted();
  const job = heartbeat.job();
  ports.log('info', 'job interrupted', {
    jobId: job.id,
    attempt: job.attempt,
    code: 'drained',
    step: job.checkpoint?.step ?? 0,
  });
  await handBack(ports, heartbeat, job, { delaySeconds: 0, failed: false });
  return 'worked';
}

/** An event that cannot be sent now is owed by the record and sent by the sweeper: the job is over all the same. */
async function tellAndAck(ports: WorkerPorts, ended: Job, heartbeat: Heartbeat): Promise<void> {
  await relay(ports, ended).catch(() => ports.log('warn', 'event is owed', { jobId: ended.id }));
  await ackOwn(ports, heartbeat);
}

async function settle(ports: WorkerPorts, heartbeat: Heartbeat, error: unknown): Promise<Processed> {
  await heartbeat.stop();
  const seen = heartbeat.job();
  // The record may know more than we do: a write whose answer was lost, or another worker.
  const read = await readAgain(ports, seen.id);
  const now = read === undefined ? seen : read.job;
  const ours = now?.status === 'in_progress' && now.attempt === seen.attempt;
  const job = ours ? now : seen;
  const known = ours ? trueCause(knownError(error), read !== undefined) : lost(error);
  const level = known.code === 'internal' ? 'error' : 'info';
  const at = placeOf(known.cause ?? error);
  ports.log(level, 'job interrupted', { jobId: job.id, attempt: job.attempt, code: known.code, at });
  if (known.code === 'lease_lost')
    await removeOwnBytes(ports, job).catch(() => undefined); // they go with the job
  else if (known.code === 'cancelled') await endCancelled(ports, heartbeat, job);
  else return tryAgainOrFail(ports, heartbeat, job, known);
  return 'worked';
}

async function tryAgainOrFail(
  ports: WorkerPorts,
  heartbeat: Heartbeat,
  job: Job,
  known: ReelayError,
): Promise<Processed> {
  // A store that is out says nothing about the job: it waits for as long as that lasts.
  const outage = known.code === 'store_unavailable';
  if (!outage && isFinal(job, known)) {
    const message = known.code === 'internal' ? 'The worker failed unexpectedly.' : known.message;
    const ended = await failJob(ports, job, { code: known.code, message });
    if (ended === undefined) await endCancelled(ports, heartbeat, job);
    else await ackOwn(ports, heartbeat); // failJob has told the world
    return 'worked';
  }
  const doubled = limits.retryDelaySeconds * 2 ** Math.min(16, outage ? job.attempt - 1 : job.failures);
  const delaySeconds = Math.min(limits.retryDelayMostSeconds, doubled);
  await handBack(ports, heartbeat, job, { delaySeconds, failed: !outage });
  return outage ? 'outage' : 'worked';
}

/**
 * What a worker stored before it learned that its lease was lost. Not while the record still shows its attempt as running or completed:
 * the bytes may be the committed ones.
 */
async function removeOwnBytes(ports: WorkerPorts, job: Job): Promise<void> {
  const now = await ports.store.load(job.id);
  const named = now?.attempt === job.attempt && (now.status === 'in_progress' || now.status === 'completed');
  if (!named) await ports.blobs.deletePrefix(attemptPrefix(job, job.attempt));
}

async function handBack(
  ports: WorkerPorts,
  heartbeat: Heartbeat,
  job: Job,
  options: { delaySeconds: number; failed: boolean },
): Promise<void> {
  const given = await giveBack(ports, job, options);
  if (given === undefined) return endCancelled(ports, heartbeat, job);
  const delivery = heartbeat.delivery();
  if (delivery === undefined) return; // its token was sent afresh and is under way; the owed one does no harm
  await ports.queue.release(delivery, options.delaySeconds);
  await ports.store.clearOutbox(
    job.id,
    given.outbox.filter(({ kind }) => kind === 'message').map(({ id }) => id), // what else it owes, it still owes
  );
}

/** Ends a job that someone cancelled; when it is not ours any more, nothing is written, and what we stored goes. */
async function endCancelled(ports: WorkerPorts, heartbeat: Heartbeat, job: Job): Promise<void> {
  const ended = await endJob(ports.store, job, { status: 'cancelled', nowMs: ports.now() });
  if (ended !== undefined) await tellAndAck(ports, ended, heartbeat);
  else await removeOwnBytes(ports, job).catch(() => undefined); // they go with the job
}
