import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from 'commander';
import { ReelayError } from '#core/errors.ts';
import { openEmbedded } from '#local/embedded.ts';
import { needProvider } from './need-provider.ts';
import { onStop } from './on-stop.ts';
import { dataFolderFrom, policyFrom } from './settings.ts';

interface WorkerOptions {
  readonly pool?: string;
  readonly join?: string;
  readonly check?: boolean;
  readonly untilIdle?: boolean;
  readonly json?: boolean;
}

/** `reelay worker` */
export function workerCommand(): Command {
  return new Command('worker')
    .description(
      'render the jobs of a data folder (REELAY_DATA, default .reelay), beside a server or without one; with --pool those of an installation on AWS',
    )
    .option('--pool <name>', 'join an installation on AWS as this pool on the premises; needs only a way out')
    .option(
      '--join <file>',
      'with --pool: how to find the installation, as its deployment prints it; kept for the next start',
    )
    .option('--check', 'with --pool: only look whether it could work')
    .option('--until-idle', 'stop once no job waits')
    .option('--json', 'tell what happens as JSON lines')
    .action(async (options: WorkerOptions) => work(options));
}

async function work(options: WorkerOptions): Promise<void> {
  const { pool, join, check } = options;
  if (pool !== undefined) {
    // The SDK's clients take a second to load, which a worker of a data folder has no use for.
    const { joinWorker } = await import('./join-worker.ts');
    return joinWorker({ ...options, pool }, process.env);
  }
  if (join !== undefined || check === true)
    throw new ReelayError('invalid_request', `--${join === undefined ? 'check' : 'join'}: it goes with --pool.`);
  const say = (event: string, text: string) =>
    process.stdout.write(options.json === true ? `${JSON.stringify({ event })}\n` : `${text}\n`);
  const policy = policyFrom(process.env);
  await needProvider(policy.provider);
  const embedded = await openEmbedded({ ...policy, dataFolder: dataFolderFrom(process.env) });
  const stopped = new AbortController();
  onStop(() => stopped.abort());
  embedded.work();
  say('working', `working on ${embedded.folder}`);
  while (!stopped.signal.aborted) {
    await sleep(500, undefined, { signal: stopped.signal }).catch(() => undefined);
    if (options.untilIdle === true && (await embedded.idle())) break;
  }
  say('draining', 'stopping; a job in progress goes back to the queue …');
  await embedded.close();
  say('stopped', 'stopped');
}
