/** @file Looks for the installation's watermark in pictures: the whole frame first, then parts of it. Arithmetic alone. */
import { agreement, encodeMessage } from '#gpu-container/provenance/watermark/coded-word.ts';
import { searchCrop, searchFrameIndices } from '#gpu-container/provenance/watermark/crop-search.ts';
import { openDetector, type Reading } from '#gpu-container/provenance/watermark/detect.ts';
import { type FrameSize, planesOf } from '#gpu-container/provenance/watermark/i420.ts';
import type { KeyStream, Mac } from '#gpu-container/provenance/watermark/key-stream.ts';
import { deploymentTag, jobNonce, openPayload, sealPayload } from '#gpu-container/provenance/watermark/payload.ts';
import type { Geometry } from '#gpu-container/provenance/watermark/resample.ts';
import type { MarkHit, MarkReading } from './protocol.ts';
import { verifyLimits } from './verify-limits.ts';

/** Whose mark is looked for. */
export interface MarkKeys {
  readonly mac: Mac;
  readonly stream: KeyStream;
  readonly deployment: string;
}

/** Frames of one clip, I420 without padding, all of one size. */
export interface Pictures {
  readonly frames: readonly Uint8Array[];
  readonly size: FrameSize;
}

/** What pictures say. `jobId` is the job that the file itself names; its mark counts from fewer bits on. */
export function readMark(
  { mac, stream, deployment }: MarkKeys,
  pictures: Pictures,
  { search, jobId }: { readonly search: boolean; readonly jobId: string | null },
): MarkReading {
  const tag = deploymentTag(mac, deployment);
  const suspects = jobId === null ? [] : wordsOf(mac, tag, jobId);
  const { frames, size } = pictures;
  let decoded = 0;
  let suspected: number | null = null;
  const hitIn = (readings: readonly Reading[], geometry: Geometry | null): MarkHit | null => {
    decoded += readings.length;
    for (const { bits } of readings)
      for (const word of suspects) suspected = Math.max(suspected ?? 0, agreement(bits, word));
    for (const { bits, message } of readings) {
      const payload = openPayload(mac, message);
      if (payload.tag === tag) return { ...payload, agreeing: agreement(bits, encodeMessage(message)), geometry };
    }
    return null;
  };
  const answer = (hit: MarkHit | null, tried: number, searched: boolean): MarkReading => ({
    ...{ ...size, frames: frames.length, decoded, tried, searched, hit, suspected },
  });
  const whole = hitIn(readAt(stream, pictures, undefined), null);
  if (whole !== null || !search) return answer(whole, 1, false);
  const { parts, tried } = searchIn(stream, pictures);
  for (const { geometry } of parts) {
    const hit = hitIn(readAt(stream, pictures, geometry), geometry);
    if (hit !== null) return answer(hit, tried, true);
  }
  return answer(null, tried, true);
}

function wordsOf(mac: Mac, tag: number, jobId: string): Uint8Array[] {
  return Array.from({ length: verifyLimits.suspects }, (_, counter) =>
    encodeMessage(sealPayload(mac, { tag, nonce: jobNonce(mac, jobId, counter) })),
  );
}

function readAt(stream: KeyStream, { frames, size }: Pictures, geometry: Geometry | undefined): readonly Reading[] {
  const detector = openDetector(stream, size, geometry);
  for (const frame of frames) detector.add(frame);
  return detector.read();
}

/** The search's time grows with the pixels and what it finds does not. */
function searchIn(stream: KeyStream, { frames, size }: Pictures) {
  const factor = Math.ceil(Math.sqrt((size.width * size.height) / verifyLimits.searchPixels));
  const chosen = searchFrameIndices(frames.length).map(i => frames[i]!);
  if (factor === 1) return searchCrop(stream, chosen, size);
  const small = { width: Math.floor(size.width / factor), height: Math.floor(size.height / factor) };
  return searchCrop(
    stream,
    chosen.map(frame => shrink(frame, size, small)),
    small,
  );
}

/** Each plane to a whole part of its size, every sample the mean of those that it stands for. */
function shrink(frame: Uint8Array, size: FrameSize, small: FrameSize): Uint8Array {
  const to = new Uint8Array(small.width * small.height + 2 * ((small.width + 1) >> 1) * ((small.height + 1) >> 1));
  const [from, into] = [planesOf(frame, size), planesOf(to, small)];
  for (const [p, plane] of from.entries()) {
    const put = into[p]!;
    for (let y = 0; y < put.height; y++)
      for (let x = 0; x < put.width; x++) {
        const [x0, x1] = [spanOf(x, put.width, plane.width), spanOf(x + 1, put.width, plane.width)];
        const [y0, y1] = [spanOf(y, put.height, plane.height), spanOf(y + 1, put.height, plane.height)];
        let sum = 0;
        for (let v = y0; v < y1; v++) for (let u = x0; u < x1; u++) sum += plane.bytes[v * plane.width + u]!;
        put.bytes[y * put.width + x] = Math.round(sum / ((x1 - x0) * (y1 - y0)));
      }
  }
  return to;
}

function spanOf(at: number, of: number, over: number): number {
  return Math.floor((at * over) / of);
}
