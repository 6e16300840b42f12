import type { Clip } from './clip.ts';
import { type MarkFrame, openMp4Encoder } from './encode-mp4.ts';
import { openSpritesheet, sheetFrames } from './spritesheet.ts';
import { encodeThumbnail, thumbnailFrame } from './thumbnail.ts';
import { yuvToRgb } from './yuv-to-rgb.ts';

/** The bytes of a finished clip's three files. */
export interface ClipFiles {
  readonly video: Uint8Array;
  readonly thumbnail: Uint8Array;
  readonly spritesheet: Uint8Array;
}

/** Frames in, as they are decoded; files out. Keeps compressed bytes and small pictures, never the whole clip. */
export interface ClipWriter {
  /** RGB bytes [H, W, 3] of the next frame; they are its own from then on. */
  add(frame: Uint8Array): Promise<void>;
  /** RangeError unless all frames were added. */
  finish(): Promise<ClipFiles>;
  /** Frees the encoder without a file; does nothing after `finish`. */
  abandon(): void;
}

/** What marks a clip: there is no writer without it, so no file leaves one unmarked. */
export interface ClipMarking {
  /** Draws into a frame's RGB bytes, before anything else is done with them. */
  readonly draw: (frame: Uint8Array) => void;
  /** Fields of the container's metadata, by key. */
  readonly tags: Readonly<Record<string, string>>;
  readonly embed: MarkFrame;
  /** The finished MP4 with its signed metadata: the last thing that happens to it. */
  readonly seal: (file: Uint8Array) => Promise<Uint8Array>;
}

/** A writer for a clip of this size and length. Its pictures are of marked frames. */
export async function openClipWriter(shape: Omit<Clip, 'rgb'>, marking: ClipMarking): Promise<ClipWriter> {
  const { draw, tags, embed, seal } = marking;
  const mp4 = await openMp4Encoder(shape, embed, tags);
  const sheet = openSpritesheet(shape);
  const shown = thumbnailFrame(shape.frames);
  const pictured = new Set([shown, ...sheetFrames(shape.frames)]);
  let thumbnail: Promise<Uint8Array> | undefined;
  let added = 0;
  return {
    async add(frame) {
      draw(frame);
      const planes = await mp4.add(frame);
      if (pictured.has(added)) {
        const picture = pictureOf(planes, shape);
        await sheet.add(picture, added);
        if (added === shown) thumbnail = encodeThumbnail(picture, shape);
        thumbnail?.catch(() => undefined); // told by finish
      }
      added++;
    },
    async finish() {
      const video = await seal(await mp4.finish());
      return { video, thumbnail: await thumbnail!, spritesheet: await sheet.finish() };
    },
    abandon: () => mp4.abandon(),
  };
}

/** I420 as the encoder gets it, back to RGB [H, W, 3]. */
function pictureOf(bytes: Uint8Array, { width, height }: Omit<Clip, 'rgb'>): Uint8Array {
  const cells = width * height;
  return yuvToRgb({
    ...{ bytes, width, height, chromaStep: 1, shiftX: 1, shiftY: 1, matrix: 'bt709', fullRange: false },
    luma: { offset: 0, stride: width },
    cb: { offset: cells, stride: width / 2 },
    cr: { offset: cells + cells / 4, stride: width / 2 },
  });
}
