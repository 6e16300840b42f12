/** A bundle whose transformer has as many bytes of weights as one likes, as objects to be served. */
import { createHash, randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { bundleKey } from '#core/bundle-objects.ts';
import { bundleDigest } from '#gpu-container/runtime/bundle-manifest.ts';
import { smallBundle } from '#test/runtime/small-bundle.ts';

export interface ServedBundle {
  readonly id: string;
  readonly digest: string;
  readonly folder: string;
  /** By key. */
  readonly objects: Map<string, Uint8Array>;
  readonly files: readonly { path: string; bytes: number; sha256: string }[];
}

export const WEIGHTS = 'transformer/weights.bin';

export async function largeBundle(bytes: number): Promise<ServedBundle> {
  const { folder } = await smallBundle(undefined, { [WEIGHTS]: randomBytes(bytes) });
  return servedFrom(folder);
}

/** The objects of a bundle in a folder. */
export async function servedFrom(folder: string): Promise<ServedBundle> {
  const manifest = JSON.parse(await readFile(join(folder, 'bundle.json'), 'utf8'));
  const digest = bundleDigest(manifest);
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  const objects = new Map<string, Uint8Array>();
  for (const entry of entries.filter(one => one.isFile())) {
    const path = join(entry.parentPath, entry.name);
    objects.set(bundleKey(digest, relative(folder, path)), await readFile(path));
  }
  return { id: manifest.id, digest, folder, objects, files: manifest.files };
}

export const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
