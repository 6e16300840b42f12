/**
 * The GPU container's composition root: the same worker as the embedded mode's, on the AWS adapters. Settings come from the
 * environment; SIGTERM (scale-in, Spot) drains.
 */
import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { awsResourcesFrom, connectAws, requiredFrom } from '#adapters/aws/connect.ts';
import { limits } from '#core/limits.ts';
import { drained } from '#gpu-container/worker/drained.ts';
import type { WorkerPorts } from '#gpu-container/worker/process-job.ts';
import { createRenderer } from '#gpu-container/worker/renderer.ts';
import { runSweeper } from '#gpu-container/worker/run-sweeper.ts';
import { runWorker } from '#gpu-container/worker/run-worker.ts';

/** "id=folder,id=folder": the bundles that the image or its start-up has put on disk. */
function bundlesFrom(text: string): ReadonlyMap<string, string> {
  const pairs = text.split(',').map(entry => entry.split('='));
  if (pairs.some(pair => pair.length !== 2 || pair.includes('')))
    throw new Error('the environment variable REELAY_BUNDLES is not of the form id=folder,id=folder');
  return new Map(pairs as [string, string][]);
}

const bundles = bundlesFrom(requiredFrom(process.env, 'REELAY_BUNDLES'));
const renderer = createRenderer({
  bundles,
  threads: Number(process.env.REELAY_THREADS ?? 4),
  childPath: join(import.meta.dirname, 'render', 'render-process.ts'),
});
const ports: WorkerPorts = {
  ...connectAws(awsResourcesFrom(process.env)),
  now: () => Date.now(),
  owner: `${hostname()}-${process.pid}-${randomBytes(4).toString('hex')}`,
  // Across machines only time tells a dead worker from a slow one.
  ownerIsGone: () => false,
  progressEveryMs: limits.progressEveryMs,
  renderer,
  scratch: async job => {
    const folder = join(tmpdir(), 'reelay', `${job.id}-${job.attempt}`);
    await mkdir(folder, { recursive: true });
    return folder;
  },
  log: (level, message, fields) => process.stdout.write(`${JSON.stringify({ level, message, ...fields })}\n`),
};

const draining = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => draining.abort(new Error('draining')));
for (const model of bundles.keys()) {
  renderer.warm(model);
  break;
}
const working = Promise.all([runWorker(ports, draining.signal), runSweeper(ports, draining.signal)]);
await drained(working, draining.signal);
await renderer.close();
process.exit(0); // whatever still hangs, hangs on a store that did not answer within the drain
