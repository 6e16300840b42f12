/**
 * @file The worker of a deployment: the same loop, sweeper and webhook dispatcher as the embedded mode's, on the AWS adapters. What it
 * is told is aws-settings.ts; what starts it is main.ts.
 *
 *     settings -> bundles on disk -> working --signal or Spot notice--> draining (jobs go back with their checkpoints) -> closed
 */
import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { type AwsPorts, connectAws } from '#adapters/aws/connect.ts';
import { createTaskProtection } from '#adapters/aws/ecs-task-protection.ts';
import { watchSpotNotice } from '#adapters/aws/spot-notice.ts';
import { createWebhookPorts } from '#adapters/http/webhook-ports.ts';
import { createLeaseWatch } from '#core/jobs/lease-watch.ts';
import { limits } from '#core/limits.ts';
import { runDispatcher } from '#core/webhooks/deliver.ts';
import { enqueueDeliveries } from '#core/webhooks/fan-out.ts';
import type { DispatchPorts, WebhookPorts } from '#core/webhooks/ports.ts';
import { readModelCard } from '#gpu-container/runtime/load-bundle.ts';
import { systemClock } from '#gpu-container/worker/clock.ts';
import { whyDiskIsFull } from '#gpu-container/worker/disk-room.ts';
import { drained } from '#gpu-container/worker/drained.ts';
import type { WorkerPorts } from '#gpu-container/worker/process-job.ts';
import { createRenderer, type Renderer } from '#gpu-container/worker/renderer.ts';
import { runSweeper } from '#gpu-container/worker/run-sweeper.ts';
import { runWorker } from '#gpu-container/worker/run-worker.ts';
import { openScratch } from '#gpu-container/worker/scratch.ts';
import type { AwsWorkerSettings } from './aws-settings.ts';

/** The program of a render child. */
const RENDER_CHILD = join(import.meta.dirname, 'render', 'render-process.ts');

/** Works until the signal, then drains for at most limits.drainSeconds. Rejects where it cannot start, with a sentence. */
export async function runAwsWorker(
  settings: AwsWorkerSettings,
  signal: AbortSignal,
  log: WorkerPorts['log'],
): Promise<void> {
  const bundles = await bundlesOnDisk(settings);
  const renderer = createRenderer({
    bundles: new Map([...bundles].map(([id, { folder }]) => [id, folder])),
    digests: new Map([...bundles].map(([id, { digest }]) => [id, digest])),
    threads: settings.threads,
    childPath: RENDER_CHILD,
    ...(settings.loadedBytes !== undefined && { loadedBytes: settings.loadedBytes }),
  });
  const aws = connectAws(settings.aws);
  const webhooks = createWebhookPorts({ kv: aws.kv, allow: settings.webhookAllow, now: systemClock.now });
  const stop = AbortSignal.any([signal, spotNotice(settings, signal)]);
  await mkdir(settings.scratchRoot, { recursive: true, mode: 0o700 });
  const ports = workerPorts(settings, { aws, webhooks, renderer, log });
  const [first] = bundles.keys();
  if (first !== undefined) renderer.warm(first);
  const dispatcher: DispatchPorts = {
    ...webhooks,
    announce: notice => aws.events.publish(notice),
    sleep: ms => systemClock.sleep(ms, stop),
    log,
  };
  const working = Promise.all([
    runWorker(ports, stop),
    runSweeper({ ...ports, queueBuries: true }, stop),
    runDispatcher(dispatcher, stop),
  ]);
  await drained(working, stop);
  await renderer.close();
}

/** Everything the loop touches, on AWS. */
function workerPorts(
  settings: AwsWorkerSettings,
  parts: { aws: AwsPorts; webhooks: WebhookPorts; renderer: Renderer; log: WorkerPorts['log'] },
): WorkerPorts {
  const { leaseSeconds } = limits;
  const { ecsAgentUri: agentUri, scratchRoot } = settings;
  const minutes = limits.taskProtectionMinutes;
  return {
    ...systemClock,
    ...parts.aws,
    ...(agentUri !== undefined && { taskGuard: createTaskProtection({ agentUri, minutes }) }),
    shareOf: settings.shareOf,
    enqueueDeliveries: (event, url) => enqueueDeliveries(parts.webhooks, event, url),
    leaseSeconds,
    leases: createLeaseWatch({ monotonicMs: systemClock.monotonicMs, leaseSeconds }),
    checkpointCadence: { everySteps: limits.checkpointEverySteps, everyMs: limits.checkpointEveryMs },
    owner: `${hostname()}-${process.pid}-${randomBytes(4).toString('hex')}`,
    // Across machines only time tells a dead worker from a slow one.
    ownerIsGone: () => false,
    progressEveryMs: limits.progressEveryMs,
    renderer: parts.renderer,
    whyNotReady: () => whyDiskIsFull(scratchRoot, 'the scratch folder'),
    scratch: job => openScratch(join(scratchRoot, `${job.id}-${job.attempt}`)),
    log: parts.log,
  };
}

/** A bundle that this worker may load. */
interface BundleOnDisk {
  readonly folder: string;
  readonly digest: string;
}

/** What is offered is what is there at the start: a folder that changes later is refused by the digest noted here. */
async function bundlesOnDisk(settings: AwsWorkerSettings): Promise<ReadonlyMap<string, BundleOnDisk>> {
  const found = new Map<string, BundleOnDisk>();
  for (const [id, folder] of settings.bundles)
    found.set(id, { folder, digest: settings.digests.get(id) ?? (await readModelCard(folder)).digest });
  return found;
}

/**
 * Aborts when this instance is about to be taken back. ECS drains Spot instances by SIGTERM where that is switched on; the notice
 * itself comes earlier and needs no switch.
 */
function spotNotice({ spotMetadataUri }: AwsWorkerSettings, signal: AbortSignal): AbortSignal {
  const noticed = new AbortController();
  if (spotMetadataUri === undefined) return noticed.signal;
  const onNotice = () => noticed.abort(new Error('draining'));
  void watchSpotNotice({ metadataUri: spotMetadataUri, everyMs: limits.spotNoticePollMs, onNotice, signal });
  return noticed.signal;
}
