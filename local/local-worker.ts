import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { Disclosing } from '#core/audit/disclosing.ts';
import { createLeaseWatch } from '#core/jobs/lease-watch.ts';
import type { SubmitPorts } from '#core/jobs/submit.ts';
import { limits } from '#core/limits.ts';
import type { ReceiptSigner } from '#core/placement/sign-receipt.ts';
import type { Provider } from '#core/provider.ts';
import type { MarkingKeys } from '#gpu-container/provenance/marking-keys.ts';
import { systemClock } from '#gpu-container/worker/clock.ts';
import { whyDiskIsFull } from '#gpu-container/worker/disk-room.ts';
import { drained } from '#gpu-container/worker/drained.ts';
import { createMarks } from '#gpu-container/worker/marks.ts';
import type { WorkerPorts } from '#gpu-container/worker/process-job.ts';
import { createProviderGate } from '#gpu-container/worker/provider-gate.ts';
import { createReceipts } from '#gpu-container/worker/receipts.ts';
import { createRenderer } from '#gpu-container/worker/renderer.ts';
import { runWorker } from '#gpu-container/worker/run-worker.ts';
import { openScratch } from '#gpu-container/worker/scratch.ts';
import { watchProvider } from '#gpu-container/worker/watch-provider.ts';
import type { InstalledBundle } from './bundles.ts';

/** The program of a render child. */
export const RENDER_CHILD = join(import.meta.dirname, '..', 'gpu-container', 'render', 'render-process.ts');

/** What a worker of a data folder needs. */
export interface LocalWorkerOptions {
  readonly ports: SubmitPorts;
  /** Of the data folder. */
  readonly receiptSigner: ReceiptSigner;
  /** Of the data folder. */
  readonly markingKeys: MarkingKeys;
  readonly disclosing?: Disclosing;
  readonly bundles: readonly InstalledBundle[];
  readonly owner: string;
  readonly ownerIsGone: (owner: string) => boolean;
  /** Below this the worker makes a folder for each attempt. */
  readonly scratchRoot: string;
  readonly log: WorkerPorts['log'];
  /** The program of a render child; RENDER_CHILD unless said otherwise. */
  readonly childPath?: string;
  /** What graphs run on; the CPU unless said otherwise. */
  readonly provider?: Provider;
  readonly leaseSeconds?: number;
  readonly checkpointCadence?: WorkerPorts['checkpointCadence'];
}

/** Renders until told to stop; the function that comes back waits for the end of that. */
export function startLocalWorker(options: LocalWorkerOptions, stop: AbortSignal): () => Promise<void> {
  const { ports, receiptSigner, markingKeys, bundles, owner, ownerIsGone, scratchRoot, log } = options;
  const leaseSeconds = options.leaseSeconds ?? limits.leaseSeconds;
  const provider = options.provider ?? 'cpu';
  const gate = createProviderGate(provider);
  const rendering = createRenderer({
    bundles: new Map(bundles.map(bundle => [bundle.card.id, bundle.folder])),
    digests: new Map(bundles.map(bundle => [bundle.card.id, bundle.card.digest])),
    threads: Math.max(1, Math.min(4, availableParallelism())),
    childPath: options.childPath ?? RENDER_CHILD,
    provider,
    onWarning: why => log('warn', 'part of a graph runs on the CPU', { why }),
  });
  const renderer = watchProvider(rendering, { provider, onLost: gate.lost });
  const worker: WorkerPorts = {
    ...systemClock,
    ...ports,
    owner,
    ownerIsGone,
    leaseSeconds,
    leases: createLeaseWatch({ monotonicMs: systemClock.monotonicMs, leaseSeconds }),
    progressEveryMs: limits.localProgressEveryMs,
    checkpointCadence: options.checkpointCadence ?? {
      everySteps: limits.checkpointEverySteps,
      everyMs: limits.checkpointEveryMs,
    },
    renderer,
    // Records and bytes lie where this process is: in its data folder.
    receipts: createReceipts({
      ...ports,
      signer: receiptSigner,
      stores: { records: ports.place, objects: ports.place },
    }),
    marks: createMarks({ keys: markingKeys, kv: ports.kv, now: ports.now, ...options.disclosing }),
    log,
    whyNotReady: async () => (await gate.whyNot()) ?? whyDiskIsFull(join(scratchRoot, '..'), 'the data folder'),
    scratch: job => openScratch(join(scratchRoot, owner, `${job.id}-${job.attempt}`)),
  };
  if (bundles[0] !== undefined) renderer.warm(bundles[0].card.id);
  const running = runWorker(worker, stop);
  return async () => {
    await drained(running, stop);
    await renderer.close();
  };
}
