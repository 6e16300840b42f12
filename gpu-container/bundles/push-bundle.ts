import { createHash } from 'node:crypto';
import { readFile, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { bundleKey, type LocalObject, manifestKey, type ObjectTarget } from '#core/bundle-objects.ts';
import { bundleName, checkHash, checkPresence } from '#gpu-container/runtime/bundle-files.ts';
import { bundleDigest, parseManifest } from '#gpu-container/runtime/bundle-manifest.ts';
import { readManifest } from '#gpu-container/runtime/load-bundle.ts';

/** What a push did. */
export interface Pushed {
  readonly id: string;
  readonly digest: string;
  /** The sha256 of its bundle.json. */
  readonly manifest: string;
  /** Files that were put, and those that were there with the same bytes. */
  readonly put: number;
  readonly skipped: number;
  readonly bytes: number;
}

/**
 * Puts a bundle where deployments fetch it, bundle.json last: whoever sees that finds the rest. It is put under its own sha256 as well, where
 * another bundle.json of the same files does not replace it. Every file is hashed before it goes, so
 * that nothing is pushed under a digest that it does not have: `bundle_corrupt` then. What is there with the same bytes stays.
 */
export async function pushBundle(
  folder: string,
  target: ObjectTarget,
  onFile?: (path: string, skipped: boolean) => void,
): Promise<Pushed> {
  const name = bundleName(folder);
  const { files } = await readManifest(folder); // refuses what is no plain file of a sane size
  const root = await realpath(folder);
  const path = join(root, 'bundle.json');
  const text = await readFile(path, 'utf8');
  const manifest = parseManifest(name, text);
  const digest = bundleDigest(manifest);
  const own = Buffer.from(text);
  const sha256 = createHash('sha256').update(own).digest('hex');
  const asBundleJson = { path, bytes: own.length, sha256 };
  for (const file of files) await checkPresence(name, root, file);
  let [put, skipped, bytes] = [0, 0, 0];
  const push = async (key: string, object: LocalObject) => {
    const there = await target.head(key);
    const same = there?.bytes === object.bytes && there.sha256 === object.sha256;
    if (!same) await target.put(key, object);
    if (same) skipped++;
    else {
      put++;
      bytes += object.bytes;
    }
    onFile?.(key.slice(bundleKey(digest, '').length), same);
  };
  for (const file of manifest.files) {
    await checkHash(name, root, file);
    await push(bundleKey(digest, file.path), { ...file, path: join(root, file.path) });
  }
  await push(manifestKey({ digest, manifest: sha256 }), asBundleJson);
  await push(manifestKey({ digest }), asBundleJson);
  return { id: manifest.id, digest, manifest: sha256, put, skipped, bytes };
}
