import { basename } from 'node:path';
import { Command } from 'commander';
import { ReelayError } from '#core/errors.ts';
import { describeRange, type ModelPreset, offeredSeconds } from '#core/models.ts';
import { loadBundle } from '#gpu-container/runtime/load-bundle.ts';
import { type Bundles, findBundles, type InstalledBundle } from '#local/bundles.ts';
import { removeBundle } from '#local/model-registry.ts';
import { explain } from './explain.ts';
import { acceptModelCommand } from './models-accept.ts';
import { addModelCommand, shownBytes } from './models-add.ts';
import { pushModelCommand } from './models-push.ts';
import { dataFolderFrom } from './settings.ts';

/** `reelay models list|add|accept|push|verify|remove` */
export function modelsCommand(): Command {
  const models = new Command('models').description('the model bundles: those that come with Reelay, and those you add');
  models
    .command('list')
    .description('what each model makes')
    .option('--json', 'as JSON')
    .action(async (options: { json?: boolean }) => list(options.json === true));
  models.addCommand(addModelCommand());
  models.addCommand(acceptModelCommand());
  models.addCommand(pushModelCommand());
  models
    .command('verify')
    .description('check every file of a bundle against its sha256 and every graph; exit 1 if something is wrong')
    .argument('[id]', 'one model instead of all')
    .option('--json', 'as JSON')
    .action(async (id: string | undefined, options: { json?: boolean }) => verify(id, options.json === true));
  models
    .command('remove')
    .description('take a model away that was added; no server or worker may be running on the data folder')
    .argument('<id>', 'as `reelay models list` names it')
    .action(async (id: string) => {
      const folder = await removeBundle(id, dataFolderFrom(process.env));
      process.stdout.write(`removed ${id} (${folder})\n`);
    });
  return models;
}

async function list(json: boolean): Promise<void> {
  const { installed, refused } = await findBundles(undefined, dataFolderFrom(process.env));
  for (const { error } of refused) explain(error);
  if (!json) return void installed.forEach(show);
  const facts = installed.map(({ card, family, bytes, added, folder }) => ({ ...card, family, bytes, added, folder }));
  process.stdout.write(`${JSON.stringify(facts)}\n`);
}

function show({ card, family, bytes, added, folder }: InstalledBundle): void {
  const { defaults, frames } = card;
  const seconds = offeredSeconds(card);
  const lengths = seconds.length > 8 ? `${seconds[0]} to ${seconds.at(-1)}` : seconds.join(', ');
  const digest = card.digest.slice(0, 12);
  process.stdout.write(
    [
      `${card.id}  ${card.license}  ${card.tasks.join(', ')}`,
      `  ${card.description}`,
      `  size ${card.sizes.join(', ')}; frames ${describeRange(frames)}, seconds ${lengths}; default ${defaults.num_inference_steps} steps, guidance ${defaults.guidance_scale}`,
      ...Object.entries(card.presets).map(([name, preset]) => `  --preset ${name}: ${presetText(preset)}`),
      `  family ${family}; ${shownBytes(bytes)}; digest ${digest}; ${added ? 'added' : 'comes with Reelay'}`,
      `  ${folder}`,
      '',
    ].join('\n'),
  );
}

/** In the words of the flags. */
function presetText(preset: ModelPreset): string {
  const { num_inference_steps: steps, guidance_scale: guidance, flow_shift: shift, strength } = preset;
  const parts = { steps, guidance, 'flow shift': shift, strength };
  const said = Object.entries(parts).filter(([, value]) => value !== undefined);
  return said
    .map(([name, value]) => (name === 'steps' ? `${value} ${value === 1 ? 'step' : 'steps'}` : `${name} ${value}`))
    .join(', ');
}

async function verify(id: string | undefined, json: boolean): Promise<void> {
  const results: { model: string; ok: boolean; error: string | null }[] = [];
  const { installed, refused } = await named(id);
  for (const { folder, error } of refused) {
    results.push({ model: basename(folder), ok: false, error: error.message });
    process.exitCode = json ? 1 : explain(error);
  }
  for (const { card, folder } of installed) {
    try {
      await loadBundle(folder);
      results.push({ model: card.id, ok: true, error: null });
      if (!json) process.stdout.write(`${card.id}: every file matches its sha256\n`);
    } catch (error) {
      results.push({ model: card.id, ok: false, error: error instanceof Error ? error.message : String(error) });
      process.exitCode = json ? 1 : explain(error);
    }
  }
  if (json) process.stdout.write(`${JSON.stringify(results)}\n`);
}

/** All bundles, or those of one id. */
async function named(id: string | undefined): Promise<Bundles> {
  const { installed, refused } = await findBundles(undefined, dataFolderFrom(process.env));
  if (id === undefined) return { installed, refused };
  const found = {
    installed: installed.filter(bundle => bundle.card.id === id),
    refused: refused.filter(bundle => basename(bundle.folder) === id),
  };
  if (found.installed.length + found.refused.length === 0)
    throw new ReelayError(
      'model_not_found',
      `There is no model "${id}"; there are: ${installed.map(bundle => bundle.card.id).join(', ')}.`,
    );
  return found;
}
