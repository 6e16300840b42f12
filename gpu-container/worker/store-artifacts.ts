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
    // Durable and whole when it resolves: S3 compares the checksum that the SDK sends along, a file is written, synced and renamed.
    const stored = await blobs.put(key, await scratch.read(path), { contentType });
    if (stored.bytes !== bytes)
      throw new ReelayError(
        'store_unavailable',
        `The store holds ${stored.bytes} bytes of ${bytes} of the ${variant}.`,
      );
    artifacts[variant] = { key, contentType, bytes, sha256 };
  }
  return artifacts as Record<Variant, Artifact>;
}
