import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from 'commander';
import { openEmbedded } from '#local/embedded.ts';
import { onStop } from './on-stop.ts';
import { dataFolderFrom, policyFrom } from './settings.ts';

/** `reelay worker` */
export function workerCommand(): Command {
  return new Command('worker')
    .description('render the jobs of a data folder (REELAY_DATA, default .reelay), beside a server or without one')
    .option('--until-idle', 'stop once no job waits')
    .option('--json', 'tell what happens as JSON lines')
    .action(async (options: { untilIdle?: boolean; json?: boolean }) => work(options));
}

async function work(options: { untilIdle?: boolean; json?: boolean }): Promise<void> {
  const say = (event: string, text: string) =>
    process.stdout.write(options.json === true ? `${JSON.stringify({ event })}\n` : `${text}\n`);
  const embedded = await openEmbedded({ ...policyFrom(process.env), dataFolder: dataFolderFrom(process.env) });
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
