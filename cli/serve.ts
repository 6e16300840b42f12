import { join } from 'node:path';
import { Command } from 'commander';
import { submit } from '#core/jobs/submit.ts';
import { LOCAL_TENANT } from '#local/embedded.ts';
import { type Serving, serve } from '#local/serve.ts';
import { explain } from './explain.ts';
import { type FrontOptions, frontFrom, warningOf, withFrontOptions } from './front-settings.ts';
import { madeKeys } from './made-keys.ts';
import { needProvider } from './need-provider.ts';
import { onStop } from './on-stop.ts';
import { dataFolderFrom, dropFolderFrom, policyFrom, portFrom } from './settings.ts';
import { watchJob } from './watch-job.ts';

/** What `npm start` runs: serve, and with words after it, make that video first. */
export function startCommand(): Command {
  return new Command('start')
    .description('serve on 127.0.0.1; with a prompt, make that video first')
    .argument('[prompt...]', 'what the video should show')
    .action(async (words: string[]) => start(words.join(' ')));
}

/** `reelay serve` */
export function serveCommand(): Command {
  const command = new Command('serve').description(
    'serve the API and the studio, with a worker (PORT, default 4180; REELAY_DATA, default .reelay)',
  );
  return withFrontOptions(command)
    .option('--no-worker', 'only accept and answer; `reelay worker` renders')
    .option(
      '--drop <folder>',
      'take in what is dropped into its in/ (REELAY_DROP, default drop in the data folder; off: none)',
    )
    .action(async (options: ServeCommandOptions) => start('', options));
}

interface ServeCommandOptions extends FrontOptions {
  readonly worker?: boolean;
  readonly drop?: string;
}

async function start(prompt: string, options: ServeCommandOptions = {}): Promise<void> {
  const drop = dropFolderFrom(options.drop === undefined ? process.env : { ...process.env, REELAY_DROP: options.drop });
  const front = frontFrom(process.env, options);
  const policy = policyFrom(process.env);
  if (options.worker !== false) await needProvider(policy.provider);
  const serving = await serve({
    ...policy,
    ...front,
    ...drop,
    dataFolder: dataFolderFrom(process.env),
    port: portFrom(process.env),
    work: options.worker !== false,
  });
  closeOnSignal(serving);
  const made = madeKeys(serving.embedded);
  if (made !== undefined) process.stdout.write(`${made}\n`);
  if (!serving.hasStudio)
    process.stderr.write('reelay: the studio page could not be built; log.jsonl in the data folder says where.\n');
  for (const { error } of serving.embedded.refused) process.stderr.write(`reelay: not offered: ${error.message}\n`);
  const warning = warningOf(front);
  if (warning !== undefined) process.stderr.write(`reelay: ${warning}\n`);
  if (prompt !== '') await generateFirst(serving, prompt).catch(explain);
  if (drop.dropFolder !== undefined)
    process.stdout.write(`drop prompts and requests into ${join(drop.dropFolder, 'in')}\n`);
  process.stdout.write(`ready ${serving.url}\n`);
}

async function generateFirst({ embedded }: Serving, prompt: string): Promise<void> {
  const job = await submit(embedded.deps, LOCAL_TENANT, { prompt });
  const ended = await watchJob(embedded, job, { quiet: false });
  const video = ended.artifacts.video;
  if (video !== undefined) process.stdout.write(`${embedded.pathOf(video.key)}\n`);
  else process.stderr.write(`reelay: the video ${ended.status}: ${ended.error?.message ?? 'no reason given'}\n`);
}

/** Drains: the running job goes back to the queue and the next start finishes it. */
function closeOnSignal(serving: Serving): void {
  onStop(() => {
    process.stderr.write('\nreelay: stopping; a job in progress goes back to the queue …\n');
    serving.close().then(
      () => process.exit(0),
      error => process.exit(explain(error)),
    );
  });
}
