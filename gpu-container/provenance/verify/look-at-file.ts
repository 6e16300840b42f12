import { limits } from '#core/limits.ts';
import { TRUNCATED } from '#core/references/byte-reader.ts';
import { type MediaFacts, readMediaFacts } from '#core/references/media-facts.ts';
import { isImage, type MediaType, sniffMedia, TAKEN_MEDIA } from '#core/references/media-type.ts';
import { countBoxes } from './count-boxes.ts';
import { verifyLimits } from './verify-limits.ts';

/** What the headers of a file say, before anything is made of what they promise. */
export interface Look {
  /** By the first bytes; null where they are nothing that is read here. */
  readonly type: MediaType | null;
  /** null where they cannot be read. */
  readonly facts: MediaFacts | null;
  /** A sentence: nothing of the file is looked into. */
  readonly refused: string | null;
  /** A sentence: its pictures are not, and its C2PA data is. */
  readonly noPictures: string | null;
}

/** Looks at a file's headers in one pass; nothing that it claims is allocated. Whatever comes gets an answer. */
export function lookAtFile(bytes: Uint8Array): Look {
  const type = sniffMedia(bytes) ?? null;
  const nothing = { type, facts: null, noPictures: null };
  if (bytes.length === 0) return { ...nothing, refused: 'The file is empty.' };
  if (type === null)
    return { ...nothing, refused: `It is neither a video nor a picture of those that are read here: ${TAKEN_MEDIA}.` };
  const most = isImage(type) ? verifyLimits.imageBytes : verifyLimits.videoBytes;
  if (bytes.length > most) return { ...nothing, refused: tooLarge(bytes.length, most) };
  if (type !== 'video/webm' && !isImage(type) && countBoxes(bytes, verifyLimits.boxes) > verifyLimits.boxes)
    return {
      ...nothing,
      refused: `It has more than ${verifyLimits.boxes} boxes, and no reader is asked to go through so many.`,
    };
  const facts = readMediaFacts(bytes, type);
  // A download that broke off shows what it has of its pictures.
  if (facts === TRUNCATED && !isImage(type)) return { ...nothing, refused: null };
  if (typeof facts === 'string')
    return { ...nothing, refused: null, noPictures: `Its pictures cannot be read: ${facts}.` };
  return { type, facts, refused: promisesTooMuch(type, facts), noPictures: null };
}

/** The sentence of a file that is not read for its size. */
export function tooLarge(bytes: number, most: number): string {
  return `It has ${bytes} bytes; files of up to ${most} are read.`;
}

function promisesTooMuch(type: MediaType, { width, height, frames, seconds }: MediaFacts): string | null {
  const most = isImage(type) ? limits.maxReferencePixels : limits.maxReferenceFramePixels;
  if (width * height > most) return `It says that it has ${width}x${height} pixels; up to ${most} are looked at.`;
  if (frames !== null && frames > verifyLimits.frames)
    return `It says that it has ${frames} frames; videos of up to ${verifyLimits.frames} are looked at.`;
  if (seconds !== null && seconds > verifyLimits.frames)
    return `It says that it lasts ${Math.round(seconds)} s; videos of up to ${verifyLimits.frames} s are looked at.`;
  return null;
}
