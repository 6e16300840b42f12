import { subjectOf } from '#core/audit/subjects.ts';
import { placeOf, ReelayError } from '#core/errors.ts';
import type { Job } from '#core/job.ts';
import { checkpointFolder, checkpointKey } from '#core/keys.ts';
import { limits } from '#core/limits.ts';
import type { BlobStore, JobStore } from '#core/ports.ts';
import type { Heartbeat } from './heartbeat.ts';
import { readWhole } from './read-whole.ts';
import type { CheckpointFile } from './renderer.ts';
import type { Scratch } from './scratch.ts';

/** What keeping checkpoints needs. */
export interface CheckpointPorts {
  readonly blobs: BlobStore;
  readonly store: Pick<JobStore, 'load'>;
  readonly now: () => number;
  readonly log: (level: 'info' | 'warn' | 'error', message: string, fields: Record<string, unknown>) => void;
}

/** Takes the renderer's checkpoints to the blob store and onto the record, beside the rendering. */
export interface CheckpointSaver {
  /** Returns at once; of several that come while one is being stored, only the newest is. */
  offer(file: CheckpointFile): void;
  /** The resume was refused and the run began anew: lower checkpoints than the record's are worth having again. */
  startedOver(): void;
  /** Whether any was offered. */
  readonly used: () => boolean;
  /** Waits until what was offered is stored, or has failed: a checkpoint is a saving, never a reason to fail. */
  finish(): Promise<void>;
}

/** The saver of one attempt that goes on from step `from`. */
export function createCheckpointSaver(
  ports: CheckpointPorts,
  scratch: Scratch,
  heartbeat: Heartbeat,
  from: number,
): CheckpointSaver {
  let floor = from;
  let newest: CheckpointFile | undefined;
  let storing: Promise<void> | undefined;
  let used = false;
  const storeAll = async () => {
    for (let file = newest; file !== undefined; file = newest) {
      newest = undefined;
      if (file.step <= floor) continue;
      floor = file.step;
      await storeOne(ports, scratch, heartbeat, file).catch(error => {
        const code = error instanceof ReelayError ? error.code : 'internal';
        ports.log('warn', 'checkpoint not stored', { jobId: heartbeat.job().id, code, at: placeOf(error) });
      });
    }
    storing = undefined;
  };
  return {
    used: () => used,
    startedOver: () => {
      floor = 0;
    },
    offer: file => {
      used = true;
      newest = file;
      storing ??= storeAll();
    },
    finish: async () => storing,
  };
}

/** Bytes first, then the record that names them, then what the record named before. */
async function storeOne(
  ports: CheckpointPorts,
  scratch: Scratch,
  heartbeat: Heartbeat,
  file: CheckpointFile,
): Promise<void> {
  const before = heartbeat.job();
  if (heartbeat.signal.aborted) return;
  const key = checkpointKey(before, before.attempt, file.step);
  const sealFor = subjectOf(before);
  await ports.blobs.put(key, await scratch.read(file.path), { contentType: 'application/octet-stream', sealFor });
  const { step, bytes, sha256 } = file;
  const saved = await heartbeat.save({ key, step, bytes, sha256, atMs: ports.now() });
  if (!saved) return removeUnnamed(ports, before, key);
  if (before.checkpoint !== null) await ports.blobs.deletePrefix(checkpointFolder(before.checkpoint.key));
}

/** Bytes that did not come onto the record. While the attempt is ours a write whose answer was lost may still name them. */
async function removeUnnamed(ports: CheckpointPorts, job: Job, key: string): Promise<void> {
  const now = await ports.store.load(job.id);
  const ours = now?.status === 'in_progress' && now.attempt === job.attempt;
  if (!ours && now?.checkpoint?.key !== key) await ports.blobs.deletePrefix(checkpointFolder(key));
}

/** The job's checkpoint as a file for the renderer; undefined when there is none, it is too old, or its bytes are not what was stored. */
export async function fetchCheckpoint(ports: CheckpointPorts, job: Job, scratch: Scratch): Promise<string | undefined> {
  const { checkpoint } = job;
  if (checkpoint === null) return undefined;
  const refused = (why: string) => {
    ports.log('warn', 'checkpoint not used', { jobId: job.id, attempt: job.attempt, step: checkpoint.step, why });
    return undefined;
  };
  if (ports.now() - checkpoint.atMs > limits.checkpointHours * 3_600_000) return refused('it is too old');
  const bytes = await readWhole(ports.blobs, checkpoint);
  if (bytes === undefined) return refused('its bytes are not in the store');
  const { path, sha256 } = await scratch.write('resume.bin', bytes);
  return sha256 === checkpoint.sha256 ? path : refused('its bytes are not those that were stored');
}
