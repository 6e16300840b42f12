/**
 * @file The C2PA library compiles each of its functions when it is first called: 0.15 s of a first clip. An empty film is signed and read
 * in its thread while the model denoises, so that the clip finds it compiled.
 */
import type { C2paLibrary } from '#gpu-container/provenance/c2pa/c2pa-library.ts';
import { readMp4 } from '#gpu-container/provenance/c2pa/read-mp4.ts';
import { signMp4 } from '#gpu-container/provenance/c2pa/sign-mp4.ts';
import type { MarkingOrder } from './protocol.ts';

/** Bytes of an ECDSA P-256 signature. */
const SIGNATURE_BYTES = 64;

/** Signs a film of nothing with no key and forgets it. Never rejects: what goes wrong, goes wrong again with the clip, and is told then. */
export async function rehearseMarking(library: C2paLibrary, { chain, trustRoots }: MarkingOrder): Promise<void> {
  const film = Buffer.concat([box('ftyp', Buffer.from('isom\0\0\0\0isommp41')), box('moov'), box('mdat')]);
  const job = { id: 'none', model: 'none', modelDigest: null, requestHmac: '' };
  const claim = { generator: { name: 'Reelay', version: '0' }, job, createdAtMs: 0, watermarked: true };
  const nobody = { chain, sign: async () => new Uint8Array(SIGNATURE_BYTES) };
  await signMp4(film, claim, nobody, library)
    .then(signed => readMp4(signed, { trustRoots, library }))
    .catch(() => undefined);
}

function box(type: string, content: Uint8Array = new Uint8Array()): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(8 + content.length);
  head.write(type, 4, 'latin1');
  return Buffer.concat([head, content]);
}
