import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ObjectSource } from '#core/bundle-objects.ts';
import { type ErrorCode, ReelayError } from '#core/errors.ts';
import { type Governing, whyNotOffered } from '#core/governance/gate.ts';
import { missingStatements } from '#core/governance/statement.ts';
import { limits } from '#core/limits.ts';
import type { ModelCard } from '#core/models.ts';
import { type Device, whyUnfit } from '#core/provider.ts';
import { readModelCard } from '#gpu-container/runtime/load-bundle.ts';
import { type BundleCacheOptions, dropBundle } from './bundle-cache.ts';
import { type OpenBundle, openCachedBundle } from './fetch-bundle.ts';

/** What a worker is to have. */
export interface WorkerBundlesOptions {
  /** Folders of bundles that are on disk already, by model id. */
  readonly folders: ReadonlyMap<string, string>;
  /** By model id; those without a folder are fetched. */
  readonly digests: ReadonlyMap<string, string>;
  /** The sha256 of bundle.json by model id, of those for which it is said. */
  readonly manifests?: ReadonlyMap<string, string>;
  readonly source: ObjectSource | undefined;
  readonly cache: BundleCacheOptions;
  readonly device: Device;
  /** Which of them may be offered. */
  readonly governing: Governing;
  readonly signal: AbortSignal;
  readonly log: (level: 'info' | 'warn', message: string, fields: Record<string, unknown>) => void;
}

/** Bundles on this machine's disk, by model id; they stay there until released. */
export interface WorkerBundles {
  readonly folders: ReadonlyMap<string, string>;
  /** What is offered is what is there at the start: a folder that changes later is refused by the digest noted here. */
  readonly digests: ReadonlyMap<string, string>;
  /** Those of the cache: what is not any more as it was fetched can be fetched again. */
  readonly fetched: ReadonlySet<string>;
  /** Digests of those that are offered although statements are missing: somebody answered for them. */
  readonly accepted: readonly string[];
  /** Takes a fetched bundle out of the cache, unless another process has it open. Whether it went. */
  drop(id: string): Promise<boolean>;
  release(): void;
}

/**
 * Brings a worker's bundles onto its disk, one after another: each is fetched with all the bandwidth there is. Throws
 * `provider_unavailable` for one that this machine cannot render, `bundle_invalid` for one that may not be offered here, `bundle_corrupt` or `bundle_invalid` for a folder of something else, and what openCachedBundle throws.
 */
export async function openWorkerBundles(options: WorkerBundlesOptions): Promise<WorkerBundles> {
  const folders = new Map(options.folders);
  const digests = new Map(options.digests);
  const opened = new Map<string, OpenBundle>();
  const accepted: string[] = [];
  const release = () => {
    for (const one of opened.values()) one.release();
  };
  const drop = async (id: string): Promise<boolean> => {
    opened.get(id)?.release();
    const digest = opened.has(id) ? digests.get(id) : undefined;
    return digest !== undefined && dropBundle(options.cache.folder, digest);
  };
  try {
    for (const [id, digest] of options.digests) {
      if (folders.has(id)) continue;
      const bundle = await fetchOne(options, id, digest);
      opened.set(id, bundle);
      folders.set(id, bundle.folder);
    }
    for (const [id, folder] of folders) {
      const card = await readModelCard(folder);
      if (options.folders.has(id)) await needSame(options, card, id, folder);
      const unfit = whyUnfit(id, card.requires, options.device);
      if (unfit !== undefined) throw new ReelayError('provider_unavailable', unfit);
      const unstated = whyNotOffered(card, options.governing);
      if (unstated !== undefined)
        throw new ReelayError('bundle_invalid', `${unstated} For a worker: REELAY_ACCEPT_BUNDLES=${card.digest}.`);
      if (missingStatements(card.governance).length > 0) accepted.push(card.digest);
      if (!digests.has(id)) digests.set(id, card.digest);
    }
    return { folders, digests, fetched: new Set(opened.keys()), accepted, drop, release };
  } catch (error) {
    release();
    throw error;
  }
}

/** A folder of the operator is what the settings say of it, or the start ends: else every job of the model would fail, or lie about it. */
async function needSame(options: WorkerBundlesOptions, card: ModelCard, id: string, folder: string): Promise<void> {
  const wanted = { id, digest: options.digests.get(id), manifest: options.manifests?.get(id) };
  const refuse = (code: ErrorCode, sentence: string) => new ReelayError(code, `REELAY_BUNDLES, ${id}: ${sentence}`);
  if (card.id !== id) throw refuse('bundle_invalid', `the bundle in ${folder} calls itself "${card.id}".`);
  const says = 'REELAY_BUNDLE_DIGESTS says';
  if (wanted.digest !== undefined && wanted.digest !== card.digest)
    throw refuse('bundle_corrupt', `the bundle in ${folder} has the digest ${card.digest}; ${says} ${wanted.digest}.`);
  if (wanted.manifest === undefined) return;
  const sha256 = createHash('sha256')
    .update(await readFile(join(folder, 'bundle.json')))
    .digest('hex');
  if (sha256 !== wanted.manifest)
    throw refuse('bundle_corrupt', `bundle.json in ${folder} has the sha256 ${sha256}; ${says} ${wanted.manifest}.`);
}

async function fetchOne(options: WorkerBundlesOptions, id: string, digest: string) {
  const { source, cache, signal, log } = options;
  const manifest = options.manifests?.get(id);
  if (source === undefined)
    throw new ReelayError(
      'invalid_request',
      `The model "${id}" has a digest and no folder, and nothing says where it is fetched from (REELAY_BUNDLE_SOURCE).`,
    );
  const startedMs = performance.now();
  let toldMs = startedMs;
  const onProgress = (fetched: number, all: number) => {
    if (performance.now() - toldMs < limits.bundleNewsMs) return;
    toldMs = performance.now();
    log('info', 'fetching a bundle', { model: id, fetched, all });
  };
  const opened = await openCachedBundle({ id, digest, manifest, source, cache, signal, onProgress });
  const ms = Math.round(performance.now() - startedMs);
  log('info', opened.cached ? 'bundle is in the cache' : 'bundle fetched', {
    model: id,
    digest,
    from: source.name,
    ms,
  });
  return opened;
}
