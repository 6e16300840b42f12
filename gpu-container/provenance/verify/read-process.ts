/**
 * @file The process that reads files of strangers: decoders and the C2PA library run here, where a file that makes them break, grow or run
 * in circles takes nothing else along. Started as `fork(read-process.ts, { serialization: 'advanced' })`; speaks protocol.ts.
 */
import { readFileSync } from 'node:fs';
import { type I420Picture, readI420Frames, readI420Image } from '#gpu-container/media/read-i420.ts';
import { openLibrary } from '#gpu-container/provenance/c2pa/c2pa-library.ts';
import { readMp4 } from '#gpu-container/provenance/c2pa/read-mp4.ts';
import type { NextStep, ReadTask, Seen, Told } from './protocol.ts';
import { type Pictures, readParts, readWhole } from './read-mark.ts';
import { verifyLimits } from './verify-limits.ts';

const library = openLibrary();
/** Of the last file, where its parts may be asked for. */
let kept: { readonly id: number; readonly parts: () => Seen } | undefined;

async function read(task: ReadTask): Promise<void> {
  const { id, file, trustRoots } = task;
  kept = undefined;
  if (task.c2pa) {
    const options = { library, ...(trustRoots !== '' && { trustRoots }) };
    tell({ id, c2pa: await readMp4('path' in file ? file.path : file.bytes, options) });
  }
  tell({ id, seen: await look(task).catch(() => null) });
}

async function look(task: ReadTask): Promise<Seen | null> {
  const { id, file, stream, search } = task;
  if (!task.pictures || stream === null) return null;
  const bytes = 'path' in file ? readFileSync(file.path) : file.bytes;
  const pictures = task.kind === 'image' ? await pictureOf(bytes) : await framesOf(bytes, task.frames);
  if (pictures === null) return null;
  if (search) kept = { id, parts: () => readParts(stream, pictures) };
  return readWhole(stream, pictures);
}

function next({ id, searchNow }: NextStep): void {
  const parts = kept?.id === id ? kept.parts : undefined;
  kept = undefined;
  if (searchNow) tell({ id, seen: parts?.() ?? null });
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
process.on('message', (asked: ReadTask | NextStep) => {
  last = last.then(() => ('file' in asked ? read(asked) : next(asked))).catch(() => process.exit(1));
});
// Nobody is left to tell.
process.on('disconnect', () => process.exit(0));
