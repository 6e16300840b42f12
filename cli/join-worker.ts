/**
 * @file `reelay worker --pool`: a worker on the premises of an installation on AWS. It only dials out.
 *
 *     settings -> preflight --something is wrong--> ends with each thing in a sentence
 *                    `-> working --signal--> draining -> stopped
 *                           `--until idle, nothing waits--> stopped
 */
import { join, resolve } from 'node:path';
import { awsEnclavesFrom } from '#adapters/aws/connect-enclaves.ts';
import { openReceiptKeys, receiptKeyPath } from '#adapters/local/receipt-key-file.ts';
import { ReelayError } from '#core/errors.ts';
import { awsWorkerSettingsFrom } from '#gpu-container/aws-settings.ts';
import { runAwsWorker } from '#gpu-container/aws-worker.ts';
import { bundleSettingsFrom } from '#gpu-container/bundle-settings.ts';
import { createIdleWatch } from '#gpu-container/worker/idle-watch.ts';
import type { WorkerPorts } from '#gpu-container/worker/process-job.ts';
import { readAcceptances } from '#local/accepted-bundles.ts';
import { findBundles } from '#local/bundles.ts';
import { type JoinOptions, joinEnvironment } from './join-settings.ts';
import { onStop } from './on-stop.ts';
import { type Finding, type PreflightInput, preflight } from './preflight.ts';
import { dataFolderFrom } from './settings.ts';

/** What the command line says. */
export interface JoinWorkerOptions extends JoinOptions {
  readonly untilIdle?: boolean;
  readonly json?: boolean;
  readonly check?: boolean;
}

/** Connections that nobody waits for any more, and the last lines for a slow reader, are through well within this. */
const HANGING_MS = 2_000;

/** Runs until stopped, idle or checked. Throws sentences; prompts, keys and links are in none of its lines. */
export async function joinWorker(options: JoinWorkerOptions, ownEnv: NodeJS.ProcessEnv): Promise<void> {
  const dataFolder = resolve(dataFolderFrom(ownEnv));
  const env = await completed(await joinEnvironment(options, ownEnv, dataFolder), dataFolder);
  // The SDK's clients read these from the process, and nothing on the premises is an EC2 instance that could be asked for a role.
  for (const name of ['AWS_REGION', 'AWS_EC2_METADATA_DISABLED']) process.env[name] = env[name];
  const settings = settingsFrom(env);
  const say = sayer(options.json === true);
  const findings = await preflight(inputOf(env, settings));
  for (const finding of findings) say('checked', { ...finding }, describe(finding));
  const bad = findings.filter(finding => !finding.ok);
  if (bad.length > 0 || options.check === true) endSoon();
  if (bad.length > 0)
    throw new ReelayError('forbidden', `this worker takes no jobs. ${bad.map(({ detail }) => detail).join(' ')}`);
  if (options.check === true) return;
  const { pool, region } = settings.place;
  const stopped = new AbortController();
  onStop(() => {
    say('draining', {}, 'stopping; a job in progress goes back to the queue …');
    stopped.abort(new Error('draining'));
  });
  const idle = createIdleWatch(() => stopped.abort(new Error('idle')));
  const log: WorkerPorts['log'] = (level, message, fields) =>
    say('log', { level, message, ...fields }, `${level} ${message} ${JSON.stringify(fields)}`);
  say('working', { pool, region }, `working for ${env.REELAY_QUEUE_URL} as pool ${pool} in ${region}`);
  await runAwsWorker(settings, stopped.signal, log, options.untilIdle === true ? idle.watch : undefined);
  say('stopped', {}, 'stopped');
  endSoon();
}

/** What still hangs then, hangs on a store that did not answer within the drain, or on a credential process. */
function endSoon(): void {
  setTimeout(() => process.exit(), HANGING_MS).unref();
}

/** Adds what a worker on its own machine need not be told: its installed bundles, a receipt key of its own, where to write. */
async function completed(env: NodeJS.ProcessEnv, dataFolder: string): Promise<NodeJS.ProcessEnv> {
  const has = (name: string) => (env[name] ?? '').trim() !== '';
  const added: Record<string, string> = {};
  if (!has('AWS_EC2_METADATA_DISABLED')) added.AWS_EC2_METADATA_DISABLED = 'true';
  if (!has('REELAY_SCRATCH')) added.REELAY_SCRATCH = join(dataFolder, 'scratch', 'joined');
  if (!has('REELAY_CACHE')) added.REELAY_CACHE = join(dataFolder, 'bundles');
  if (!has('REELAY_BUNDLES') && !has('REELAY_BUNDLE_DIGESTS')) {
    const accepted = await readAcceptances(dataFolder);
    if (!has('REELAY_ACCEPT_BUNDLES')) added.REELAY_ACCEPT_BUNDLES = accepted.map(one => one.digest).join(',');
    const { installed } = await findBundles(undefined, dataFolder);
    const pairs = installed.map(({ card, folder }) => ({ id: card.id, folder }));
    const odd = pairs.find(({ folder }) => folder.includes(','));
    if (odd !== undefined)
      throw new ReelayError(
        'invalid_request',
        `${odd.folder}: a folder of bundles without a comma in its path is allowed.`,
      );
    added.REELAY_BUNDLES = pairs.map(({ id, folder }) => `${id}=${folder}`).join(',');
  }
  if (!has('REELAY_RECEIPT_KEY')) {
    openReceiptKeys(dataFolder);
    added.REELAY_RECEIPT_KEY = receiptKeyPath(dataFolder);
  }
  return { ...env, ...added };
}

/** What other rooms say of a setting is a sentence already. */
function settingsFrom(env: NodeJS.ProcessEnv) {
  try {
    return awsWorkerSettingsFrom(env);
  } catch (cause) {
    if (cause instanceof ReelayError) throw cause;
    throw new ReelayError('invalid_request', cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

function inputOf(env: NodeJS.ProcessEnv, settings: ReturnType<typeof settingsFrom>): PreflightInput {
  const { place, classes, bundles, digests, scratchRoot } = settings;
  const from = bundleSettingsFrom(env).place;
  return {
    ...{ env, place, classes, bundles, digests, scratchRoot },
    enclaves: awsEnclavesFrom(env, classes),
    bundleBucket: from?.kind === 's3' ? from.bucket : undefined,
  };
}

function sayer(json: boolean) {
  return (event: string, fields: Record<string, unknown>, text: string) =>
    process.stdout.write(json ? `${JSON.stringify({ event, ...fields })}\n` : `${text}\n`);
}

const describe = ({ check, ok, detail }: Finding) => `${ok ? 'ok  ' : 'BAD '} ${check}: ${detail}`;
