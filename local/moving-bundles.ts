/**
 * @file Bundles on their way into `<data>/models` and out of it. Each lies in `models/.moving/<random>` beside a lock that dies with its
 * process, and comes and goes by one rename; what a killed process left is removed by the next that starts or moves one.
 */
import { randomBytes } from 'node:crypto';
import { readdirSync, rmSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fromFileSystem, isMissing } from '#adapters/local/file-error.ts';
import { cleanDeadLocks, holdLock, isHeld } from '#adapters/local/process-lock.ts';
import { ReelayError } from '#core/errors.ts';
import { addedModelsFolder } from './bundles.ts';

/** A path for one bundle on its way; whatever is there at the end goes. `store_unavailable` when the data folder cannot be written. */
export async function inMovingFolder(dataFolder: string, act: (folder: string) => Promise<void>): Promise<void> {
  const moving = await makeMoving(dataFolder);
  cleanMoving(dataFolder);
  const folder = join(moving, randomBytes(6).toString('hex'));
  const lock = holdLock(`${folder}.lock`);
  try {
    await act(folder);
  } finally {
    await rm(folder, { recursive: true, force: true }).catch(() => undefined); // the next one cleans up
    lock?.release();
  }
}

/** Acts as the only one who adds a bundle of this id; `conflict` while a living process does. */
export async function holdingId<T>(id: string, dataFolder: string, act: () => Promise<T>): Promise<T> {
  const lock = holdLock(join(await makeMoving(dataFolder), `id.${id}.lock`));
  if (lock === undefined)
    throw new ReelayError('conflict', `A model "${id}" is being added just now, by another process.`, {
      retryable: false,
    });
  try {
    return await act();
  } finally {
    lock.release();
  }
}

/** Removes what dead processes left; nothing where no bundle was ever moved. */
export function cleanMoving(dataFolder: string): void {
  const moving = movingFolder(dataFolder);
  cleanDeadLocks(moving);
  try {
    for (const name of readdirSync(moving).filter(one => !one.endsWith('.lock')))
      if (!isHeld(join(moving, `${name}.lock`))) rmSync(join(moving, name), { recursive: true, force: true });
  } catch (error) {
    if (!isMissing(error)) throw fromFileSystem(error, moving);
  }
}

const movingFolder = (dataFolder: string) => join(addedModelsFolder(dataFolder), '.moving');

async function makeMoving(dataFolder: string): Promise<string> {
  const folder = movingFolder(dataFolder);
  await mkdir(folder, { recursive: true, mode: 0o700 }).catch(error => {
    throw fromFileSystem(error, folder);
  });
  return folder;
}
