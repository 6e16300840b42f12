/** @file Where a worker's bundles come from and are kept, as its environment says. */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ReelayError } from '#core/errors.ts';
import { isBundleAddress, withoutSecrets } from './bundles/http-objects.ts';

/** Where bundles are fetched from, by digest. */
export type BundlePlace =
  | { readonly kind: 's3'; readonly bucket: string }
  | { readonly kind: 'http'; readonly address: string }
  | { readonly kind: 'folder'; readonly folder: string };

/** What a worker needs to fetch bundles and to keep them. */
export interface BundleSettings {
  /** undefined: nothing is fetched. */
  readonly place: BundlePlace | undefined;
  readonly cacheFolder: string;
  /** undefined: as much as the disk has. */
  readonly cacheBytes: number | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * REELAY_BUNDLE_SOURCE (s3://bucket, an https address, or a folder), or else the bucket REELAY_BUNDLE_BUCKET, or REELAY_BUCKET;
 * REELAY_CACHE, a folder of the machine's own disk, and REELAY_CACHE_BYTES. Throws `invalid_request` naming the variable.
 */
export function bundleSettingsFrom(env: Environment): BundleSettings {
  const source = set(env.REELAY_BUNDLE_SOURCE);
  const bucket = set(env.REELAY_BUNDLE_BUCKET) ?? set(env.REELAY_BUCKET);
  const quota = set(env.REELAY_CACHE_BYTES);
  if (quota !== undefined && !/^[1-9]\d{0,14}$/.test(quota))
    throw refusal('REELAY_CACHE_BYTES', quota, 'a whole number of bytes from 1 is allowed');
  const own = bucket === undefined ? undefined : ({ kind: 's3', bucket } as const);
  return {
    place: source === undefined ? own : parseBundlePlace(source, 'REELAY_BUNDLE_SOURCE'),
    cacheFolder: set(env.REELAY_CACHE) ?? join(tmpdir(), 'reelay-bundles'),
    cacheBytes: quota === undefined ? undefined : Number(quota),
  };
}

/** "s3://bucket", "https://host/path" or a folder; `name` says whose words they are. */
export function parseBundlePlace(text: string, name: string): BundlePlace {
  const bucket = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])\/?$/.exec(text)?.[1];
  if (bucket !== undefined) return { kind: 's3', bucket };
  if (isBundleAddress(text)) return { kind: 'http', address: text };
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text))
    throw refusal(
      name,
      withoutSecrets(text),
      's3://bucket without a path, an https address (no name, password or query) and a folder are allowed',
    );
  return { kind: 'folder', folder: text };
}

const set = (text: string | undefined): string | undefined => {
  const trimmed = text?.trim();
  return trimmed === '' ? undefined : trimmed;
};

function refusal(name: string, got: string, allowed: string): ReelayError {
  return new ReelayError('invalid_request', `${name}: got "${got.slice(0, 80)}"; ${allowed}.`);
}
