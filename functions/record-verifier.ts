/**
 * @file Verifying where nothing can be decoded, as in a function of the cloud: by the records alone. A file that names a job of ours and has
 * the very bytes that the registry holds for it is ours and unaltered; of every other file nothing is known, and that is said.
 */
import { type MarkRow, marksOfJob } from '#core/marks/registry.ts';
import { type FileVerdict, momentText, type Verifier } from '#core/marks/verdict.ts';
import type { KeyValueStore } from '#core/ports.ts';
import { isImage, sniffMedia } from '#core/references/media-type.ts';

/** What it looks into. */
export interface RecordPorts {
  readonly kv: KeyValueStore;
  readonly sha256: (bytes: Uint8Array) => string;
  readonly modelOf: (digest: string) => string | undefined;
}

/** An id of a job in the signed data of its video, which lies in front. */
const JOB_ID = /video_(?:[0-9a-z-]{1,32}_)?[0-9a-z]{26}/g;
const LOOKED_AT = 1_048_576;
const MOST_IDS = 5;

const NOT_HERE =
  'This deployment cannot read signatures (C2PA) and watermarks; `npx reelay verify` on a machine with its keys can.';
const NOT_LOOKED = 'What was not looked at may be there: nothing here says whether it was made by AI.';

/** A verifier that knows the records only. */
export function createRecordVerifier({ kv, sha256, modelOf }: RecordPorts): Pick<Verifier, 'verify'> {
  return {
    async verify(bytes) {
      const hash = sha256(bytes);
      const file = { bytes: bytes.length, sha256: hash, type: sniffMedia(bytes) ?? null };
      for (const id of idsIn(bytes)) {
        const row = await marksOfJob(kv, id);
        const output = row?.outputs.find(one => one.sha256 === hash);
        if (row !== undefined && output !== undefined)
          return ofRow(file, row, output, modelOf(output.bundleDigest) ?? null);
      }
      return unchecked(file, bytes.length === 0);
    },
  };
}

function idsIn(bytes: Uint8Array): readonly string[] {
  const front = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, LOOKED_AT)).toString('latin1');
  const ids = new Set<string>();
  for (const [id] of front.matchAll(JOB_ID)) if (ids.add(id).size === MOST_IDS) break;
  return [...ids];
}

const C2PA: FileVerdict['c2pa'] = {
  ...{ state: 'unchecked', reasons: [NOT_HERE], signer: null, generator: null },
  ...{ digitalSourceType: null, claimedAt: null },
};
const WATERMARK: FileVerdict['watermark'] = {
  ...{ state: 'unchecked', sentence: NOT_HERE, agreeingBits: null, falsePositive: null, frames: 0 },
  ...{ searched: false, crop: null, payload: null },
};

function ofRow(
  file: FileVerdict['file'],
  row: MarkRow,
  output: MarkRow['outputs'][number],
  model: string | null,
): FileVerdict {
  const by = model === null ? '' : ` by the model ${model}`;
  return {
    ...{ kind: 'ours_unaltered', file, c2pa: C2PA, watermark: WATERMARK },
    sentences: [
      'This file was made by this installation, and it is unaltered.',
      `The registry has its job: it was made${by} at ${momentText(output.markedAtMs)}. Byte for byte the file is the one that was delivered.`,
      NOT_HERE,
    ],
    registry: {
      ...{ state: 'match', jobId: row.jobId, tenant: row.tenant, model },
      ...{ madeAtMs: output.markedAtMs, sameBytes: true },
    },
  };
}

function unchecked(file: FileVerdict['file'], isEmpty: boolean): FileVerdict {
  const what =
    file.type === null
      ? 'neither a video nor a picture that is known here'
      : isImage(file.type)
        ? 'a picture'
        : 'a video';
  const found = isEmpty
    ? 'The file is empty.'
    : `It is ${what}, and not byte for byte one that this installation delivered.`;
  return {
    ...{ kind: 'unchecked', file, c2pa: C2PA, watermark: WATERMARK },
    sentences: [`This file was not checked. ${found}`, NOT_HERE, NOT_LOOKED],
    registry: { state: 'unchecked', jobId: null, tenant: null, model: null, madeAtMs: null, sameBytes: null },
  };
}
