import { type FileVerdict, mayNameJob, type Viewer } from '#core/marks/verdict.ts';

/**
 * A verdict for whoever asked. Never a tenant and never a prompt; a job's id and the payload of its mark only for the job's own tenant and
 * for who runs the installation: with them two files of one job could be tied together by anybody.
 */
export function toVerdict(verdict: FileVerdict, viewer: Viewer) {
  const { kind, sentences, file, c2pa, watermark, registry } = verdict;
  const namesJob = mayNameJob(verdict, viewer);
  return {
    object: 'verdict',
    kind,
    sentences,
    file: { bytes: file.bytes, sha256: file.sha256, content_type: file.type },
    c2pa: {
      state: c2pa.state,
      reasons: c2pa.reasons,
      signer: c2pa.signer,
      generator: c2pa.generator,
      digital_source_type: c2pa.digitalSourceType,
      claimed_at: c2pa.claimedAt,
    },
    watermark: {
      state: watermark.state,
      sentence: watermark.sentence,
      agreeing_bits: watermark.agreeingBits,
      of_bits: 128,
      false_positive: watermark.falsePositive,
      frames: watermark.frames,
      searched: watermark.searched,
      crop: watermark.crop,
      payload: namesJob ? watermark.payload : null,
    },
    registry: {
      state: registry.state,
      job: namesJob ? registry.jobId : null,
      model: registry.model,
      made_at: registry.madeAtMs === null ? null : Math.floor(registry.madeAtMs / 1000),
      same_bytes: registry.sameBytes,
    },
  };
}
