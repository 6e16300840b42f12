/**
 * @file The worker of a deployment: the same loop, sweeper and webhook dispatcher as the embedded mode's, on the AWS adapters. What it
 * is told is aws-settings.ts; what starts it is main.ts.
 *
 *     settings -> provider probed -> bundles on disk -> working --signal or Spot notice--> draining (jobs go back with their checkpoints)
 *     working --the provider is lost--> draining -> rejects with provider_unavailable; nothing is rendered on the CPU instead
 *     working --a fetched bundle has rotted on the disk--> draining -> it leaves the cache, and the next start fetches it anew
 */
import { createHash, randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { AwsPorts } from '#adapters/aws/connect.ts';
import { connectAudit } from '#adapters/aws/connect-audit.ts';
import { connectAwsEnclaves } from '#adapters/aws/connect-enclaves.ts';
import { readEcsTaskId } from '#adapters/aws/ecs-task-id.ts';
import { createTaskProtection } from '#adapters/aws/ecs-task-protection.ts';
import { connectS3Objects } from '#adapters/aws/s3-objects.ts';
import { watchSpotNotice } from '#adapters/aws/spot-notice.ts';
import { createWebhookPorts } from '#adapters/http/webhook-ports.ts';
import { createAccounts } from '#core/accounts/accounts.ts';
import { freePrices } from '#core/accounts/price-list.ts';
import type { ObjectSource } from '#core/bundle-objects.ts';
import { ReelayError } from '#core/errors.ts';
import { createLeaseWatch } from '#core/jobs/lease-watch.ts';
import { limits } from '#core/limits.ts';
import type { JobQueue } from '#core/ports.ts';
import type { Device, Provider } from '#core/provider.ts';
import { runDispatcher } from '#core/webhooks/deliver.ts';
import { enqueueDeliveries } from '#core/webhooks/fan-out.ts';
import type { DispatchPorts, WebhookPorts } from '#core/webhooks/ports.ts';
import { createFolderObjects } from '#gpu-container/bundles/folder-objects.ts';
import { createHttpObjects } from '#gpu-container/bundles/http-objects.ts';
import { openWorkerBundles } from '#gpu-container/bundles/worker-bundles.ts';
import { systemClock } from '#gpu-container/worker/clock.ts';
import { whyDiskIsFull } from '#gpu-container/worker/disk-room.ts';
import { drained } from '#gpu-container/worker/drained.ts';
import { describeDevice } from '#gpu-container/worker/gpu-facts.ts';
import { createMarks } from '#gpu-container/worker/marks.ts';
import type { WorkerPorts } from '#gpu-container/worker/process-job.ts';
import { createReceipts } from '#gpu-container/worker/receipts.ts';
import { createRenderer, type Renderer } from '#gpu-container/worker/renderer.ts';
import { runPresence } from '#gpu-container/worker/run-presence.ts';
import { runProbe } from '#gpu-container/worker/run-probe.ts';
import { runSweeper } from '#gpu-container/worker/run-sweeper.ts';
import { runWorker } from '#gpu-container/worker/run-worker.ts';
import { openScratch } from '#gpu-container/worker/scratch.ts';
import { watchBundles } from '#gpu-container/worker/watch-bundles.ts';
import { watchProvider } from '#gpu-container/worker/watch-provider.ts';
import type { AwsWorkerSettings } from './aws-settings.ts';
import type { BundlePlace } from './bundle-settings.ts';

/** The program of a render child. */
const RENDER_CHILD = join(import.meta.dirname, 'render', 'render-process.ts');

/**
 * Works until the signal, then drains for at most limits.drainSeconds. Rejects where it cannot start, with a sentence. Each queue that it
 * takes jobs from is first given to `watchQueue`, once.
 */
export async function runAwsWorker(
  settings: AwsWorkerSettings,
  signal: AbortSignal,
  log: WorkerPorts['log'],
  watchQueue: (queue: JobQueue) => JobQueue = queue => queue,
): Promise<void> {
  const { provider } = settings;
  await needProvider(provider, log);
  const device = await describeDevice(provider);
  const { place, cacheFolder, cacheBytes } = settings.bundleStore;
  const bundles = await openWorkerBundles({
    ...{ device, signal, log, digests: settings.digests, manifests: settings.manifests, folders: settings.bundles },
    source: place && openObjects(place),
    cache: { folder: cacheFolder, quotaBytes: cacheBytes },
    governing: settings.governing,
  });
  const lost = new AbortController();
  const rendering = createRenderer({
    provider,
    bundles: bundles.folders,
    digests: bundles.digests,
    threads: settings.threads,
    childPath: RENDER_CHILD,
    onWarning: why => log('warn', 'part of a graph runs on the CPU', { why }),
    ...loadedBytesOn(device, settings.loadedBytes),
  });
  const rotten = new Set<string>();
  const onRotten = (model: string, error: ReelayError) => {
    rotten.add(model);
    lost.abort(error);
  };
  const sound = watchBundles(rendering, { fetched: bundles.fetched, onRotten });
  const renderer = watchProvider(sound, { provider, onLost: error => lost.abort(error) });
  const connected = connectAwsEnclaves(settings.aws, settings.enclaves, settings.masterKey);
  await connected.sealing.check();
  const enclaves = [...connected.enclaves].map(([enclave, ports]) => {
    return { ...ports, queue: watchQueue(ports.queue), enclave };
  });
  const aws = enclaves[0]!; // entries and events are the same in all
  const webhooks = createWebhookPorts({ kv: aws.kv, allow: settings.webhookAllow, now: systemClock.now });
  const stop = AbortSignal.any([signal, lost.signal, spotNotice(settings, signal)]);
  await mkdir(settings.scratchRoot, { recursive: true, mode: 0o700 });
  const base = workerPorts(settings, { aws, webhooks, renderer, log });
  for (const digest of bundles.accepted)
    await base.audit.record({
      actor: { system: 'worker' },
      action: 'bundle.accept',
      object: { kind: 'model', name: digest },
      decision: { outcome: 'allow' },
    });
  const ports = enclaves.map(own => ({ ...base, ...own }));
  const [first] = bundles.folders.keys();
  if (first !== undefined) renderer.warm(first);
  const dispatcher: DispatchPorts = {
    ...webhooks,
    announce: notice => aws.events.publish(notice),
    sleep: ms => systemClock.sleep(ms, stop),
    log,
  };
  const models = Object.fromEntries([...bundles.folders.keys()].map(id => [id, 1]));
  const server = await readEcsTaskId(settings.ecsMetadataUri);
  const working = Promise.all([
    runPresence(base, { id: base.owner, place: settings.place, models, server }, stop),
    runWorker(ports, stop),
    ...ports.map(own => runSweeper({ ...own, queueBuries: true }, stop)),
    runDispatcher(dispatcher, stop),
  ]);
  await drained(working, stop);
  await renderer.close();
  for (const id of rotten)
    log('error', 'bundle is not as it was fetched', { model: id, dropped: await bundles.drop(id) });
  bundles.release();
  lost.signal.throwIfAborted();
}

/** Rejects with `provider_unavailable` where graphs do not really run on what was asked for. */
async function needProvider(provider: Provider, log: WorkerPorts['log']): Promise<void> {
  const probe = await runProbe(provider);
  if (!probe.ok) throw new ReelayError('provider_unavailable', `${probe.reason} This worker takes no jobs.`);
  log('info', 'provider probed', { provider, ranOn: probe.ranOn, ms: probe.ms });
}

/** On a GPU it is the GPU's memory that loaded bundles share; elsewhere the machine's, as the renderer knows it. */
function loadedBytesOn({ provider, memoryBytes }: Device, stated: number | undefined): { loadedBytes?: number } {
  if (stated !== undefined) return { loadedBytes: stated };
  if (provider === 'cpu' || memoryBytes === undefined) return {};
  return { loadedBytes: limits.loadedBundlesShare * memoryBytes };
}

/** Everything the loop touches, on AWS. */
function workerPorts(
  settings: AwsWorkerSettings,
  parts: { aws: AwsPorts; webhooks: WebhookPorts; renderer: Renderer; log: WorkerPorts['log'] },
): WorkerPorts {
  const { leaseSeconds } = limits;
  const { ecsAgentUri: agentUri, scratchRoot } = settings;
  const minutes = limits.taskProtectionMinutes;
  const enqueue: WorkerPorts['enqueueDeliveries'] = (event, url) => enqueueDeliveries(parts.webhooks, event, url);
  return {
    ...systemClock,
    ...parts.aws,
    place: settings.place,
    classes: settings.classes,
    ...(agentUri !== undefined && { taskGuard: createTaskProtection({ agentUri, minutes }) }),
    shareOf: settings.shareOf,
    content: settings.content,
    random: randomBytes,
    sha256: data => createHash('sha256').update(data).digest('hex'),
    audit: connectAudit(
      parts.aws.kv,
      settings.audit,
      { kind: 'worker', signer: settings.receiptSigner },
      systemClock.now,
    ),
    enqueueDeliveries: enqueue,
    // It only settles: what a job costs was agreed where it was accepted.
    accounts: createAccounts({
      ...systemClock,
      ...{ kv: parts.aws.kv, events: parts.aws.events, enqueueDeliveries: enqueue },
      ...{ prices: freePrices, random: randomBytes },
    }),
    leaseSeconds,
    leases: createLeaseWatch({ monotonicMs: systemClock.monotonicMs, leaseSeconds }),
    checkpointCadence: { everySteps: limits.checkpointEverySteps, everyMs: limits.checkpointEveryMs },
    owner: `${hostname()}-${process.pid}-${randomBytes(4).toString('hex')}`,
    // Across machines only time tells a dead worker from a slow one.
    ownerIsGone: () => false,
    progressEveryMs: limits.progressEveryMs,
    renderer: parts.renderer,
    receipts: createReceipts({
      signer: settings.receiptSigner,
      stores: settings.stores,
      classes: settings.classes,
      kv: parts.aws.kv,
      random: randomBytes,
    }),
    marks: createMarks({ keys: settings.marking, kv: parts.aws.kv, now: systemClock.now, ...settings.disclosing }),
    whyNotReady: () => whyDiskIsFull(scratchRoot, 'the scratch folder'),
    scratch: job => openScratch(join(scratchRoot, `${job.id}-${job.attempt}`)),
    log: parts.log,
  };
}

/** Where bundles are fetched from. */
function openObjects(place: BundlePlace): ObjectSource {
  if (place.kind === 's3') return connectS3Objects(place.bucket);
  return place.kind === 'http' ? createHttpObjects(place.address) : createFolderObjects(place.folder);
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
