/**
 * References and checkpoints, sealed in the blob store: what is put for a subject is opened when it is read. The bytes are `RLYSEAL1`, one
 * byte of length, the subject's id, and what the cipher makes; the tenant and the place are the key's. Others lie and read as they are,
 * such as outputs, which links of the store itself serve, and what was stored before sealing.
 */
import { keyToOpen, keyToSeal, type SealPorts } from '#core/audit/subject-key.ts';
import { type SealedKind, sealContext } from '#core/audit/vault.ts';
import { ReelayError } from '#core/errors.ts';
import type { BlobBody, BlobStore } from '#core/ports.ts';

const MAGIC = Buffer.from('RLYSEAL1', 'latin1');

/** A blob store that seals what `put` is given a subject for. The bytes that it tells of are those that were put. */
export function sealBlobStore(blobs: BlobStore, keys: SealPorts): BlobStore {
  return {
    ...blobs,
    async put(key, bytes, options) {
      const { sealFor } = options;
      if (sealFor === undefined) return blobs.put(key, bytes, options);
      if (!maySeal(key) || tenantOf(key) !== sealFor.tenant)
        throw new ReelayError('internal', 'This key is not for sealed bytes of this tenant.', { retryable: false });
      const id = Buffer.from(sealFor.id, 'utf8');
      const dataKey = await keyToSeal(keys, sealFor);
      const sealed = keys.cipher.seal(dataKey, sealContext(sealFor, kindOf(key), key), bytes);
      const all = Buffer.concat([MAGIC, Buffer.from([id.length]), id, sealed]);
      const stored = await blobs.put(key, all, { contentType: 'application/octet-stream' });
      // A store that took other bytes than it was given is found out as if nothing were sealed.
      return { ...stored, bytes: stored.bytes === all.length ? bytes.length : stored.bytes };
    },
    async get(key, range) {
      if (!maySeal(key)) return blobs.get(key, range);
      const blob = await blobs.get(key);
      return blob && readSealed(keys, key, blob, range);
    },
  };
}

/** Where sealed bytes may lie, by core/keys.ts: `references/<tenant>/…` and `videos/<tenant>/<job>/checkpoint/…`. */
function maySeal(key: string): boolean {
  return /^(references\/|videos\/[^/]+\/[^/]+\/checkpoint\/)/.test(key);
}

function tenantOf(key: string): string {
  return key.split('/')[1] ?? '';
}

function kindOf(key: string): SealedKind {
  return key.startsWith('references/') ? 'reference' : 'latents';
}

/** Whole, because a cipher that also checks can give nothing before its end; those who read these need all of them at once anyway. */
async function readSealed(
  keys: SealPorts,
  key: string,
  blob: BlobBody,
  range: { start: number; end: number } | undefined,
): Promise<BlobBody | undefined> {
  const parts: Uint8Array[] = [];
  for await (const part of blob.stream) parts.push(part);
  const all = Buffer.concat(parts);
  if (all.length < blob.bytes) throw new ReelayError('store_unavailable', 'A stored file came cut off.');
  const isSealed = all.length > MAGIC.length && all.subarray(0, MAGIC.length).equals(MAGIC);
  const bytes = isSealed ? await opened(keys, key, all) : all;
  if (bytes === undefined) return undefined;
  const asked = range === undefined ? bytes : bytes.subarray(range.start, range.end + 1);
  return { bytes: bytes.length, etag: blob.etag, stream: once(asked) };
}

/**
 * undefined: the person was erased, and the bytes read as not there. What was changed since reads as it lies there: whoever reads it knows
 * the hash of what was stored.
 */
async function opened(keys: SealPorts, key: string, all: Buffer): Promise<Uint8Array | undefined> {
  const from = MAGIC.length + 1;
  const to = from + (all[MAGIC.length] ?? 0);
  const subject = { tenant: tenantOf(key), id: all.toString('utf8', from, to) };
  const dataKey = await keyToOpen(keys, subject);
  if (dataKey === undefined) return undefined;
  return keys.cipher.open(dataKey, sealContext(subject, kindOf(key), key), all.subarray(to)) ?? all;
}

async function* once(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes;
}
