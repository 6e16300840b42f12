import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ModelCard } from '#core/models.ts';
import { readModelCard } from '#gpu-container/runtime/load-bundle.ts';

export interface InstalledBundle {
  readonly folder: string;
  readonly card: ModelCard;
}

/** The models that come with Reelay. */
export const MODELS_FOLDER = join(import.meta.dirname, '..', 'models');

/**
 * Bundles in a folder, by name; only bundle.json is read here, the renderer checks every hash before it loads. Throws
 * `bundle_invalid` for a bundle.json that makes no sense.
 */
export async function findBundles(modelsFolder = MODELS_FOLDER): Promise<InstalledBundle[]> {
  const entries = await readdir(modelsFolder, { withFileTypes: true });
  const names = entries.filter(entry => entry.isDirectory()).map(entry => entry.name);
  return Promise.all(
    names
      .sort()
      .map(async name => ({ folder: join(modelsFolder, name), card: await readModelCard(join(modelsFolder, name)) })),
  );
}
