/**
 * The GPU container's composition root: the same worker as the embedded mode's, on the AWS adapters. Settings come from the
 * environment; SIGTERM (scale-in, Spot) drains.
 */
import { randomBytes } from 'node:crypto';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { awsResourcesFrom, connectAws, requiredFrom } from '#adapters/aws/connect.ts';
import { createTaskProtection } from '#adapters/aws/ecs-task-protection.ts';
import { watchSpotNotice } from '#adapters/aws/spot-notice.ts';
import { createWebhookPorts } from '#adapters/http/webhook-ports.ts';
import { parseShares } from '#core/jobs/fair-order.ts';
import { createLeaseWatch } from '#core/jobs/lease-watch.ts';
import { limits } from '#core/limits.ts';
import { parseAllowList } from '#core/webhooks/allow-list.ts';
import { runDispatcher } from '#core/webhooks/deliver.ts';
import { enqueueDeliveries } from '#core/webhooks/fan-out.ts';
import type { DispatchPorts } from '#core/webhooks/ports.ts';
import { systemClock } from '#gpu-container/worker/clock.ts';
import { drained } from '#gpu-container/worker/drained.ts';
import type { WorkerPorts } from '#gpu-container/worker/process-job.ts';
import { createRenderer } from '#gpu-container/worker/renderer.ts';
import { runSweeper } from '#gpu-container/worker/run-sweeper.ts';
import { runWorker } from '#gpu-container/worker/run-worker.ts';
import { openScratch } from '#gpu-container/worker/scratch.ts';

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
const aws = connectAws(awsResourcesFrom(process.env));
const webhooks = createWebhookPorts({
  kv: aws.kv,
  allow: parseAllowList(process.env.REELAY_WEBHOOK_ALLOW ?? ''),
  now: systemClock.now,
});
const leaseSeconds = limits.leaseSeconds;
const draining = new AbortController();
const ports: WorkerPorts = {
  ...systemClock,
  ...aws,
  ...(process.env.ECS_AGENT_URI === undefined
    ? {}
    : {
        taskGuard: createTaskProtection({ agentUri: process.env.ECS_AGENT_URI, minutes: limits.taskProtectionMinutes }),
      }),
  shareOf: parseShares(process.env.REELAY_SHARES ?? ''),
  enqueueDeliveries: (event, url) => enqueueDeliveries(webhooks, event, url),
  leaseSeconds,
  leases: createLeaseWatch({ monotonicMs: systemClock.monotonicMs, leaseSeconds }),
  checkpointCadence: { everySteps: limits.checkpointEverySteps, everyMs: limits.checkpointEveryMs },
  owner: `${hostname()}-${process.pid}-${randomBytes(4).toString('hex')}`,
  // Across machines only time tells a dead worker from a slow one.
  ownerIsGone: () => false,
  progressEveryMs: limits.progressEveryMs,
  renderer,
  scratch: job => openScratch(join(tmpdir(), 'reelay', `${job.id}-${job.attempt}`)),
  log: (level, message, fields) => process.stdout.write(`${JSON.stringify({ level, message, ...fields })}\n`),
};

for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => draining.abort(new Error('draining')));
// ECS drains Spot instances by SIGTERM where that is switched on; the notice itself comes earlier and needs no switch.
if (process.env.REELAY_SPOT === '1')
  void watchSpotNotice({
    metadataUri: process.env.AWS_EC2_METADATA_SERVICE_ENDPOINT ?? 'http://169.254.169.254',
    everyMs: limits.spotNoticePollMs,
    onNotice: () => draining.abort(new Error('draining')),
    signal: draining.signal,
  });
for (const model of bundles.keys()) {
  renderer.warm(model);
  break;
}
const dispatcher: DispatchPorts = {
  ...webhooks,
  announce: notice => aws.events.publish(notice),
  sleep: ms => systemClock.sleep(ms, draining.signal),
  log: ports.log,
};
const working = Promise.all([
  runWorker(ports, draining.signal),
  runSweeper({ ...ports, queueBuries: true }, draining.signal),
  runDispatcher(dispatcher, draining.signal),
]);
await drained(working, draining.signal);
await renderer.close();
process.exit(0); // whatever still hangs, hangs on a store that did not answer within the drain
