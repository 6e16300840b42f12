import type { Clip } from './clip.ts';
import { openMp4Encoder } from './encode-mp4.ts';
import { openSpritesheet } from './spritesheet.ts';
import { encodeThumbnail, thumbnailFrame } from './thumbnail.ts';

/** The bytes of a finished clip's three files. */
export interface ClipFiles {
  readonly video: Uint8Array;
  readonly thumbnail: Uint8Array;
  readonly spritesheet: Uint8Array;
}

/** Frames in, as they are decoded; files out. Keeps compressed bytes and small pictures, never the whole clip. */
export interface ClipWriter {
  /** RGB bytes [H, W, 3] of the next frame. */
  add(frame: Uint8Array): Promise<void>;
  /** RangeError unless all frames were added. */
  finish(): Promise<ClipFiles>;
  /** Frees the encoder without a file; does nothing after `finish`. */
  abandon(): void;
}

/** A writer for a clip of this size and length. */
export async function openClipWriter(shape: Omit<Clip, 'rgb'>): Promise<ClipWriter> {
  const mp4 = await openMp4Encoder(shape);
  const sheet = openSpritesheet(shape);
  const shown = thumbnailFrame(shape.frames);
  let thumbnail: Promise<Uint8Array> | undefined;
  let added = 0;
  return {
    async add(frame) {
      await mp4.add(frame);
      await sheet.add(frame, added);
      if (added === shown) thumbnail = encodeThumbnail(frame, shape);
      thumbnail?.catch(() => undefined); // told by finish
      added++;
    },
    async finish() {
      const video = await mp4.finish();
      return { video, thumbnail: await thumbnail!, spritesheet: await sheet.finish() };
    },
    abandon: () => mp4.abandon(),
  };
}
