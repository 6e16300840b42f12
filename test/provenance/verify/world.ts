/** @file A data folder with keys of its own, and clips that it made, for tests of what is said of files. */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabase } from '#adapters/local/sqlite.ts';
import { createSqliteKeyValueStore } from '#adapters/local/sqlite-key-value-store.ts';
import { payloadName, recordMark, reserveMark } from '#core/marks/registry.ts';
import type { KeyValueStore } from '#core/ports.ts';
import { openLibrary } from '#gpu-container/provenance/c2pa/c2pa-library.ts';
import { signMp4 } from '#gpu-container/provenance/c2pa/sign-mp4.ts';
import { openReader } from '#gpu-container/provenance/verify/reader.ts';
import { type FileVerifier, openVerifier, type VerifyOptions } from '#gpu-container/provenance/verify/verify-file.ts';
import { openMarker } from '#gpu-container/provenance/watermark/embed.ts';
import type { FrameSize } from '#gpu-container/provenance/watermark/i420.ts';
import { jobNonce, sealPayload } from '#gpu-container/provenance/watermark/payload.ts';
import { openMarkingKeys } from '#local/marking-keys.ts';
import { claim } from '#test/provenance/c2pa/sample.ts';
import { encodeI420 } from '#test/provenance/watermark/encode-i420.ts';
import { drawClip, type Kind } from '#test/provenance/watermark/pictures.ts';

export const WIDE: FrameSize = { width: 512, height: 288 };
export const JOB = { id: 'video_01j00000000000000000000001', tenant: 'acme' };
const DIGEST = 'ab'.repeat(32);

export interface World {
  readonly folder: string;
  readonly kv: KeyValueStore;
  readonly options: VerifyOptions;
  /** A clip as the product delivers it: marked, encoded, signed, in the registry. */
  make(clip?: Partial<Clip>): Promise<Uint8Array>;
  /** Marked and encoded only. */
  makeMarked(clip?: Partial<Clip>): Promise<Uint8Array>;
  verifier(options?: Partial<VerifyOptions>): FileVerifier;
  close(): Promise<void>;
}

export interface Clip {
  readonly kind: Kind;
  readonly size: FrameSize;
  readonly frames: number;
  readonly fps: number;
  readonly jobId: string;
}

export async function openWorld(): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), 'reelay-verify-file-'));
  const db = openDatabase(folder);
  const kv = createSqliteKeyValueStore(db);
  const { keys } = await openMarkingKeys(folder);
  const { mac, stream, tag, signer, trustRoots } = keys;
  const library = openLibrary();
  const ports = { kv, now: () => Date.UTC(2026, 10, 21) };
  const options: VerifyOptions = {
    watermark: keys,
    trustRoots,
    kv,
    modelOf: digest => (digest === DIGEST ? 'reelay-mini' : undefined),
  };
  // One process for all; what it is asked comes with the file.
  const reader = openReader({ waiting: 1e6 });
  const makeMarked: World['makeMarked'] = async clip => {
    const { kind, size, frames, fps, jobId } = { ...USUAL, ...clip };
    const drawn = drawClip(kind, 3, size, frames);
    const marker = openMarker(stream, sealPayload(mac, { tag, nonce: jobNonce(mac, jobId, 0) }), size);
    for (const frame of drawn) marker.embed(frame);
    return encodeI420(drawn, { ...size, fps });
  };
  return {
    ...{ folder, kv, options, makeMarked },
    async make(clip) {
      const id = clip?.jobId ?? USUAL.jobId;
      const marked = await makeMarked(clip);
      const file = await signMp4(marked, { ...claim, job: { ...claim.job, id } }, signer, library);
      const job = { ...JOB, id };
      const payloadOf = (counter: number) => payloadName({ tag, nonce: jobNonce(mac, id, counter) });
      const { payload } = await reserveMark(ports, job, payloadOf);
      await recordMark(
        ports,
        { payload, jobId: id },
        {
          ...{ attempt: 1, manifestId: 'urn:c2pa:test', framesSha256: '00', pictureHashes: [], bundleDigest: DIGEST },
          ...{ watermark: 'lf-stdm/1', strength: 'full', markedAtMs: ports.now() },
          sha256: createHash('sha256').update(file).digest('hex'),
        },
      );
      return file;
    },
    verifier: other => openVerifier({ ...options, reader, ...other }),
    async close() {
      await reader.close();
      await library.close();
      db.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const USUAL: Clip = { kind: 'shapes', size: WIDE, frames: 8, fps: 12, jobId: JOB.id };
