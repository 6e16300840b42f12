import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoName, fromFileSystem } from '#adapters/local/file-error.ts';
import { ReelayError } from '#core/errors.ts';
import { type Governing, whyNotOffered } from '#core/governance/gate.ts';
import type { ModelCard } from '#core/models.ts';
import { type Device, whyUnfit } from '#core/provider.ts';
import { bundleDigest, modelCard } from '#gpu-container/runtime/bundle-manifest.ts';
import { readManifest } from '#gpu-container/runtime/load-bundle.ts';

/** A bundle that can be offered. */
export interface InstalledBundle {
  readonly folder: string;
  readonly card: ModelCard;
  readonly family: string;
  /** Of all its files. */
  readonly bytes: number;
  /** Whether it came with `reelay models add`, and goes with `remove`. */
  readonly added: boolean;
}

/** A folder that is no usable bundle; it does not keep the others from being offered. */
export interface RefusedBundle {
  readonly folder: string;
  readonly added: boolean;
  readonly error: ReelayError;
}

/** What the models folders hold. */
export interface Bundles {
  readonly installed: readonly InstalledBundle[];
  readonly refused: readonly RefusedBundle[];
}

/** The models that come with Reelay. */
export const MODELS_FOLDER = join(import.meta.dirname, '..', 'models');

/** Where `reelay models add` puts a bundle, under its id. */
export function addedModelsFolder(dataFolder: string): string {
  return join(dataFolder, 'models');
}

/**
 * Bundles in a folder, by name, and then those that were added to a data folder; of two with one id the second is refused, and so is
 * one that cannot be read. Only bundle.json is read here; the renderer checks every hash before it loads. `store_unavailable` when the
 * folders themselves cannot be read.
 */
export async function findBundles(modelsFolder = MODELS_FOLDER, dataFolder?: string): Promise<Bundles> {
  const folders = [
    ...(
      await foldersIn(modelsFolder).catch(error => {
        throw fromFileSystem(error, modelsFolder);
      })
    ).map(folder => ({ folder, added: false })),
    ...(dataFolder === undefined ? [] : await addedFolders(dataFolder)),
  ];
  const found = await Promise.all(folders.map(readBundle));
  const installed: InstalledBundle[] = [];
  const refused: RefusedBundle[] = [];
  for (const bundle of found) {
    const twin = 'card' in bundle ? installed.find(one => one.card.id === bundle.card.id) : undefined;
    if ('error' in bundle) refused.push(bundle);
    else if (twin === undefined) installed.push(bundle);
    else refused.push({ folder: bundle.folder, added: bundle.added, error: taken(bundle, twin) });
  }
  return { installed, refused };
}

/** Those that a device can render and the operator may offer; the others are refused with the reason. */
export function offeredOn(found: Bundles, device: Device, governing: Governing): Bundles {
  const installed: InstalledBundle[] = [];
  const refused = [...found.refused];
  for (const bundle of found.installed) {
    const { card, folder, added } = bundle;
    const unfit = whyUnfit(card.id, card.requires, device);
    const unstated = whyNotOffered(card, governing);
    if (unfit !== undefined)
      refused.push({ folder, added, error: new ReelayError('provider_unavailable', unfit, { retryable: false }) });
    else if (unstated !== undefined)
      refused.push({ folder, added, error: new ReelayError('bundle_invalid', unstated) });
    else installed.push(bundle);
  }
  return { installed, refused };
}

/** No folder, no models. */
async function addedFolders(dataFolder: string): Promise<{ folder: string; added: true }[]> {
  const parent = addedModelsFolder(dataFolder);
  const folders = await foldersIn(parent).catch(error => {
    if (errnoName(error) === 'ENOENT') return [];
    throw fromFileSystem(error, parent);
  });
  return folders.map(folder => ({ folder, added: true }));
}

/** Real folders: a link is not followed, and a name with a dot in front is one that is being added or removed. */
async function foldersIn(parent: string): Promise<string[]> {
  const entries = await readdir(parent, { withFileTypes: true });
  const folders = entries.filter(entry => entry.isDirectory() && !entry.name.startsWith('.'));
  return folders.map(entry => join(parent, entry.name)).sort();
}

async function readBundle(where: { folder: string; added: boolean }): Promise<InstalledBundle | RefusedBundle> {
  try {
    const manifest = await readManifest(where.folder);
    const bytes = manifest.files.reduce((sum, file) => sum + file.bytes, 0);
    return { ...where, card: modelCard(manifest, bundleDigest(manifest)), family: manifest.family, bytes };
  } catch (error) {
    if (error instanceof ReelayError) return { ...where, error };
    throw error;
  }
}

function taken({ folder, card }: InstalledBundle, twin: InstalledBundle): ReelayError {
  return new ReelayError('bundle_invalid', `${folder}: the id "${card.id}" is that of ${twin.folder} already.`);
}
