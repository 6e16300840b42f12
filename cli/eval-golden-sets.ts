import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ReelayError } from '#core/errors.ts';
import { findGolden, type GoldenManifest } from './eval-golden.ts';
import { evalLimits } from './eval-limits.ts';

/** Goldens of one task and one choice of settings. */
export interface GoldenSet {
  /** Null for what --golden names itself; else the name of a folder in it. */
  readonly name: string | null;
  readonly folder: string;
  readonly manifest: GoldenManifest;
}

/**
 * The folder's own set and those of the folders in it, by name, so that one command holds a model to its presets and tasks. Throws
 * `invalid_request` where there is none, too many, or one that is not ours.
 */
export async function findGoldenSets(folder: string): Promise<readonly [GoldenSet, ...GoldenSet[]]> {
  const own = await findGolden(folder);
  const sets: GoldenSet[] = own === undefined ? [] : [{ name: null, folder, manifest: own }];
  const inside = await readdir(folder, { withFileTypes: true }).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT' || cause.code === 'ENOTDIR') return [];
    throw bad(`${folder} cannot be read (${cause.code}).`);
  });
  for (const name of inside.flatMap(entry => (entry.isDirectory() ? [entry.name] : [])).sort()) {
    const manifest = await findGolden(join(folder, name));
    if (manifest !== undefined) sets.push({ name, folder: join(folder, name), manifest });
  }
  const [first, ...others] = sets;
  if (first === undefined)
    throw bad(`there is no golden.json in ${folder} or a folder of it; --update-golden "why" makes one.`);
  if (sets.length > evalLimits.maxGoldenSets)
    throw bad(`${folder} has ${sets.length} sets; at most ${evalLimits.maxGoldenSets} are held at once.`);
  return [first, ...others];
}

const bad = (message: string) => new ReelayError('invalid_request', `--golden: ${message}`);
