/** @file Where the bundles of a deployment lie: `bundles/<digest>/<file>` in a bucket, below an address, or in a folder. */
import type { StopSignal } from './ports.ts';

/** A place that bundles are fetched from. */
export interface ObjectSource {
  /** For people: "s3://bucket". */
  readonly name: string;
  /** Of an object; undefined where there is none. Throws as `read` does. */
  size(key: string, signal: StopSignal): Promise<number | undefined>;
  /**
   * The bytes `start` to `end`, both included, of an object, as they come; undefined where there is no such object. Ends early where the
   * connection does. Throws `store_unavailable` otherwise; its `retryable` tells whether asking again may help.
   */
  read(key: string, range: ByteRange, signal: StopSignal): Promise<AsyncIterable<Uint8Array> | undefined>;
}

/** From the first byte to the last, both included. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** A place that bundles are put into. */
export interface ObjectTarget {
  readonly name: string;
  /** What is there under a key; the hash only where it was put by `put`. */
  head(key: string): Promise<{ readonly bytes: number; readonly sha256: string | undefined } | undefined>;
  /** All of it or nothing is there afterwards. Throws `store_unavailable`. */
  put(key: string, file: LocalObject): Promise<void>;
}

/** A file of this machine that is to become an object. */
export interface LocalObject {
  readonly path: string;
  readonly bytes: number;
  /** Lower-case hex. */
  readonly sha256: string;
}

/** The key of a bundle's file; the digest is that of the bundle (runtime/bundle-manifest.ts). */
export function bundleKey(digest: string, path: string): string {
  return `bundles/${digest}/${path}`;
}

/** Which bundle is meant: by its files, and, where the second is said, by every word of its bundle.json. */
export interface BundlePin {
  /** Of the list of files (runtime/bundle-manifest.ts), 64 lower-case hex digits: names weights, as jobs and checkpoints do. */
  readonly digest: string;
  /** The sha256 of bundle.json, alike: what it offers, needs and feeds its graphs is not in the digest. */
  readonly manifest?: string | undefined;
}

/** "digest" or "digest:sha256 of bundle.json"; undefined for anything else. */
export function parseBundlePin(text: string): BundlePin | undefined {
  const [, digest, manifest] = /^([0-9a-f]{64})(?::([0-9a-f]{64}))?$/.exec(text) ?? [];
  if (digest === undefined) return undefined;
  return manifest === undefined ? { digest } : { digest, manifest };
}

/** As parseBundlePin reads it. */
export function formatBundlePin({ digest, manifest }: BundlePin): string {
  return manifest === undefined ? digest : `${digest}:${manifest}`;
}

/** The key of one exact bundle.json, beside the newest: a deployment that runs must not get the limits of the next one. */
export function manifestKey({ digest, manifest }: BundlePin): string {
  return bundleKey(digest, manifest === undefined ? 'bundle.json' : `bundle-${manifest}.json`);
}
