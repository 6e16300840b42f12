/** @file The sizes in the frame headers of VP8 (RFC 6386, 9.1) and VP9 (VP9 bitstream specification 0.6, 6.2 and annex B). */
import { type BitReader, bitsOf } from '#core/references/bit-reader.ts';
import type { Size } from './resize.ts';

/** The size that a VP8 frame begins with where it is a key frame: two numbers of 14 bits. */
export function vp8Sizes(packet: Uint8Array): Size[] {
  if (packet.length < 10 || (packet[0]! & 1) !== 0) return [];
  const at = (offset: number) => (packet[offset]! | (packet[offset + 1]! << 8)) & 0x3fff;
  return [{ width: at(6), height: at(8) }];
}

/** The sizes that the frames of a VP9 packet bring; a frame that takes the size of an earlier one brings none. */
export function vp9Sizes(packet: Uint8Array): Size[] {
  return framesIn(packet).flatMap(frame => {
    const size = readSize(bitsOf(frame));
    return size === undefined ? [] : [size];
  });
}

/** A packet with an index at its end holds several frames (annex B). */
function framesIn(packet: Uint8Array): Uint8Array[] {
  const marker = packet.at(-1) ?? 0;
  const count = (marker & 7) + 1;
  const sizeBytes = ((marker >> 3) & 3) + 1;
  const index = packet.length - 2 - count * sizeBytes;
  if (packet.length === 0) return [];
  if ((marker & 0xe0) !== 0xc0 || packet[index] !== marker) return [packet];
  const frames: Uint8Array[] = [];
  for (let at = 0, k = 0; k < count; k++) {
    let size = 0;
    for (let i = sizeBytes - 1; i >= 0; i--) size = size * 256 + packet[index + 1 + k * sizeBytes + i]!;
    if (at + size > index) throw new RangeError('The index of the packet runs past its frames.');
    if (size > 0) frames.push(packet.subarray(at, at + size));
    at += size;
  }
  return frames;
}

/** The uncompressed header as far as the size. */
function readSize(reader: BitReader): Size | undefined {
  reader.skip(2);
  const profile = reader.bits(1) + 2 * reader.bits(1);
  if (profile === 3) reader.skip(1);
  if (reader.bits(1) === 1) return undefined; // shows an earlier frame
  const isKeyFrame = reader.bits(1) === 0;
  const isShown = reader.bits(1) === 1;
  const resists = reader.bits(1) === 1;
  if (isKeyFrame) {
    reader.skip(24);
    skipColours(reader, profile);
    return sizeOf(reader);
  }
  const isIntraOnly = !isShown && reader.bits(1) === 1;
  if (!resists) reader.skip(2);
  if (isIntraOnly) {
    reader.skip(24);
    if (profile > 0) skipColours(reader, profile);
    reader.skip(8);
    return sizeOf(reader);
  }
  reader.skip(8 + 3 * 4);
  for (let reference = 0; reference < 3; reference++) if (reader.bits(1) === 1) return undefined;
  return sizeOf(reader);
}

const RGB = 7;

function skipColours(reader: BitReader, profile: number): void {
  if (profile >= 2) reader.skip(1);
  const isRgb = reader.bits(3) === RGB;
  const isFull = profile === 1 || profile === 3;
  reader.skip(isRgb ? (isFull ? 1 : 0) : isFull ? 4 : 1);
}

function sizeOf(reader: BitReader): Size {
  return { width: reader.bits(16) + 1, height: reader.bits(16) + 1 };
}
