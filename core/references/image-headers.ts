/** @file PNG (W3C PNG third edition), JPEG (ITU-T T.81) and WebP (RFC 9649) as far as size, wholeness and being one picture. */
import { BROKEN, TRUNCATED, tagAt, viewOf } from './byte-reader.ts';
import type { MediaFacts } from './media-facts.ts';

const ANIMATED = 'it is an animated image; send one picture, or a video';

/** Chunks from IHDR to IEND (section 5.3); an `acTL` makes it an APNG. */
export function pngFacts(bytes: Uint8Array): MediaFacts | string {
  const view = viewOf(bytes);
  if (tagAt(view, 12) !== 'IHDR' || view.getUint32(8) !== 13) return BROKEN;
  let hasPicture = false;
  for (let at = 8; ; ) {
    const length = view.getUint32(at);
    const tag = tagAt(view, at + 4);
    if (at + 12 + length > bytes.length) return TRUNCATED;
    if (tag === 'acTL') return ANIMATED;
    if (tag === 'IDAT') hasPicture = true;
    if (tag === 'IEND') return hasPicture ? still(view.getUint32(16), view.getUint32(20)) : BROKEN;
    at += 12 + length;
  }
}

/** Segments up to the first scan (section B.1); after it there must be an end of image. */
export function jpegFacts(bytes: Uint8Array): MediaFacts | string {
  const view = viewOf(bytes);
  let facts: MediaFacts | string | undefined;
  for (let at = 2; ; ) {
    if (view.getUint8(at) !== 0xff) return BROKEN;
    while (view.getUint8(at + 1) === 0xff) at++;
    const marker = view.getUint8(at + 1);
    if (marker === 0xd9 || marker === 0x00) return BROKEN;
    const length = view.getUint16(at + 2);
    if (length < 2) return BROKEN;
    if (isFrameHeader(marker)) {
      if (marker > 0xc2) return 'its kind of JPEG (lossless or arithmetic) is not taken; save it as a usual one';
      if (view.getUint8(at + 4) !== 8) return 'its kind of JPEG (12 bits a sample) is not taken; save it with 8';
      facts = still(view.getUint16(at + 7), view.getUint16(at + 5));
    }
    at += 2 + length;
    if (marker === 0xda) return facts === undefined ? BROKEN : hasEnd(bytes, at) ? facts : TRUNCATED;
  }
}

/** SOF0 to SOF15, less the three codes in between that mean something else (table B.1). */
function isFrameHeader(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
}

/** Whether an end of image lies after `from`; cameras append more behind it. */
function hasEnd(bytes: Uint8Array, from: number): boolean {
  for (let at = bytes.lastIndexOf(0xd9); at > from; at = bytes.lastIndexOf(0xd9, at - 1))
    if (bytes[at - 1] === 0xff) return true;
  return false;
}

/** Chunks of the RIFF container (section 2.3). */
export function webpFacts(bytes: Uint8Array): MediaFacts | string {
  const view = viewOf(bytes);
  const end = view.getUint32(4, true) + 8;
  if (end > bytes.length) return TRUNCATED;
  let canvas: MediaFacts | string | undefined;
  for (let at = 12; at + 8 <= end; ) {
    const tag = tagAt(view, at);
    const length = view.getUint32(at + 4, true);
    const data = at + 8;
    if (data + length > end) return TRUNCATED;
    if (tag === 'ANIM' || tag === 'ANMF') return ANIMATED;
    if (tag === 'VP8X') {
      if ((view.getUint8(data) & 0x02) !== 0) return ANIMATED;
      canvas = still(1 + uint24(view, data + 4), 1 + uint24(view, data + 7));
    }
    const picture = tag === 'VP8 ' ? lossyFacts(view, data) : tag === 'VP8L' ? losslessFacts(view, data) : undefined;
    // A decoder allocates what the picture's own header says: that is the size that counts.
    if (picture !== undefined) return typeof canvas === 'string' || isSame(canvas, picture) ? picture : BROKEN;
    at = data + length + (length % 2);
  }
  return BROKEN;
}

/** Frame header of VP8 (RFC 6386 section 9.1): a key frame, its start code, two sizes of 14 bits. */
function lossyFacts(view: DataView, at: number): MediaFacts | string {
  const isKeyFrame = (view.getUint8(at) & 1) === 0 && uint24(view, at + 3) === 0x2a019d;
  return isKeyFrame ? still(view.getUint16(at + 6, true) & 0x3fff, view.getUint16(at + 8, true) & 0x3fff) : BROKEN;
}

/** RFC 9649 section 3.4: signature, then two sizes of 14 bits, each less one. */
function losslessFacts(view: DataView, at: number): MediaFacts | string {
  if (view.getUint8(at) !== 0x2f) return BROKEN;
  const bits = view.getUint32(at + 1, true);
  return still((bits & 0x3fff) + 1, ((bits >>> 14) & 0x3fff) + 1);
}

function uint24(view: DataView, at: number): number {
  return view.getUint16(at, true) | (view.getUint8(at + 2) << 16);
}

function isSame(canvas: MediaFacts | undefined, picture: MediaFacts | string): boolean {
  if (canvas === undefined || typeof picture === 'string') return true;
  return canvas.width === picture.width && canvas.height === picture.height;
}

function still(width: number, height: number): MediaFacts | string {
  return width > 0 && height > 0 ? { width, height, seconds: null, frames: 1 } : BROKEN;
}
