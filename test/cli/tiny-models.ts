import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { addBundle, type PlannedBundle, planBundle } from '#local/model-registry.ts';

const BUNDLES = join(import.meta.dirname, '..', 'fixtures', 'bundles');

/** Adds bundles of test/fixtures/bundles to a data folder, by folder name. */
export async function addTinyModels(dataFolder: string, ...names: readonly string[]): Promise<void> {
  for (const name of names)
    await addBundle(atOwnSize(await planBundle(join(BUNDLES, name), { created: 1 })), { dataFolder });
}

/** Enlarged to 512 pixels its clips would cost more than all else that these tests do. */
function atOwnSize(plan: PlannedBundle): PlannedBundle {
  return { ...plan, draft: { ...plan.draft, delivery: 'native' } };
}

/** Adds wan-2.2-a14b-tiny, which has two experts, as `id`, with a shift to change and a preset "fast". */
export async function addTunableModel(dataFolder: string, scratch: string, id: string): Promise<void> {
  const folder = join(scratch, id);
  await cp(join(BUNDLES, 'wan-2.2-a14b'), folder, { recursive: true });
  const manifest = JSON.parse(await readFile(join(folder, 'bundle.json'), 'utf8'));
  manifest.presets = { fast: { steps: 2, guidance: 1, flow_shift: 8 } };
  await writeFile(join(folder, 'bundle.json'), JSON.stringify(manifest));
  await addBundle(atOwnSize(await planBundle(folder, { id, created: 1 })), { dataFolder });
}
