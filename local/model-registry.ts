/**
 * @file The models that people add to a data folder: `<data>/models/<id>`, a whole bundle each. Nobody sees half of one: see
 * moving-bundles.ts.
 */
import { lstat, readdir, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { syncFolder } from '#adapters/local/durable-folder.ts';
import { errnoName, fromFileSystem, isMissing } from '#adapters/local/file-error.ts';
import { isHeld } from '#adapters/local/process-lock.ts';
import { ReelayError } from '#core/errors.ts';
import { bundleName, whyUnreadable } from '#gpu-container/runtime/bundle-files.ts';
import { type BundleManifest, parseManifest } from '#gpu-container/runtime/bundle-manifest.ts';
import { deriveManifest, type ManifestDraft } from '#gpu-container/runtime/derive-manifest.ts';
import { loadBundle, readManifest } from '#gpu-container/runtime/load-bundle.ts';
import { addedModelsFolder, findBundles, type InstalledBundle } from './bundles.ts';
import { copyBundle } from './copy-bundle.ts';
import { holdingId, inMovingFolder } from './moving-bundles.ts';

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

/**
 * Reads a folder, with or without bundle.json, and copies nothing. In a sentence: `bundle_invalid` where it is no bundle,
 * `bundle_corrupt` where it cannot be read, `invalid_request` for another license than its bundle.json states.
 */
export async function planBundle(folder: string, options: PlanOptions): Promise<PlannedBundle> {
  const source = await realpath(folder).catch(cause => {
    throw new ReelayError('bundle_invalid', `${folder} is no folder that can be read.`, { cause });
  });
  const name = bundleName(source);
  if (!(await stat(source)).isDirectory()) throw new ReelayError('bundle_invalid', `${folder} is no folder.`);
  const derived = await lstat(join(source, 'bundle.json')).then(
    () => false,
    error => {
      if (errnoName(error) === 'ENOENT') return true;
      throw whyUnreadable(error, name, 'bundle.json');
    },
  );
  const draft = derived ? await deriveManifest(source, options) : await statedManifest(source, options);
  const unhashed = draft.files.map(file => ({ sha256: '0'.repeat(64), ...file }));
  parseManifest(name, JSON.stringify({ ...draft, files: unhashed })); // what was told and derived keeps the rules too
  const bytes = draft.files.reduce((sum, file) => sum + file.bytes, 0);
  return { source, draft, derived, bytes };
}

async function statedManifest(source: string, { id, license }: PlanOptions): Promise<BundleManifest> {
  const stated = await readManifest(source);
  if (license !== undefined && license.toLowerCase() !== stated.license.toLowerCase())
    throw new ReelayError(
      'invalid_request',
      `license: got "${license.slice(0, 80)}"; ${bundleName(source)}/bundle.json states "${stated.license}", which stays.`,
    );
  return { ...stated, ...(id !== undefined && { id }) };
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
  const { draft } = plan;
  const { dataFolder } = options;
  const target = join(addedModelsFolder(dataFolder), draft.id);
  await holdingId(draft.id, dataFolder, async () => {
    await refuseTakenId(draft.id, dataFolder);
    await inMovingFolder(dataFolder, async staging => {
      await fillStaging(staging, plan, options);
      await rename(staging, target).catch(cause => {
        if (!['EEXIST', 'ENOTEMPTY', 'ENOTDIR'].includes(errnoName(cause) ?? '')) throw fromFileSystem(cause, target);
        throw new ReelayError('conflict', `The id "${draft.id}" is taken.`, { cause, retryable: false });
      });
    });
  });
  await syncFolder(addedModelsFolder(dataFolder));
  const { installed } = await findBundles(undefined, dataFolder);
  return installed.find(bundle => bundle.folder === target)!;
}

/** The whole bundle as it will be, checked and tried. */
async function fillStaging(staging: string, { source, draft }: PlannedBundle, options: AddOptions): Promise<void> {
  const name = bundleName(source);
  const files = await copyBundle(draft.files, { name, from: source, to: staging, onProgress: options.onProgress });
  const path = join(staging, 'bundle.json');
  await writeFile(path, `${JSON.stringify({ ...draft, files }, null, 2)}\n`, { mode: 0o600, flush: true }).catch(
    error => {
      throw fromFileSystem(error, path);
    },
  );
  await syncFolder(staging);
  try {
    await loadBundle(staging, { hashes: false });
    await options.tryBundle?.(staging);
  } catch (error) {
    throw inNameOf(error, bundleName(staging), name);
  }
}

/** Sentences name the folder that the person gave, not the one in which the copy was made. */
function inNameOf(error: unknown, staging: string, name: string): unknown {
  if (!(error instanceof ReelayError)) return error;
  const { code, cause, retryable } = error;
  return new ReelayError(code, error.message.replaceAll(staging, name), { cause, retryable });
}

/** `conflict` where there is a model of this id: known before anybody is asked and anything is copied. */
export async function refuseTakenId(id: string, dataFolder: string): Promise<void> {
  const { installed, refused } = await findBundles(undefined, dataFolder);
  const known = installed.find(bundle => bundle.card.id === id);
  if (known === undefined && !refused.some(bundle => bundle.added && basename(bundle.folder) === id)) return;
  const why =
    known?.added === false
      ? `The model "${id}" comes with Reelay; give this one another name with --id.`
      : `There is a model "${id}" already; remove it first (reelay models remove ${id}), or give this one another name with --id.`;
  throw new ReelayError('conflict', why, { retryable: false });
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
    try {
      await rename(folder, moving);
      await syncFolder(addedModelsFolder(dataFolder));
      await rm(moving, { recursive: true });
    } catch (error) {
      throw fromFileSystem(error, folder);
    }
  });
  return folder;
}

/** Names of the processes that have a data folder open, as host-pid-random. */
export async function workingOwners(dataFolder: string): Promise<string[]> {
  const owners = join(dataFolder, 'owners');
  const names = await readdir(owners).catch(error => {
    if (isMissing(error)) return [];
    throw fromFileSystem(error, owners);
  });
  const locks = names.filter(name => name.endsWith('.lock'));
  return locks.filter(name => isHeld(join(owners, name))).map(name => name.slice(0, -'.lock'.length));
}
