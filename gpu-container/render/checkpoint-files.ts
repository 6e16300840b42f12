/**
 * @file When a checkpoint is due, and the files they are kept in. Writes block: nothing else could run beside them in the child, and
 * a pause must not overtake a write. 72 kB for the bundled model.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { encodeCheckpoint, type RunState } from '#gpu-container/engine/checkpoint.ts';
import type { CheckpointFile, CheckpointRule } from './protocol.ts';

/** Two: the supervisor may still read one while the next is written. */
const KEPT = 2;

/** The checkpoints of one task. */
export interface Checkpoints {
  /** Takes a state between two steps, the first of them where the run starts, and writes it when one is due. */
  reached(state: RunState): void;
  /** Writes the newest state unless it is. The newest file, null when no step was done since the start. */
  save(): CheckpointFile | null;
}

/** What a task's checkpoints need. */
export interface CheckpointsOptions {
  readonly folder: string;
  readonly rule: CheckpointRule;
  /** Both sha256, lower-case hex. */
  readonly bundleDigest: string;
  readonly requestHash: string;
  /** Monotonic. */
  readonly nowMs: () => number;
  /** Told of every file, complete. */
  readonly onWritten: (file: CheckpointFile) => void;
  /** Told of a write that failed; the run goes on, and may lose more steps than it should. */
  readonly onFailed: (step: number, error: unknown) => void;
}

/** Files appear under their names only when they are whole: they are written beside and renamed. */
export function createCheckpoints(options: CheckpointsOptions): Checkpoints {
  const { rule, nowMs } = options;
  const folder = resolve(options.folder);
  const written: CheckpointFile[] = [];
  let newest: RunState | undefined;
  let lastStep = 0;
  let lastMs = 0;

  const save = () => {
    if (newest !== undefined && newest.step > lastStep) {
      const { step } = newest;
      try {
        const { bundleDigest, requestHash } = options;
        const bytes = encodeCheckpoint({ bundleDigest, requestHash, ...newest });
        written.push(writeCheckpoint(join(folder, `checkpoint-${step}.bin`), step, bytes));
        options.onWritten(written.at(-1)!);
        if (written.length > KEPT) rmSync(written.shift()!.path, { force: true });
      } catch (error) {
        options.onFailed(step, error);
      }
      lastStep = step; // a failed write is not repeated for the same state: a full disk stays full that long
      lastMs = nowMs();
    }
    return written.at(-1) ?? null;
  };

  return {
    save,
    reached: state => {
      if (newest === undefined) [lastStep, lastMs] = [state.step, nowMs()];
      newest = state;
      const bySteps = rule.everySteps > 0 && state.step - lastStep >= rule.everySteps;
      const byTime = rule.everyMs > 0 && nowMs() - lastMs >= rule.everyMs;
      if (bySteps || byTime) save();
    },
  };
}

function writeCheckpoint(path: string, step: number, bytes: Uint8Array): CheckpointFile {
  const beside = `${path}.part`;
  try {
    mkdirSync(resolve(path, '..'), { recursive: true });
    writeFileSync(beside, bytes);
    renameSync(beside, path);
  } catch (error) {
    rmSync(beside, { force: true });
    throw error;
  }
  return { path, step, bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
}
