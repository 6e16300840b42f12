/**
 * @file The process that reads files of strangers: decoders and the C2PA library run here, where a file that makes them break, grow or run
 * in circles takes nothing else along. Started as `fork(read-process.ts, { serialization: 'advanced' })`; speaks protocol.ts. The
 * watermark key comes with the task and leaves with the process.
 */
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type I420Picture, readI420Frames, readI420Image } from '#gpu-container/media/read-i420.ts';
import { openLibrary } from '#gpu-container/provenance/c2pa/c2pa-library.ts';
import { readMp4 } from '#gpu-container/provenance/c2pa/read-mp4.ts';
import { deriveKeyStream } from '#gpu-container/provenance/watermark/key-stream.ts';
import type { MarkReading, ReadTask, Told, WatermarkKey } from './protocol.ts';
import { type MarkKeys, type Pictures, readMark } from './read-mark.ts';
import { verifyLimits } from './verify-limits.ts';

const library = openLibrary();
let known: { readonly name: string; readonly keys: MarkKeys } | undefined;

function keysOf({ key, deployment }: WatermarkKey): MarkKeys {
  const name = `${Buffer.from(key).toString('hex')} ${deployment}`;
  if (known?.name === name) return known.keys;
  const mac = (message: Uint8Array) => createHmac('sha256', key).update(message).digest();
  const keys = { mac, stream: deriveKeyStream(mac), deployment };
  known = { name, keys };
  return keys;
}

async function read(task: ReadTask): Promise<void> {
  const { id, file, trustRoots } = task;
  let jobId: string | null = null;
  if (task.c2pa) {
    const options = { library, ...(trustRoots !== '' && { trustRoots }) };
    const finding = await readMp4('path' in file ? file.path : file.bytes, options);
    jobId = finding.claim?.job?.id ?? null;
    tell({ id, c2pa: finding });
  }
  tell({ id, mark: await markOf(task, jobId).catch(() => null) });
}

async function markOf(task: ReadTask, jobId: string | null): Promise<MarkReading | null> {
  if (!task.pictures || task.watermark === null) return null;
  const bytes = 'path' in task.file ? readFileSync(task.file.path) : task.file.bytes;
  const pictures = task.kind === 'image' ? await pictureOf(bytes) : await framesOf(bytes, task.frames);
  return pictures === null ? null : readMark(keysOf(task.watermark), pictures, { search: task.search, jobId });
}

async function pictureOf(bytes: Uint8Array): Promise<Pictures> {
  const { bytes: frame, ...size } = await readI420Image(bytes, verifyLimits.imagePixels);
  return { frames: [frame], size };
}

/** Frames spread over what is decoded, as many as memory allows; what came before damage, or before the time was over, is read. */
async function framesOf(bytes: Uint8Array, promised: number | null): Promise<Pictures | null> {
  const began = performance.now();
  const { decodedFrames, keptFrames, keptSamples, decodeMs } = verifyLimits;
  const frames: Uint8Array[] = [];
  let size: { width: number; height: number } | undefined;
  const mostOf = (width: number, height: number) =>
    Math.max(1, Math.min(keptFrames, Math.floor(keptSamples / (width * height))));
  const take = ({ bytes: frame, width, height }: I420Picture) => {
    size ??= { width, height };
    // Of a video that changes its size in the middle the first part is read.
    if (size.width !== width || size.height !== height) return false;
    return frames.push(frame) < mostOf(width, height);
  };
  const wanted = {
    decoded: decodedFrames,
    every: ({ width, height }: { width: number; height: number }) =>
      Math.ceil(Math.min(promised ?? 1, decodedFrames) / mostOf(width, height)),
    isOver: () => performance.now() - began > decodeMs,
  };
  await readI420Frames(bytes, wanted, take).catch(() => undefined);
  return size === undefined ? null : { frames, size };
}

function tell(told: Told): void {
  process.send?.(told);
}

let last: Promise<unknown> = Promise.resolve();
process.on('message', (task: ReadTask) => {
  last = last.then(() => read(task)).catch(() => process.exit(1));
});
// Nobody is left to tell.
process.on('disconnect', () => process.exit(0));
