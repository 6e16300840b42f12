import { readFile, rm } from 'node:fs/promises';
import { placeOf, ReelayError } from '#core/errors.ts';
import { type Artifact, type Job, type Variant, variants } from '#core/job.ts';
import { endJob } from '#core/jobs/end.ts';
import { failJob, giveBack, isFinal, take } from '#core/jobs/lease.ts';
import { relay } from '#core/jobs/relay.ts';
import { artifactKey, attemptPrefix, jobPrefix } from '#core/keys.ts';
import { limits } from '#core/limits.ts';
import type { BlobStore, Delivery } from '#core/ports.ts';
import { type Heartbeat, type HeartbeatPorts, startHeartbeat } from './heartbeat.ts';
import type { Rendered, Renderer } from './renderer.ts';

/** Everything a worker touches. */
export interface WorkerPorts extends HeartbeatPorts {
  readonly blobs: BlobStore;
  readonly renderer: Renderer;
  /** An empty folder of this attempt's own for the renderer's files. */
  readonly scratch: (job: Job) => Promise<string>;
  readonly log: (level: 'info' | 'warn' | 'error', message: string, fields: Record<string, unknown>) => void;
}

/**
 * One delivery, to its end. The order of a finish is fixed: bytes, record, event, ack. A lost lease writes nothing, not even an
 * ack. Throws only when the store or queue fails; the lease then runs out and the job is looked at again.
 */
export async function processJob(ports: WorkerPorts, delivery: Delivery, drain: AbortSignal): Promise<void> {
  const taken = await take(ports, delivery.message.jobId);
  if (taken.outcome === 'done') return ports.queue.ack(delivery);
  if (taken.outcome === 'held') return ports.queue.release(delivery, taken.seconds);
  const { job } = taken;
  const heartbeat = startHeartbeat(ports, job, delivery);
  let folder: string | undefined;
  try {
    folder = await ports.scratch(job);
    const artifacts = await makeArtifacts(ports, job, heartbeat, folder, drain);
    await complete(ports, job, artifacts, delivery);
  } catch (error) {
    await settle(ports, job, error, delivery, drain);
  } finally {
    await heartbeat.stop();
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  }
}

async function makeArtifacts(
  ports: WorkerPorts,
  job: Job,
  heartbeat: Heartbeat,
  folder: string,
  drain: AbortSignal,
): Promise<Record<Variant, Artifact>> {
  const signal = AbortSignal.any([heartbeat.signal, drain]);
  const rendered = await ports.renderer.render(
    { taskId: `${job.id}/${job.attempt}`, request: job.request, folder },
    { signal, onProgress: heartbeat.report },
  );
  heartbeat.report({ phase: 'committing', step: 0, steps: 0 });
  const artifacts: Partial<Record<Variant, Artifact>> = {};
  for (const variant of variants) {
    signal.throwIfAborted();
    artifacts[variant] = await putArtifact(ports.blobs, job, variant, rendered[variant]);
  }
  heartbeat.signal.throwIfAborted();
  return artifacts as Record<Variant, Artifact>;
}

/** Stores one file and checks that the store holds all of it before anyone is told. */
async function putArtifact(blobs: BlobStore, job: Job, variant: Variant, file: Rendered[Variant]): Promise<Artifact> {
  const { contentType, bytes, sha256 } = file;
  const key = artifactKey(job, job.attempt, variant);
  await blobs.put(key, await readFile(file.path), { contentType });
  const stored = await blobs.head(key);
  if (stored?.bytes !== bytes)
    throw new ReelayError(
      'store_unavailable',
      `The store holds ${stored?.bytes ?? 'no'} bytes of ${bytes} of the ${variant}.`,
    );
  return { key, contentType, bytes, sha256 };
}

async function complete(
  ports: WorkerPorts,
  job: Job,
  artifacts: Record<Variant, Artifact>,
  delivery: Delivery,
): Promise<void> {
  const ended = await endJob(ports.store, job, { status: 'completed', artifacts, nowMs: ports.now() });
  if (ended === undefined) throw await whyRefused(ports, job);
  ports.log('info', 'job completed', { jobId: job.id, attempt: job.attempt, bytes: artifacts.video.bytes });
  await tellAndAck(ports, ended, delivery);
  // Earlier attempts may have died between their bytes and their record; what is missed here goes with the job.
  for (let attempt = 1; attempt < job.attempt; attempt++)
    await ports.blobs.deletePrefix(attemptPrefix(job, attempt)).catch(() => undefined);
}

async function whyRefused(ports: WorkerPorts, job: Job): Promise<ReelayError> {
  const now = await ports.store.load(job.id);
  const ours = now?.status === 'in_progress' && now.attempt === job.attempt;
  return ours
    ? new ReelayError('cancelled', 'The job was cancelled.')
    : new ReelayError('lease_lost', 'The job moved on.');
}

/** An event that cannot be sent now is owed by the record and sent by the sweeper: the job is over all the same. */
async function tellAndAck(ports: WorkerPorts, ended: Job, delivery: Delivery): Promise<void> {
  await relay(ports, ended).catch(() => ports.log('warn', 'event is owed', { jobId: ended.id }));
  await ports.queue.ack(delivery);
}

async function settle(
  ports: WorkerPorts,
  job: Job,
  error: unknown,
  delivery: Delivery,
  drain: AbortSignal,
): Promise<void> {
  const known =
    error instanceof ReelayError ? error : new ReelayError('internal', 'The worker failed.', { cause: error });
  const drained = drain.aborted && (error === drain.reason || known.code === 'cancelled');
  const fields = { jobId: job.id, attempt: job.attempt, code: drained ? 'drained' : known.code };
  const at = placeOf(known.cause ?? error);
  const level = known.code === 'internal' && !drained ? 'error' : 'info';
  ports.log(level, 'job interrupted', drained ? fields : { ...fields, at });
  if (known.code === 'lease_lost') return;
  if (known.code === 'cancelled' && !drained) return endCancelled(ports, job, delivery);
  if (!drained && isFinal(job, known)) {
    const message = known.code === 'internal' ? 'The worker failed unexpectedly.' : known.message;
    const ended = await failJob(ports, job, { code: known.code, message });
    return ended === undefined ? endCancelled(ports, job, delivery) : ports.queue.ack(delivery);
  }
  const delaySeconds = drained ? 0 : limits.retryDelaySeconds * 2 ** job.failures;
  const given = await giveBack(ports, job, { delaySeconds, failed: !drained });
  if (given === undefined) return endCancelled(ports, job, delivery);
  await ports.queue.release(delivery, delaySeconds);
  await ports.store.clearOutbox(
    job.id,
    given.outbox.map(entry => entry.id),
  );
}

/** Ends a job that someone cancelled; when it is not ours any more, nothing happens. */
async function endCancelled(ports: WorkerPorts, job: Job, delivery: Delivery): Promise<void> {
  const ended = await endJob(ports.store, job, { status: 'cancelled', nowMs: ports.now() });
  if (ended === undefined) return;
  // Bytes of an attempt that no record names; what is missed here goes with the job.
  await ports.blobs.deletePrefix(jobPrefix(job)).catch(() => undefined);
  await tellAndAck(ports, ended, delivery);
}
