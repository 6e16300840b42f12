/** @file Starts the worker of a deployment: settings from the environment, SIGTERM (scale-in, Spot) drains, a sentence on failure. */
import { type ErrorCode, placeOf, ReelayError } from '#core/errors.ts';
import { startHealthBeat, tellAnswers } from '#gpu-container/worker/health-beat.ts';
import { awsWorkerSettingsFrom } from './aws-settings.ts';
import { runAwsWorker } from './aws-worker.ts';
import { SECRET_SETTINGS } from './marking-settings.ts';

const log = (level: 'info' | 'warn' | 'error', message: string, fields: Record<string, unknown>) =>
  process.stdout.write(`${JSON.stringify({ level, message, ...fields })}\n`);

/** By error code; 1 for every other. 2: another start with these settings fails the same way. 3: this machine cannot render. */
const EXIT_CODES: Partial<Record<ErrorCode, number>> = { invalid_request: 2, provider_unavailable: 3 };

/** A sentence for people, as a line of the log; what is unexpected is told by its place only. */
function giveUp(error: unknown): never {
  const known = error instanceof ReelayError;
  log('error', known ? error.message : 'the worker failed unexpectedly', {
    code: known ? error.code : 'internal',
    ...(!known && { at: placeOf(error) }),
  });
  process.exit((known ? EXIT_CODES[error.code] : undefined) ?? 1);
}

const draining = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => draining.abort(new Error('draining')));
const { REELAY_HEALTH_FILE: healthFile } = process.env;
const health = healthFile ? startHealthBeat(healthFile) : undefined;
try {
  const settings = awsWorkerSettingsFrom(process.env);
  for (const name of SECRET_SETTINGS) delete process.env[name]; // render children inherit what is there
  await runAwsWorker(settings, draining.signal, log, queue => tellAnswers(queue, () => health?.answered()));
} catch (error) {
  if (error !== draining.signal.reason) giveUp(error); // told to stop while bundles were still fetched: what came of them stays
}
await health?.stop();
process.exit(0); // whatever still hangs, hangs on a store that did not answer within the drain
