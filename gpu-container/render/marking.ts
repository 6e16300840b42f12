/**
 * @file The last stage of every clip, which nothing goes around:
 *
 *     frames -> label, where a law or the tenant wants one -> watermark -> encoder -> MP4 -> C2PA manifest, signed -> both marks read again from the finished bytes -> file
 *
 * What does not hold in the end is no file: the job fails with `marking_failed`.
 */
import { readFile } from 'node:fs/promises';
import { ReelayError } from '#core/errors.ts';
import { limits } from '#core/limits.ts';
import type { VideoRequest } from '#core/video-request.ts';
import type { ClipMarking } from '#gpu-container/media/clip-writer.ts';
import { type Label, prepareLabel } from '#gpu-container/media/draw-label.ts';
import { eachOwnFrame } from '#gpu-container/media/own-frames.ts';
import type { C2paLibrary } from '#gpu-container/provenance/c2pa/c2pa-library.ts';
import type { Claim, Reference } from '#gpu-container/provenance/c2pa/claim.ts';
import { signMp4, verifySelf } from '#gpu-container/provenance/c2pa/sign-mp4.ts';
import { pictureHash } from '#gpu-container/provenance/picture-hash.ts';
import { type Delivery, deliveredSize } from '#gpu-container/provenance/watermark/delivered-size.ts';
import { openDetector } from '#gpu-container/provenance/watermark/detect.ts';
import { openMarker } from '#gpu-container/provenance/watermark/embed.ts';
import type { Marked, MarkingOrder, RenderTimings } from './protocol.ts';

/** What marks one clip. */
export interface Marking extends ClipMarking {
  /** How the clip is delivered: its frames are enlarged to this before they come to `embed`. */
  readonly delivered: Delivery;
  /** After `seal`. */
  readonly marked: () => Omit<Marked, 'framesSha256'>;
  readonly timings: () => Pick<RenderTimings, 'embedMs' | 'signMs' | 'verifyMs'>;
}

/** What a clip is marked for, and with whose help. */
export interface MarkingTask {
  readonly order: MarkingOrder;
  readonly request: VideoRequest;
  readonly referencePath: string | undefined;
  readonly bundleDigest: string;
  /** The bundle wants its small clips delivered at their own size. */
  readonly nativeDemanded: boolean;
  readonly library: C2paLibrary;
  /** ECDSA P-256 with SHA-256 over these bytes. */
  readonly sign: (bytes: Uint8Array) => Promise<Uint8Array>;
}

/** The marks of one clip. Throws `marking_failed` where a clip of its size can carry none. */
export function openMarking(task: MarkingTask): Marking {
  const { order, request } = task;
  const [width, height] = request.size.split('x').map(Number) as [number, number];
  const delivered = orFail(() => deliveredSize({ width, height }, { nativeDemanded: task.nativeDemanded }));
  const marker = openMarker(order.stream, order.message, delivered);
  const label = orFail(() => labelOf(order, delivered));
  const hashed = new Set([0, Math.floor(request.num_frames / 2), request.num_frames - 1]);
  const pictureHashes: string[] = [];
  let [frames, embedMs, signMs, verifyMs] = [0, 0, 0, 0];
  let manifestId = '';
  return {
    delivered,
    tags: order.disclosure.tags,
    draw: frame => label?.draw(frame),
    embed(planes) {
      const started = performance.now();
      marker.embed(planes);
      if (hashed.has(frames++)) pictureHashes.push(pictureHash(planes, delivered.width, delivered.height));
      embedMs += performance.now() - started;
    },
    async seal(file) {
      const started = performance.now();
      const sealed = await signed(file, task).catch(failed);
      signMs = performance.now() - started;
      manifestId = await verified(sealed, task, delivered).catch(failed);
      verifyMs = performance.now() - started - signMs;
      return sealed;
    },
    marked: () => ({
      manifestId,
      strength: delivered.watermark,
      size: `${delivered.width}x${delivered.height}`,
      pictureHashes,
    }),
    timings: () => ({ embedMs, signMs, verifyMs }),
  };
}

async function signed(file: Uint8Array, task: MarkingTask): Promise<Uint8Array> {
  const { order, library, sign } = task;
  return signMp4(file, await claimOf(task), { chain: order.chain, sign }, library);
}

/** A video that is made from a video is an edit of it; an image is something that went into it. */
async function claimOf({ order, request, referencePath, bundleDigest }: MarkingTask): Promise<Claim> {
  const { generator, createdAtMs, jobId, requestHmac, disclosure } = order;
  const { provider } = disclosure;
  const job = {
    ...{ id: jobId, model: request.model, modelDigest: bundleDigest, requestHmac },
    ...(provider !== null && { provider }),
  };
  const claim: Claim = { generator, job, createdAtMs, watermarked: true };
  if (request.reference === null || referencePath === undefined) return claim;
  const given: Reference = { bytes: await readFile(referencePath), mimeType: request.reference.contentType };
  return request.task === 'v2v' ? { ...claim, parent: given } : { ...claim, references: [given] };
}

/** Gives the manifest's id. */
async function verified(file: Uint8Array, task: MarkingTask, delivered: Delivery): Promise<string> {
  const { order, library } = task;
  const { jobId, trustRoots } = order;
  const { claim } = await verifySelf(file, { jobId, trustRoots, library });
  await readMark(file, order, delivered);
  // Its memory only grows, with references as with files, and this process lives on.
  if (file.length + (task.request.reference?.bytes ?? 0) > limits.c2paKeptBytes) await library.close();
  return claim!.manifestId; // verifySelf has read the job from it
}

/** The first frame is enough for nearly all clips; the whole clip is asked where it is not. Of a weak mark nothing is promised. */
async function readMark(file: Uint8Array, { stream, message }: MarkingOrder, delivered: Delivery): Promise<void> {
  if (delivered.watermark === 'weak') return;
  for (const atMost of [1, Number.POSITIVE_INFINITY]) {
    const detector = openDetector(stream, delivered);
    await eachOwnFrame(file, atMost, frame => detector.add(frame));
    const isRead = detector
      .read()
      .some(({ message: { left, right } }) => left === message.left && right === message.right);
    if (isRead) return;
  }
  throw new Error('watermark: the finished file does not carry it.');
}

/** For all of the clip, which is as long as any law wants it to be seen. */
function labelOf({ disclosure: { label } }: MarkingOrder, { width, height }: Delivery): Label | undefined {
  return label === null ? undefined : prepareLabel(label.text, width, height, label.leastShare);
}

function orFail<T>(act: () => T): T {
  try {
    return act();
  } catch (error) {
    return failed(error);
  }
}

/** Sentences of the two rooms quote nothing of a request; a key that could not be asked is an outage, and no fault of the file. */
function failed(cause: unknown): never {
  if (cause instanceof ReelayError) throw cause;
  const why =
    cause instanceof Error && /^(c2pa|watermark|mp4|label): /.test(cause.message) ? cause.message : 'it broke off.';
  throw new ReelayError('marking_failed', `The finished video could not be marked: ${why}`, { cause });
}
