/**
 * A real disk that is full: the data folder lies on a tmpfs of its own, and a file takes all the room that is left, or all but a little, so
 * that database, blobs, events, scratch files of the render child and log fail as they do on any full disk. Needs root and mount(8); where
 * they are missing the result says so.
 */
import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { ReelayError } from '#core/errors.ts';
import { limits } from '#core/limits.ts';
import { startCrew } from './crew.ts';
import { type DataFolder, openDataFolder } from './data-folder.ts';
import { readHistory } from './history.ts';
import { judge, type Verdict } from './judge.ts';
import type { Stage } from './stage.ts';

/** Enough that a worker takes jobs while the file is not there. */
const DISK_BYTES = limits.minFreeBytes + 60_000_000;

export interface FullDisks {
  /** From the moment there was room again to the end of everything accepted, and of one job more. */
  readonly recoveryMs: readonly number[];
  readonly verdicts: readonly Verdict[];
  readonly accepted: number;
  /** Submits that were told that there is no room. */
  readonly refused: number;
  /** Why there was no such disk, or nothing. */
  readonly why: string;
}

/** Fills it so many times, at moments that chance chooses, under two workers of the product's own composition. */
export async function fillDisks(stage: Stage, modelsFolder: string, times: number): Promise<FullDisks> {
  const disk = stage.path('disk');
  const why = mountDisk(disk);
  if (why !== undefined) return { recoveryMs: [], verdicts: [], accepted: 0, refused: 0, why: ` (${why})` };
  const unmount = () => void spawnSync('umount', ['-l', disk]);
  process.prependOnceListener('exit', unmount); // Ctrl-C: before the run's folder is removed
  try {
    const data = await openDataFolder(join(disk, 'data'), modelsFolder);
    const checkpointCadence = { everySteps: 3, everyMs: 0 };
    const crew = await startCrew(2, { dataFolder: data.folder, modelsFolder, leaseSeconds: 3, checkpointCadence });
    const accepted: string[] = [];
    const recoveryMs: number[] = [];
    let refused = 0;
    for (let time = 0; time < times; time++) {
      for (let n = 0; n < 4; n++) accepted.push((await submitOne(stage, data)).id);
      await stage.sleep(stage.int(400));
      refused += await whileFull(stage, join(disk, 'filler'), data, accepted);
      const backMs = Date.now();
      accepted.push((await submitOne(stage, data)).id);
      await data.ended(stage, 120_000);
      recoveryMs.push(Date.now() - backMs);
    }
    await crew.stop();
    data.close();
    const verdict = judge(await readHistory(data.folder), accepted);
    return { recoveryMs, verdicts: [verdict], accepted: accepted.length, refused, why: '' };
  } finally {
    unmount();
    process.off('exit', unmount);
  }
}

function submitOne(stage: Stage, data: DataFolder) {
  return data.submit({ seed: stage.int(20), num_inference_steps: 8 });
}

/** Full for up to 2.5 s, while a client goes on to submit; how many of its jobs were refused. */
async function whileFull(stage: Stage, filler: string, data: DataFolder, accepted: string[]): Promise<number> {
  let refused = 0;
  fill(filler, stage.pick([0, 0, 4_096, 65_536, 1_000_000]));
  try {
    const untilMs = performance.now() + 300 + stage.int(2_200);
    while (performance.now() < untilMs) {
      const made = await submitOne(stage, data).catch(error => error);
      if (!(made instanceof ReelayError)) accepted.push(made.id);
      else if (made.code === 'store_unavailable') refused++;
      else throw made;
      await stage.sleep(100);
    }
  } finally {
    rmSync(filler);
  }
  return refused;
}

/** Takes all room but so many bytes. */
function fill(path: string, butBytes: number): void {
  const { bavail, bsize } = statfsSync(join(path, '..'));
  const chunk = Buffer.alloc(1_000_000);
  const file = openSync(path, 'w');
  try {
    for (let left = bavail * bsize - butBytes; left > 0; )
      left -= writeSync(file, chunk, 0, Math.min(left, chunk.length));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error; // the workers were faster to take the rest
  } finally {
    closeSync(file);
  }
}

/** Why not, or nothing. */
function mountDisk(folder: string): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'no real full disk: needs Linux and root';
  mkdirSync(folder);
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_BYTES}`, 'tmpfs', folder]);
  return status === 0 ? undefined : 'no real full disk: mount is not allowed here';
}
