import { ReelayError } from '#core/errors.ts';
import { type Artifact, type Variant, variants } from '#core/job.ts';
import { artifactKey } from '#core/keys.ts';
import type { BlobStore } from '#core/ports.ts';
import type { Heartbeat } from './heartbeat.ts';
import type { Rendered } from './renderer.ts';
import type { Scratch } from './scratch.ts';

/** The renderer's files in the store, below the attempt that made them. Throws the heartbeat's reason when it stops, `store_unavailable`. */
export async function storeArtifacts(
  blobs: BlobStore,
  heartbeat: Heartbeat,
  scratch: Scratch,
  files: Rendered,
): Promise<Record<Variant, Artifact>> {
  const artifacts: Partial<Record<Variant, Artifact>> = {};
  for (const variant of variants) {
    heartbeat.signal.throwIfAborted();
    const { path, contentType, bytes, sha256 } = files[variant];
    const key = artifactKey(heartbeat.job(), heartbeat.job().attempt, variant);
    await blobs.put(key, await scratch.read(path), { contentType });
    // Nobody is told before the store is seen to hold all of it.
    const stored = await blobs.head(key);
    if (stored?.bytes !== bytes)
      throw new ReelayError(
        'store_unavailable',
        `The store holds ${stored?.bytes ?? 'no'} bytes of ${bytes} of the ${variant}.`,
      );
    artifacts[variant] = { key, contentType, bytes, sha256 };
  }
  return artifacts as Record<Variant, Artifact>;
}
