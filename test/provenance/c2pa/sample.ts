import { limits } from '#core/limits.ts';
import { encodeMp4 } from '#gpu-container/media/encode-mp4.ts';
import { type Authority, makeAuthority } from '#gpu-container/provenance/c2pa/authority.ts';
import type { Claim } from '#gpu-container/provenance/c2pa/claim.ts';
import { type C2paSigner, createSigner } from '#gpu-container/provenance/c2pa/signer.ts';
import { movingDisc } from '#test/media/clips.ts';
import { unmarked } from '#test/media/unmarked.ts';

/** An installation with a root of its own. */
export interface Installation {
  readonly authority: Authority;
  readonly signer: C2paSigner;
  readonly trustRoots: string;
}

export async function newInstallation(options: { organization?: string; nowMs?: number } = {}): Promise<Installation> {
  const authority = await makeAuthority(options);
  const { certificate: certificates, key } = authority.leaf;
  const nowMs = options.nowMs ?? Date.now();
  return { authority, signer: createSigner({ certificates, key, nowMs }), trustRoots: authority.root.certificate };
}

export const claim: Claim = {
  generator: { name: 'Reelay', version: '0.1.0' },
  job: {
    id: 'video_01j00000000000000000000000',
    model: 'reelay-mini',
    modelDigest: 'ab'.repeat(32),
    requestHmac: 'cd'.repeat(32),
  },
  createdAtMs: Date.UTC(2026, 10, 21),
  watermarked: true,
};

/** 16 frames of our own encoder, some 5 kB. */
export const smallClip = () => encodeMp4(movingDisc(16, 8), unmarked);

/** A file of so many bytes with a real index: the data is noise behind a clip's own. */
export async function largeClip(bytes: number): Promise<Uint8Array> {
  const clip = await smallClip();
  const file = new Uint8Array(Math.min(bytes, limits.c2paFileBytes + 1));
  file.set(clip);
  // Another data box behind the last; no sample lies in it.
  const header = new DataView(file.buffer, clip.length, 8);
  header.setUint32(0, file.length - clip.length);
  file.set(new TextEncoder().encode('mdat'), clip.length + 4);
  let state = 1;
  for (let i = clip.length + 8; i < file.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    file[i] = state >>> 24;
  }
  return file;
}

/** One top-level box. */
export interface TopBox {
  readonly type: string;
  readonly at: number;
  readonly size: number;
}

export function topBoxes(file: Uint8Array): TopBox[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const boxes: TopBox[] = [];
  for (let at = 0; at < file.length; at += view.getUint32(at)) {
    const type = new TextDecoder('latin1').decode(file.subarray(at + 4, at + 8));
    boxes.push({ type, at, size: view.getUint32(at) });
  }
  return boxes;
}

export function box(type: string, content: Uint8Array): Uint8Array {
  const file = new Uint8Array(8 + content.length);
  new DataView(file.buffer).setUint32(0, file.length);
  file.set(new TextEncoder().encode(type), 4);
  file.set(content, 8);
  return file;
}

export function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

/** A C2PA box (C2PA 2.2 annex A.3) around any content. */
export function c2paBox(content: Uint8Array): Uint8Array {
  const id = Buffer.from('d8fec3d61b0e483c92975828877ec481', 'hex');
  return box('uuid', joined(id, new Uint8Array(4), Buffer.from('manifest\0'), new Uint8Array(8), content));
}
