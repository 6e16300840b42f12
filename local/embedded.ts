import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { startDrop } from '#adapters/local/drop-watcher.ts';
import { blobPath } from '#adapters/local/file-blob-store.ts';
import { cleanDeadLocks, holdLock, isHeld } from '#adapters/local/process-lock.ts';
import { openReceiptKeys } from '#adapters/local/receipt-key-file.ts';
import { openDatabase } from '#adapters/local/sqlite.ts';
import { releaseDeadOwners } from '#adapters/local/sqlite-job-queue.ts';
import { createSqliteKeyValueStore } from '#adapters/local/sqlite-key-value-store.ts';
import { type Authenticator, createAuthenticator } from '#core/accounts/authenticate.ts';
import { unpriced } from '#core/accounts/price-list.ts';
import { createRateLimiter } from '#core/accounts/rate-limit.ts';
import { createLeaseWatch } from '#core/jobs/lease-watch.ts';
import { limits } from '#core/limits.ts';
import { hasMarks } from '#core/marks/registry.ts';
import { runDispatcher } from '#core/webhooks/deliver.ts';
import type { DispatchPorts } from '#core/webhooks/ports.ts';
import { authenticateAt } from '#functions/authenticate.ts';
import { bearerOf } from '#functions/bearer.ts';
import type { Deps } from '#functions/deps.ts';
import { openVerifier } from '#gpu-container/provenance/verify/verify-file.ts';
import { systemClock } from '#gpu-container/worker/clock.ts';
import { drained } from '#gpu-container/worker/drained.ts';
import { describeDevice } from '#gpu-container/worker/gpu-facts.ts';
import type { WorkerPorts } from '#gpu-container/worker/process-job.ts';
import { runSweeper } from '#gpu-container/worker/run-sweeper.ts';
import { governingOf } from './accepted-bundles.ts';
import { findBundles, type InstalledBundle, offeredOn, type RefusedBundle } from './bundles.ts';
import { fileLog } from './file-log.ts';
import { createLocalPorts, type LocalPolicy } from './local-ports.ts';
import { startLocalWorker } from './local-worker.ts';
import { type FolderMarkingKeys, openMarkingKeys } from './marking-keys.ts';
import { cleanMoving } from './moving-bundles.ts';

/** Whose is what is made on the machine itself, without a key or with one of the operator's. */
export const LOCAL_TENANT = 'local';

/**
 * The whole product on one folder: SQLite and files behind the five ports, and a worker with its render child on request. Several
 * processes may open the same folder; each holds a lock that dies with it, so the others take over its jobs at once.
 */
export interface Embedded {
  readonly deps: Deps;
  /** What this process remembers of keys and tenants. */
  readonly authenticator: Authenticator;
  readonly folder: string;
  readonly bundles: readonly InstalledBundle[];
  /** Bundles that cannot be offered, and why. */
  readonly refused: readonly RefusedBundle[];
  /** What its videos are marked with, and whether the keys for it were made just now. */
  readonly marking: FolderMarkingKeys;
  /** Absolute path of a blob, for people. */
  pathOf(key: string): string;
  /** Starts to render jobs; again is fine. Sweeping goes on from the start, with or without it. */
  work(): void;
  /** Whether no job waits and none runs. */
  idle(): Promise<boolean>;
  /**
   * Stops, and resolves when nothing of this process writes into the folder any more: also not `using`, what else uses the ports. What
   * has not ended within limits.drainSeconds is left alone, and finds the database closed. Whatever throws, the folder is let go of first.
   */
  close(using?: Promise<void>): Promise<void>;
}

/** Where the data lies, the models if not in the checkout, and what the operator decided. */
export interface EmbeddedOptions extends LocalPolicy {
  readonly dataFolder: string;
  readonly modelsFolder?: string;
  readonly leaseSeconds?: number;
  readonly checkpointCadence?: WorkerPorts['checkpointCadence'];
  /** A folder whose `in/` is watched; undefined: none is. */
  readonly dropFolder?: string;
}

