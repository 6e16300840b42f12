/** What a door knows of a file without decoding it. */
import { TRUNCATED } from './byte-reader.ts';
import { jpegFacts, pngFacts, webpFacts } from './image-headers.ts';
import { isoFacts } from './iso-headers.ts';
import type { MediaType } from './media-type.ts';
import { webmFacts } from './webm-headers.ts';

/** Size and length by the headers; the decoder has the last word. */
export interface MediaFacts {
  /** Pixels that a decoder makes room for: of a video, whole blocks. */
  readonly width: number;
  readonly height: number;
  /** null for an image, and where the headers do not say. */
  readonly seconds: number | null;
  /** null where the headers do not say; 1 for an image. */
  readonly frames: number | null;
}

const READERS: Readonly<Record<MediaType, (bytes: Uint8Array) => MediaFacts | string>> = {
  'image/png': pngFacts,
  'image/jpeg': jpegFacts,
  'image/webp': webpFacts,
  'video/mp4': isoFacts,
  'video/quicktime': isoFacts,
  'video/webm': webmFacts,
};

/**
 * The facts of a file of this type; a sentence of what is wrong with it otherwise. One pass over its headers, whatever they say: what
 * they promise is never allocated.
 */
export function readMediaFacts(bytes: Uint8Array, type: MediaType): MediaFacts | string {
  try {
    return READERS[type](bytes);
  } catch (error) {
    if (error instanceof RangeError) return TRUNCATED; // a DataView read behind its end
    throw error;
  }
}
