import { basename } from 'node:path';
import { Command } from 'commander';
import { offeredSeconds } from '#core/models.ts';
import { loadBundle } from '#gpu-container/runtime/load-bundle.ts';
import { findBundles } from '#local/bundles.ts';
import { explain } from './explain.ts';

/** `reelay models list|verify` */
export function modelsCommand(): Command {
  const models = new Command('models').description('the installed model bundles');
  models
    .command('list')
    .description('what each model makes')
    .option('--json', 'as JSON')
    .action(async (options: { json?: boolean }) => list(options.json === true));
  models
    .command('verify')
    .description('check every file of every bundle against its sha256; exit 1 if one differs')
    .option('--json', 'as JSON')
    .action(async (options: { json?: boolean }) => verify(options.json === true));
  return models;
}

async function list(json: boolean): Promise<void> {
  const { installed: bundles, refused } = await findBundles();
  for (const { error } of refused) explain(error);
  if (json) {
    process.stdout.write(`${JSON.stringify(bundles.map(bundle => bundle.card))}\n`);
    return;
  }
  for (const { card, folder } of bundles) {
    const { defaults } = card;
    process.stdout.write(`${card.id}  ${card.license}  ${card.tasks.join(', ')}\n  ${card.description}\n`);
    process.stdout.write(`  size ${card.sizes.join(', ')}; ${offeredSeconds(card).join(', ')} seconds; `);
    process.stdout.write(
      `default ${defaults.num_inference_steps} steps, guidance ${defaults.guidance_scale}\n  ${folder}\n`,
    );
  }
}

async function verify(json: boolean): Promise<void> {
  const results: { model: string; ok: boolean; error: string | null }[] = [];
  const { installed, refused } = await findBundles();
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
