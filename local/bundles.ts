import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ReelayError } from '#core/errors.ts';
import type { ModelCard } from '#core/models.ts';
import { readModelCard } from '#gpu-container/runtime/load-bundle.ts';

/** A bundle that can be offered. */
export interface InstalledBundle {
  readonly folder: string;
  readonly card: ModelCard;
}

/** A folder that is no usable bundle; it does not keep the others from being offered. */
export interface RefusedBundle {
  readonly folder: string;
  readonly error: ReelayError;
}

/** What a models folder holds. */
export interface Bundles {
  readonly installed: readonly InstalledBundle[];
  readonly refused: readonly RefusedBundle[];
}

/** The models that come with Reelay. */
export const MODELS_FOLDER = join(import.meta.dirname, '..', 'models');

/** Bundles in a folder, by name. Only bundle.json is read here; the renderer checks every hash before it loads. */
export async function findBundles(modelsFolder = MODELS_FOLDER): Promise<Bundles> {
  const entries = await readdir(modelsFolder, { withFileTypes: true });
  const folders = entries.filter(entry => entry.isDirectory()).map(entry => join(modelsFolder, entry.name));
  const found = await Promise.all(folders.sort().map(readBundle));
  return {
    installed: found.filter(bundle => 'card' in bundle),
    refused: found.filter(bundle => 'error' in bundle),
  };
}

async function readBundle(folder: string): Promise<InstalledBundle | RefusedBundle> {
  try {
    return { folder, card: await readModelCard(folder) };
  } catch (error) {
    if (error instanceof ReelayError) return { folder, error };
    throw error;
  }
}