/** Opens a data folder, making it if need be, and frees what dead processes held there. */
export async function openEmbedded(options: EmbeddedOptions): Promise<Embedded> {
  const folder = resolve(options.dataFolder);
  const db = openDatabase(folder);
  const owner = `${hostname()}-${process.pid}-${randomBytes(4).toString('hex')}`;
  const lock = holdLock(ownerLock(folder, owner));
  const giveUp = (error: unknown): never => {
    db.close();
    lock?.release();
    throw error;
  };
  const device = await describeDevice(options.provider ?? 'cpu');
  const found = await findBundles(options.modelsFolder, folder).catch(giveUp);
  const governing = await governingOf(folder, options.governing).catch(giveUp);
  const { installed: bundles, refused } = offeredOn(found, device, governing);
  const receiptSigner = await (async () => openReceiptKeys(folder))().catch(giveUp);
  const marking = await openMarkingKeys(folder, () => hasMarks(createSqliteKeyValueStore(db))).catch(giveUp);
  const { now, monotonicMs } = systemClock;
  const ports = createLocalPorts({ ...options, db, folder, owner, now, models: bundles.map(bundle => bundle.card) });
  await ports.checkMasterKey().catch(giveUp);
  const authenticator = createAuthenticator(ports);
  const verifier = openVerifier({
    watermark: marking.keys,
    trustRoots: marking.keys.trustRoots,
    kv: ports.kv,
    modelOf: digest => bundles.find(({ card }) => card.digest === digest)?.card.id,
  });
  const log = fileLog(join(folder, 'log.jsonl'));
  const scratchRoot = join(folder, 'scratch');
  const stopping = new AbortController();
  const { ownerIsGone, recover } = afterTheDead({ folder, owner, scratchRoot, db });
  const deps: Deps = {
    ...ports,
    authenticate: openTo(authenticator, { isKeyless: true }),
    rates: createRateLimiter(now),
    verifier,
    keyEnvironment: 'local',
    canStream: true,
    sleep: ms => sleep(ms),
    log,
    describe: async () => ({
      mode: 'embedded',
      models: bundles.map(bundle => bundle.card.id),
      queued: await ports.store.countQueued(limits.maxQueuedJobs),
    }),
  };
  const noPrice = unpriced(ports.accounts.prices, ports.models);
  if (noPrice.length > 0) log('warn', 'no price, so refused', { models: noPrice });
  let working: (() => Promise<void>) | undefined;
  recover();
  const leases = createLeaseWatch({ monotonicMs, leaseSeconds: options.leaseSeconds ?? limits.leaseSeconds });
  const sweeper = { ...systemClock, ...ports, ownerIsGone, leases, log, recover, queueBuries: false };
  const dispatcher: DispatchPorts = {
    ...ports.webhooks,
    announce: notice => ports.events.publish(notice),
    sleep: ms => systemClock.sleep(ms, stopping.signal),
    log,
  };
  const { dropFolder } = options;
  const drop = dropFolder === undefined ? undefined : { folder: resolve(dropFolder), tenant: LOCAL_TENANT };
  // Before anything else runs: a folder that cannot be used is an error at the start.
  const dropping = drop ? await startDrop({ ...ports, log }, drop, stopping.signal).catch(giveUp) : undefined;
  const background = [
    runSweeper(sweeper, stopping.signal),
    runDispatcher(dispatcher, stopping.signal),
    dropping?.stopped,
  ];
  return {
    deps,
    authenticator,
    folder,
    bundles,
    refused,
    marking,
    pathOf: key => blobPath(join(folder, 'blobs'), key),
    work: () => {
      const markingKeys = marking.keys;
      const worker = { ...options, ports, receiptSigner, markingKeys, bundles, owner, ownerIsGone, scratchRoot, log };
      working ??= startLocalWorker(worker, stopping.signal);
    },
    idle: async () => (await ports.store.countQueued(1)) === 0 && (await ports.store.listRunning(1)).length === 0,
    close: async using => {
      stopping.abort(new Error('draining'));
      const rest = drained(Promise.all([...background, using]), stopping.signal);
      const ends = await Promise.allSettled([working?.(), rest, verifier.close()]);
      try {
        rmSync(join(scratchRoot, owner), { recursive: true, force: true });
        recover(); // who died since the last sweep
      } finally {
        ports.audit.close();
        log.close();
        db.close();
        lock?.release();
      }
      for (const end of ends) if (end.status === 'rejected') throw end.reason;
    },
  };
}

/** Whom a server on a data folder lets in: its stored keys, those of `keySha256s`, and without any whoever is on the machine. */
export function openTo(
  accounts: Authenticator,
  { isKeyless, keySha256s }: { readonly isKeyless: boolean; readonly keySha256s?: string },
): Deps['authenticate'] {
  return authenticateAt({ accounts, operatorKey: bearerOf(keySha256s), tenant: LOCAL_TENANT, isKeyless });
}

const ownerLock = (folder: string, owner: string) => join(folder, 'owners', `${owner}.lock`);

/** Who is dead, and how to take over what they held: jobs, scratch folders, bundles on their way. */
function afterTheDead(here: { folder: string; owner: string; scratchRoot: string; db: DatabaseSync }) {
  const { folder, owner, scratchRoot, db } = here;
  const ownerIsGone = (other: string) => other !== owner && !isHeld(ownerLock(folder, other));
  const recover = () => {
    cleanDeadLocks(join(folder, 'owners'));
    // By folder and not by lock: a dead worker's render child may write once more after the lock is gone.
    for (const name of existsSync(scratchRoot) ? readdirSync(scratchRoot) : [])
      if (ownerIsGone(name)) rmSync(join(scratchRoot, name), { recursive: true, force: true, maxRetries: 3 });
    releaseDeadOwners(db, other => !ownerIsGone(other));
    cleanMoving(folder);
  };
  return { ownerIsGone, recover };
}
