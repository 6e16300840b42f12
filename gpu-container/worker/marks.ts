import { readFileSync } from 'node:fs';
import { CannotDisclose, type DisclosureChoice, discloseVideo, usualDisclosure } from '#core/audit/disclose.ts';
import { ReelayError } from '#core/errors.ts';
import type { Job, JobMarking } from '#core/job.ts';
import { payloadName, recordMark, reserveMark } from '#core/marks/registry.ts';
import { requestText } from '#core/placement/receipt.ts';
import type { KeyValueStore } from '#core/ports.ts';
import type { MarkingKeys } from '#gpu-container/provenance/marking-keys.ts';
import { jobNonce, sealPayload } from '#gpu-container/provenance/watermark/payload.ts';
import type { Marked, MarkingOrder } from '#gpu-container/render/protocol.ts';

/** Says what a job's video is marked with, signs for the child that marks it, and keeps the registry. */
export interface Marks {
  /** Before a job is rendered: its payload, the same for all its attempts, and what the child is told. Throws `store_unavailable`. */
  order(job: Job): Promise<{ readonly payload: string; readonly order: MarkingOrder }>;
  /** ECDSA P-256 with SHA-256; rejects where the key cannot be asked. */
  readonly sign: (bytes: Uint8Array) => Promise<Uint8Array>;
  /** Before a job is committed: the registry knows of its video from then on. Gives what goes on the record. Throws `store_unavailable`. */
  record(job: Job, payload: string, made: MadeVideo): Promise<JobMarking>;
}

/** A marked video, stored. */
export interface MadeVideo {
  readonly marked: Marked;
  /** Of the stored file. */
  readonly sha256: string;
  readonly bundleDigest: string;
}

/** What marks are made with. */
export interface MarksOptions {
  /** A worker without them does not start: nothing it rendered could be delivered. */
  readonly keys: MarkingKeys;
  /** Holds the registry. */
  readonly kv: KeyValueStore;
  /** What videos of tenants that chose nothing disclose; `usualDisclosure` unless said otherwise. */
  readonly disclosure?: DisclosureChoice | undefined;
  /** Who runs this installation, for profiles that name the provider. */
  readonly operator?: string | undefined;
  readonly now: () => number;
}

/** The mark of these frames, see docs/watermark.md. */
export const WATERMARK = 'lf-stdm/1';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

/** Marks of one installation. */
export function createMarks(options: MarksOptions): Marks {
  const { keys, kv, now, operator } = options;
  const { mac, tag, stream, signer, trustRoots, requestHmac } = keys;
  return {
    sign: signer.sign,
    async order(job) {
      const choice = job.disclosure ?? options.disclosure ?? usualDisclosure;
      const disclosure = orMarkingFailed(() => discloseVideo(choice, { operator, jobId: job.id }));
      const nonceOf = (counter: number) => jobNonce(mac, job.id, counter);
      const mark = await reserveMark({ kv, now }, job, counter => payloadName({ tag, nonce: nonceOf(counter) }));
      const order: MarkingOrder = {
        ...{ stream, trustRoots, jobId: job.id, createdAtMs: job.createdAtMs },
        message: sealPayload(mac, { tag, nonce: nonceOf(mark.counter) }),
        chain: signer.chain,
        generator: { name: 'Reelay', version },
        requestHmac: requestHmac(job.id, requestText(job.request)),
        disclosure,
      };
      return { payload: mark.payload, order };
    },
    async record(job, payload, { marked, sha256, bundleDigest }) {
      const { manifestId, framesSha256, strength, size, pictureHashes } = marked;
      const shared = { manifestId, framesSha256, strength, watermark: WATERMARK };
      const { attempt } = job;
      const output = { ...shared, attempt, sha256, pictureHashes, bundleDigest, markedAtMs: now() };
      await recordMark({ kv, now }, { payload, jobId: job.id }, output);
      return { ...shared, payload, size };
    },
  };
}

/** Fail closed: a video that does not say what a law wants said is not made. */
function orMarkingFailed<T>(act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (!(error instanceof CannotDisclose)) throw error;
    throw new ReelayError('marking_failed', `The video could not be marked: ${error.message}`, { cause: error });
  }
}
