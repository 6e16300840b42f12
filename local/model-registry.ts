/**
 * @file The models that people add to a data folder: `<data>/models/<id>`, a whole bundle each. A bundle is made, and taken away, in
 * `models/.moving/<random>` beside a lock that dies with its process, and comes and goes by one rename: nobody sees half of one, and
 * what a killed process left is removed by the next.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { syncFolder } from '#adapters/local/durable-folder.ts';
import { cleanDeadLocks, holdLock, isHeld } from '#adapters/local/process-lock.ts';
import { ReelayError } from '#core/errors.ts';
import { bundleName } from '#gpu-container/runtime/bundle-files.ts';
import { type BundleManifest, parseManifest } from '#gpu-container/runtime/bundle-manifest.ts';
import { deriveManifest, type ManifestDraft } from '#gpu-container/runtime/derive-manifest.ts';
import { loadBundle, readManifest } from '#gpu-container/runtime/load-bundle.ts';
import { addedModelsFolder, findBundles, type InstalledBundle } from './bundles.ts';
import { copyBundle } from './copy-bundle.ts';

/** What a folder would become. */
export interface PlannedBundle {
  readonly source: string;
  readonly draft: BundleManifest | ManifestDraft;
  /** Whether the folder had no bundle.json, so that what it offers is what its family's makers name. */
  readonly derived: boolean;
  readonly bytes: number;
}

/** What the person who adds a model says. */
export interface PlanOptions {
  readonly id?: string | undefined;
  readonly license?: string | undefined;
  /** Unix seconds. */
  readonly created: number;
}

/** Reads a folder, with or without bundle.json, and copies nothing. `bundle_invalid`, in a sentence, where it is no bundle. */
export async function planBundle(folder: string, options: PlanOptions): Promise<PlannedBundle> {
  const source = await realpath(folder).catch(cause => {
    throw new ReelayError('bundle_invalid', `${folder} is no folder that can be read.`, { cause });
  });
  const derived = (await stat(join(source, 'bundle.json')).catch(() => undefined)) === undefined;
  const { id, license } = options;
  const draft = derived
    ? await deriveManifest(source, options)
    : { ...(await readManifest(source)), ...(id !== undefined && { id }), ...(license !== undefined && { license }) };
  const unhashed = draft.files.map(file => ({ sha256: '0'.repeat(64), ...file }));
  parseManifest(bundleName(source), JSON.stringify({ ...draft, files: unhashed })); // what was told and derived keeps the rules too
  const bytes = draft.files.reduce((sum, file) => sum + file.bytes, 0);
  return { source, draft, derived, bytes };
}

/** Where to, and how. */
export interface AddOptions {
  readonly dataFolder: string;
  /** Loads the copy, as a worker would; what it rejects with ends the adding. */
  readonly tryBundle?: ((folder: string) => Promise<void>) | undefined;
  readonly onProgress?: ((copied: number, all: number) => void) | undefined;
}

/**
 * Copies a bundle into a data folder, checked on the way and loaded once, and returns it. Throws `conflict` for an id that is taken,
 * `bundle_corrupt` and `bundle_invalid` for a bundle that is not as it should be, `store_unavailable` for a disk without room; nothing
 * is left behind then.
 */
export async function addBundle(plan: PlannedBundle, options: AddOptions): Promise<InstalledBundle> {
  const { source, draft } = plan;
  const { dataFolder } = options;
  await refuseTakenId(draft.id, dataFolder);
  const target = join(addedModelsFolder(dataFolder), draft.id);
  await inMovingFolder(dataFolder, async staging => {
    const name = bundleName(source);
    const files = await copyBundle(draft.files, { name, from: source, to: staging, onProgress: options.onProgress });
    const json = `${JSON.stringify({ ...draft, files }, null, 2)}\n`;
    await writeFile(join(staging, 'bundle.json'), json, { mode: 0o600, flush: true });
    await syncFolder(staging);
    try {
      await loadBundle(staging, { hashes: false });
      await options.tryBundle?.(staging);
    } catch (error) {
      throw inNameOf(error, bundleName(staging), name);
    }
    await rename(staging, target).catch(cause => {
      throw new ReelayError('conflict', `The id "${draft.id}" is taken.`, { cause, retryable: false });
    });
  });
  await syncFolder(addedModelsFolder(dataFolder));
  const { installed } = await findBundles(undefined, dataFolder);
  return installed.find(bundle => bundle.folder === target)!;
}

/** Sentences name the folder that the person gave, not the one in which the copy was made. */
function inNameOf(error: unknown, staging: string, name: string): unknown {
  if (!(error instanceof ReelayError)) return error;
  const { code, cause, retryable } = error;
  return new ReelayError(code, error.message.replaceAll(staging, name), { cause, retryable });
}

async function refuseTakenId(id: string, dataFolder: string): Promise<void> {
  const { installed, refused } = await findBundles(undefined, dataFolder);
  const isTaken =
    installed.some(bundle => bundle.card.id === id) ||
    refused.some(bundle => bundle.added && basename(bundle.folder) === id);
  if (isTaken)
    throw new ReelayError(
      'conflict',
      `There is a model "${id}" already; remove it first (reelay models remove ${id}), or give this one another name with --id.`,
      { retryable: false },
    );
}

/**
 * Takes an added model away and returns its folder. Throws `model_not_found`, `forbidden` for one that comes with Reelay, and
 * `conflict` while a process works on the data folder, which may hold the model open.
 */
export async function removeBundle(id: string, dataFolder: string): Promise<string> {
  const { installed, refused } = await findBundles(undefined, dataFolder);
  const known = installed.find(bundle => bundle.card.id === id);
  const folder = known?.folder ?? refused.find(bundle => bundle.added && basename(bundle.folder) === id)?.folder;
  if (folder === undefined) {
    const added = installed.filter(bundle => bundle.added).map(bundle => bundle.card.id);
    const which = added.length === 0 ? 'None was added.' : `Added were: ${added.join(', ')}.`;
    throw new ReelayError('model_not_found', `There is no model "${id}". ${which}`);
  }
  if (known?.added === false)
    throw new ReelayError('forbidden', `The model "${id}" comes with Reelay and cannot be removed.`);
  const owners = await workingOwners(dataFolder);
  if (owners.length > 0)
    throw new ReelayError(
      'conflict',
      `A server or worker is running on ${resolve(dataFolder)} (${owners.join(', ')}); stop it first.`,
      { retryable: false },
    );
  await inMovingFolder(dataFolder, async moving => {
    await rename(folder, moving);
    await syncFolder(addedModelsFolder(dataFolder));
    await rm(moving, { recursive: true });
  });
  return folder;
}

/** Names of the processes that have a data folder open, as host-pid-random. */
export async function workingOwners(dataFolder: string): Promise<string[]> {
  const locks = (await readdir(join(dataFolder, 'owners')).catch(() => [])).filter(name => name.endsWith('.lock'));
  return locks.filter(name => isHeld(join(dataFolder, 'owners', name))).map(name => name.slice(0, -'.lock'.length));
}

/** A path for one bundle on its way; whatever is there at the end goes, and so does what dead processes left. */
async function inMovingFolder(dataFolder: string, act: (folder: string) => Promise<void>): Promise<void> {
  const moving = join(addedModelsFolder(dataFolder), '.moving');
  await mkdir(moving, { recursive: true, mode: 0o700 });
  for (const dead of cleanDeadLocks(moving)) await rm(join(moving, dead), { recursive: true, force: true });
  const folder = join(moving, randomBytes(6).toString('hex'));
  const lock = holdLock(`${folder}.lock`);
  try {
    await act(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
    lock?.release();
  }
}
