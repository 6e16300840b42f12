import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { ReelayError } from '#core/errors.ts';
import { QUICK_PROMPTS } from '#gpu-container/evaluation/world/fixed-prompts.ts';
import { readModelCard } from '#gpu-container/runtime/load-bundle.ts';
import { providerFrom } from '#gpu-container/worker/provider-setting.ts';
import { findBundles } from '#local/bundles.ts';
import { openBundleSource } from './eval-bundle.ts';
import { choiceOf, type EvalFlags, promptsOf } from './eval-flags.ts';
import { evalHtml } from './eval-page.ts';
import { type EvalResult, isFolder, runEval } from './eval-run.ts';
import { openServerSource } from './eval-server.ts';
import type { ClipSource } from './eval-source.ts';
import { checkTargets, written } from './eval-targets.ts';
import { evalText } from './eval-words.ts';
import { startProgress } from './plan-progress.ts';
import { dataFolderFrom } from './settings.ts';

/** `reelay eval` */
export function evalCommand(): Command {
  return new Command('eval')
    .description('make clips of a model and judge them: what was asked, likeness to goldens, motion, flicker, defects')
    .option('--model <id>', 'which model; else the first')
    .option('--bundle <folder>', 'a bundle that is not installed')
    .option('--server <url>', 'the clips of a running Reelay, as it delivers them; REELAY_API_KEY is its key')
    .option(
      '--prompts <file.jsonl>',
      'an object a line: {"prompt": …, "seed"?, "want"?, "image"?, "video"?}; else the fixed ones',
    )
    .option('--count <n>', `so many of the prompts; ${QUICK_PROMPTS} of the fixed ones, all of a file`)
    .option('--task <task>', 't2v (as usual), i2v or v2v')
    .option('--preset <name>', 'settings that the model names, such as fast')
    .option('--steps <n>', 'denoising steps')
    .option('--guidance <x>', 'classifier-free guidance scale')
    .option('--out <folder>', 'write eval.json, eval.html and a contact sheet for each clip there')
    .option('--json <file>', 'write the report as JSON')
    .option('--html <file>', 'write one page with all contact sheets')
    .option('--gate <level>', 'hold clips to those of --golden: L0, L1 or L2')
    .option('--golden <folder>', 'the golden folder; a gate holds to the sets in folders of it too')
    .option('--update-golden <reason>', 'make the golden folder anew; the reason is kept in it')
    .addHelpText(
      'after',
      '\nWhat each figure and gate is: docs/evaluation.md.\nExit codes: 0 judged, and passed where a gate was asked for; 1 a clip could not be made, or the gate is closed; 2 bad request.',
    )
    .action(async (flags: EvalFlags) => evaluate(flags));
}

async function evaluate(flags: EvalFlags): Promise<void> {
  if (flags.gate !== undefined || flags.updateGolden !== undefined || flags.golden !== undefined) {
    const { runGate } = await import('./eval-gate.ts');
    return runGate(flags, gate => openSource(flags, gate));
  }
  const choice = choiceOf(flags);
  const prompts = await promptsOf(flags);
  await checkTargets(flags);
  const source = await openSource(flags, { oneThread: false });
  const progress = startProgress('judging');
  try {
    const result = await runEval(source, prompts, choice, {
      onClip: (done, of) => progress.tell(`${done} of ${of} clips`),
    });
    progress.end();
    await writeResult(flags, result);
    process.stdout.write(evalText(result.report));
    if (result.report.defects.failed > 0) process.exitCode = 1;
  } finally {
    progress.end();
    await source.close();
  }
}

const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '..', 'package.json'), 'utf8')) as {
  version: string;
};

/** Where clips come from. On one thread of the CPU the same build gives the same bits; else as a worker renders. */
async function openSource(flags: EvalFlags, { oneThread }: { readonly oneThread: boolean }): Promise<ClipSource> {
  const { model, bundle, server } = flags;
  if (server !== undefined && bundle !== undefined)
    throw new ReelayError('invalid_request', '--server: --bundle was given too; clips come from one of them.');
  if (server !== undefined)
    return openServerSource({ url: server, model, key: process.env.REELAY_API_KEY ?? '', engine: version });
  const threads = oneThread ? 1 : Math.max(1, Math.min(4, availableParallelism()));
  const folder = await bundleFolder(model, bundle);
  return openBundleSource({ folder, threads, provider: providerFrom(process.env), engine: version });
}

async function bundleFolder(model: string | undefined, folder: string | undefined): Promise<string> {
  if (folder !== undefined) {
    if (!(await isFolder(folder))) throw new ReelayError('invalid_request', `--bundle: ${folder} is no folder.`);
    const { id } = await readModelCard(folder);
    if (model === undefined || model === id) return folder;
    throw new ReelayError('invalid_request', `--model: got "${model}"; the bundle in ${folder} is "${id}".`);
  }
  const { installed } = await findBundles(undefined, dataFolderFrom(process.env));
  const found = model === undefined ? installed[0] : installed.find(({ card }) => card.id === model);
  if (found !== undefined) return found.folder;
  const known = installed.map(({ card }) => card.id).join(', ') || 'none';
  throw new ReelayError('model_not_found', `There is no model "${model ?? ''}"; there are: ${known}.`);
}

async function writeResult({ out, json, html }: EvalFlags, result: EvalResult): Promise<void> {
  if (out !== undefined) await written('out', out, () => mkdir(out, { recursive: true }));
  const text = `${JSON.stringify(result.report, null, 1)}\n`;
  const jsonFile = json ?? (out && join(out, 'eval.json'));
  const htmlFile = html ?? (out && join(out, 'eval.html'));
  if (jsonFile !== undefined) await written('json', jsonFile, () => writeFile(jsonFile, text));
  if (htmlFile !== undefined) await written('html', htmlFile, () => writeFile(htmlFile, evalHtml(result)));
  if (out === undefined) return;
  for (const [index, sheet] of result.sheets) {
    const file = join(out, `${String(index + 1).padStart(4, '0')}.jpg`);
    await written('out', file, () => writeFile(file, sheet));
  }
}
