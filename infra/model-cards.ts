import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ModelCard, ModelCatalog } from '#core/models.ts';
import { bundleDigest, modelCard, parseManifest } from '#gpu-container/runtime/bundle-manifest.ts';
import { SettingsError } from './settings-error.ts';

/** The checkout that is deployed. */
export const CHECKOUT = join(import.meta.dirname, '..');

/** The cards of bundle folders, in their order: the first is what a request that names no model gets. Only bundle.json is read, and its sha256 noted. */
export function readCards(folders: readonly string[], checkout = CHECKOUT): ModelCatalog {
  const cards = folders.map(folder => readCard(folder, checkout));
  const twin = cards.find((card, at) => cards.findIndex(({ id }) => id === card.id) < at);
  if (twin !== undefined) throw new SettingsError(`models: two of the bundles have the id "${twin.id}".`);
  return cards;
}

function readCard(folder: string, checkout: string): ModelCard {
  try {
    const bytes = readFileSync(join(checkout, folder, 'bundle.json'));
    const manifest = parseManifest(folder, bytes.toString('utf8'));
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    return { ...modelCard(manifest, bundleDigest(manifest)), manifest: sha256 };
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'it has no bundle.json' : (error as Error).message;
    throw new SettingsError(`models: the bundle folder "${folder}" cannot be offered: ${why}.`.replace(/\.\.$/, '.'));
  }
}
