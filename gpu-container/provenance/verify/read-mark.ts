/** @file Reads what may be a mark from pictures, the whole frame or parts of it; what it says, only the key knows. Arithmetic alone. */
import { searchCrop, searchFrameIndices } from '#gpu-container/provenance/watermark/crop-search.ts';
import { openDetector } from '#gpu-container/provenance/watermark/detect.ts';
import { type FrameSize, planesOf } from '#gpu-container/provenance/watermark/i420.ts';
import type { KeyStream } from '#gpu-container/provenance/watermark/key-stream.ts';
import type { Geometry } from '#gpu-container/provenance/watermark/resample.ts';
import type { Seen, SeenReading } from './protocol.ts';
import { verifyLimits } from './verify-limits.ts';

/** Frames of one clip, I420 without padding, all of one size. */
export interface Pictures {
  readonly frames: readonly Uint8Array[];
  readonly size: FrameSize;
}

/** What the whole frame says. */
export function readWhole(stream: KeyStream, pictures: Pictures): Seen {
  return { ...pictures.size, frames: pictures.frames.length, tried: 1, readings: readAt(stream, pictures, null) };
}

/** What the likeliest parts of the marked frame say: some seconds of work. */
export function readParts(stream: KeyStream, pictures: Pictures): Seen {
  const { parts, tried } = searchIn(stream, pictures);
  const readings = parts.flatMap(({ geometry }) => readAt(stream, pictures, geometry));
  return { ...pictures.size, frames: pictures.frames.length, tried, readings };
}

function readAt(stream: KeyStream, { frames, size }: Pictures, geometry: Geometry | null): SeenReading[] {
  const detector = openDetector(stream, size, geometry ?? undefined);
  for (const frame of frames) detector.add(frame);
  return detector.read().map(({ message, bits }) => ({ message, bits, geometry }));
}

/** The search's time grows with the pixels and what it finds does not. */
function searchIn(stream: KeyStream, { frames, size }: Pictures) {
  const factor = Math.ceil(Math.sqrt((size.width * size.height) / verifyLimits.searchPixels));
  const chosen = searchFrameIndices(frames.length).map(i => frames[i]!);
  if (factor === 1) return searchCrop(stream, chosen, size);
  const small = { width: Math.floor(size.width / factor), height: Math.floor(size.height / factor) };
  const shrunk = chosen.map(frame => shrink(frame, size, small));
  return searchCrop(stream, shrunk, small);
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
