/**
 * References in the blob store. The bytes come before the record that names them, in a folder that no other try ever uses, and a note of
 * the folder comes before the bytes: what a crash or a refusal leaves behind is found by its note, and what a record names is never taken
 * for that.
 */
import { subjectOf } from '../audit/subjects.ts';
import { ReelayError } from '../errors.ts';
import type { Artifact, Job } from '../job.ts';
import { residencyOf } from '../job-id.ts';
import { sweepEach } from '../jobs/sweep.ts';
import { referenceFolder } from '../keys.ts';
import { limits } from '../limits.ts';
import { defaultResidency } from '../policy/residency.ts';
import type { BlobStore, JobStore, KeyValueEntry, KeyValueStore } from '../ports.ts';
import type { Reference } from '../video-request.ts';
import { countLoaded } from './loaded-bytes.ts';
import { extensionFor } from './media-type.ts';
import type { ReferenceFile, Upload } from './read-reference.ts';

/** What keeping references needs. */
export interface ReferencePorts {
  readonly blobs: BlobStore;
  readonly kv: KeyValueStore;
  readonly now: () => number;
  readonly random: (n: number) => Uint8Array;
  readonly sha256: (data: string | Uint8Array) => string;
}

/** Puts a file where the job of this id will find it. Durable when it resolves; the record is to be made within limits.submitSeconds. */
export async function storeReference(
  ports: ReferencePorts,
  job: Pick<Job, 'tenant' | 'id' | 'subject'>,
  { bytes, contentType }: ReferenceFile,
): Promise<Reference> {
  const folder = referenceFolder(job, hexOf(ports.random(8)));
  const dueAtMs = ports.now() + limits.referenceGraceMs;
  const note = { space: `reference/${job.tenant}`, name: folder, value: { jobId: job.id }, expiresAtMs: null, dueAtMs };
  await ports.kv.put(note);
  const key = `${folder}input.${extensionFor(contentType)}`;
  await ports.blobs.put(key, bytes, { contentType, sealFor: subjectOf(job) });
  return { key, sha256: ports.sha256(bytes), bytes: bytes.length, contentType };
}

/** The notes of all classes lie together, and the bytes of each where only its own ports reach. */
function isReached(enclave: string | undefined, jobId: string): boolean {
  return enclave === undefined || (residencyOf(jobId) ?? defaultResidency) === enclave;
}

/** Looks at the notes whose time has come, and removes the bytes that no record names. Returns how many notes went. */
export async function sweepReferences(
  ports: Pick<ReferencePorts, 'blobs' | 'kv' | 'now'> & {
    readonly store: Pick<JobStore, 'load'>;
    readonly enclave?: string;
  },
): Promise<number> {
  const nowMs = ports.now();
  const due = await ports.kv.listDue('reference', nowMs, limits.sweepBatch);
  const own = (note: KeyValueEntry) => isReached(ports.enclave, (note.value as { jobId: string }).jobId);
  const left = due.filter(note => !own(note) && nowMs - (note.dueAtMs ?? nowMs) > limits.referenceGraceMs);
  // Those of a class that nobody opens any more go behind the others, or so many of them would hide what can be swept.
  await sweepEach(left, note => ports.kv.replace({ ...note, dueAtMs: nowMs }));
  return sweepEach(due.filter(own), async ({ space, name, value }) => {
    const job = await ports.store.load((value as { jobId: string }).jobId);
    if (job?.request.reference?.key.startsWith(name) !== true) await ports.blobs.deletePrefix(name);
    await ports.kv.remove(space, name);
  });
}

/**
 * Runs `use` with a stored reference or video as a file to start from; its bytes are counted until that is over. Throws `queue_full` where
 * too much is loaded already, `expired` when the store does not have its bytes any more, `invalid_reference` when it has others.
 */
export async function withStored<T>(
  ports: Pick<ReferencePorts, 'blobs' | 'sha256'>,
  stored: Reference | Artifact,
  use: (file: Upload) => Promise<T>,
): Promise<T> {
  return countLoaded(ports.blobs, stored.bytes, async () => use(await loadStored(ports, stored)));
}

async function loadStored(
  ports: Pick<ReferencePorts, 'blobs' | 'sha256'>,
  { key, bytes: size, sha256, contentType }: Reference | Artifact,
): Promise<Upload> {
  const blob = await ports.blobs.get(key);
  if (blob === undefined) throw new ReelayError('expired', 'The content of this video is no longer in the store.');
  const bytes = new Uint8Array(size);
  let at = 0;
  for await (const chunk of blob.stream) {
    if (blob.bytes !== size || at + chunk.length > size) break;
    bytes.set(chunk, at);
    at += chunk.length;
  }
  // What was cut off on its way may come whole the next time; what is whole and other bytes stays so.
  if (blob.bytes === size && at !== size) throw new ReelayError('store_unavailable', 'A stored file came cut off.');
  if (at !== size || ports.sha256(bytes) !== sha256)
    throw new ReelayError('invalid_reference', 'The file to start from is damaged in the store; send it again.');
  return { file: true, bytes, contentType };
}

function hexOf(bytes: Uint8Array): string {
  return [...bytes].map(byte => byte.toString(16).padStart(2, '0')).join('');
}
