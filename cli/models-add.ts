import { availableParallelism } from 'node:os';
import { Command } from 'commander';
import { ReelayError } from '#core/errors.ts';
import { whyNotOffered } from '#core/governance/gate.ts';
import { missingStatements } from '#core/governance/statement.ts';
import { describeRange } from '#core/models.ts';
import { whyUnfit } from '#core/provider.ts';
import { needsOf } from '#gpu-container/runtime/bundle-manifest.ts';
import { describeDevice } from '#gpu-container/worker/gpu-facts.ts';
import { providerFrom } from '#gpu-container/worker/provider-setting.ts';
import { tryBundle } from '#gpu-container/worker/render-child.ts';
import { governingOf } from '#local/accepted-bundles.ts';
import { RENDER_CHILD } from '#local/local-worker.ts';
import { addBundle, type PlannedBundle, planBundle, refuseTakenId, workingOwners } from '#local/model-registry.ts';
import { confirm } from './confirm.ts';
import { accept } from './models-accept.ts';
import { dataFolderFrom, policyFrom } from './settings.ts';

interface AddOptions {
  id?: string;
  license?: string;
  accept?: string;
  yes?: boolean;
  try: boolean;
  json?: boolean;
}

/** `reelay models add` */
export function addModelCommand(): Command {
  return new Command('add')
    .description('copy a bundle, or a diffusers pipeline in ONNX as it is, into the data folder and offer it')
    .argument('<folder>', 'with a bundle.json, or a model_index.json and ONNX graphs; links are not followed')
    .option('--id <id>', 'the name in requests; the bundle says it, or else the folder is called so')
    .option(
      '--license <name>',
      'of the weights, as Apache-2.0, where no bundle.json says it; README.md at the top is asked otherwise',
    )
    .option('--accept <reason>', 'offer it although its bundle.json has no card, dataset statement or license terms')
    .option('--yes', 'do not ask')
    .option('--no-try', 'do not load it once after copying')
    .option('--json', 'print one JSON object')
    .action(async (folder: string, options: AddOptions) => add(folder, options));
}

async function add(folder: string, options: AddOptions): Promise<void> {
  const dataFolder = dataFolderFrom(process.env);
  const { id, license } = options;
  const plan = await planBundle(folder, { id, license, created: Math.floor(Date.now() / 1000) });
  const provider = providerFrom(process.env);
  const needs = 'requires' in plan.draft ? needsOf(plan.draft.requires) : undefined;
  const unfit = whyUnfit(plan.draft.id, needs, await describeDevice(provider));
  if (unfit !== undefined) throw new ReelayError('provider_unavailable', unfit, { retryable: false });
  const say = (text: string) => options.json === true || process.stderr.write(text);
  await refuseTakenId(plan.draft.id, dataFolder);
  say(described(plan));
  if (options.yes !== true && options.json !== true && !(await confirmed(plan.draft.id, dataFolder))) {
    say('nothing was added\n');
    process.exitCode = 1;
    return;
  }
  const threads = Math.max(1, Math.min(4, availableParallelism()));
  const added = await addBundle(plan, {
    dataFolder,
    onProgress: progressLine(say),
    ...(options.try && {
      tryBundle: async staging => {
        say('loading it once …\n');
        await tryBundle({ childPath: RENDER_CHILD, folder: staging, threads, provider });
      },
    }),
  });
  const unstated = missingStatements(added.card.governance).length > 0;
  if (unstated && options.accept !== undefined) await accept(dataFolder, added, options.accept);
  const hint = whyNotOffered(added.card, await governingOf(dataFolder, policyFrom(process.env).governing));
  if (options.json === true) {
    const { card, family, bytes, folder: target } = added;
    process.stdout.write(`${JSON.stringify({ ...card, family, bytes, added: true, folder: target })}\n`);
    return;
  }
  process.stdout.write(`added ${added.card.id} (${added.folder})\n`);
  if (hint !== undefined) say(`It is not offered yet. ${hint}\n`);
  if ((await workingOwners(dataFolder)).length > 0)
    say('A server or worker that is running offers it after its next start.\n');
}

/** What will be offered, so that a wrong guess is seen before the copying. */
function described({ source, draft, derived, bytes }: PlannedBundle): string {
  const { limits, defaults } = draft;
  const guess = derived
    ? '  (no bundle.json there: sizes, frames and steps are those that the family’s makers name)\n'
    : '';
  return [
    `${source}: family ${draft.family}, ${draft.tasks.join(', ')}; license ${draft.license}; ${shownBytes(bytes)}\n`,
    `  size ${limits.sizes.join(', ')}; frames ${describeRange(limits.frames)} at ${defaults.fps} a second; `,
    `${defaults.steps} steps, guidance ${defaults.guidance}\n`,
    guess,
  ].join('');
}

/** Only a person at a terminal is asked. */
async function confirmed(id: string, dataFolder: string): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return true;
  return confirm(`Add it as "${id}" to ${dataFolder}/models? [Y/n] `);
}

/** A line that counts up on a terminal; nothing elsewhere. */
function progressLine(say: (text: string) => unknown): ((copied: number, all: number) => void) | undefined {
  if (!process.stderr.isTTY) return undefined;
  let shown = -1;
  return (copied, all) => {
    const percent = Math.floor((100 * copied) / Math.max(1, all));
    if (percent === shown) return;
    shown = percent;
    say(`\rcopying and hashing ${percent} %${percent === 100 ? '\n' : ''}`);
  };
}

/** "17.2 GB", "16.0 MB" */
export function shownBytes(bytes: number): string {
  return bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
