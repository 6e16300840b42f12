/** @file The sizes in the headers of AV1 (AV1 bitstream specification with errata 1, 5.3 to 5.9). */
import { type BitReader, bitsOf } from '#core/references/bit-reader.ts';
import type { Size } from './resize.ts';

/** What a sequence header says of those of its frames. */
interface Sequence {
  readonly most: Size;
  /** The largest that a frame of its own size can say: as many ones as there are bits for it. */
  readonly own: Size;
  readonly isStill: boolean;
  /** Bits of a frame's time of presentation; 0 where it has none. */
  readonly timeBits: number;
  readonly idBits: number;
  /** 0, 1, or 2 where each frame says it. */
  readonly screenContent: number;
  readonly integerMotion: number;
}

const SEQUENCE_HEADER = 1;
const FRAME_HEADER = 3;
const FRAME = 6;
const SWITCH_FRAME = 3;

/** A reader of the sizes that packets bring, in their order: a frame's header means something only behind that of its sequence. */
export function openAv1Sizes(): (packet: Uint8Array) => Size[] {
  let sequence: Sequence | undefined;
  return packet =>
    unitsOf(packet).flatMap(({ type, bytes }) => {
      const reader = bitsOf(bytes);
      if (type === SEQUENCE_HEADER) {
        sequence = readSequence(reader);
        return [sequence.most];
      }
      const isFrame = type === FRAME_HEADER || type === FRAME;
      return isFrame && sequence !== undefined && hasOwnSize(reader, sequence) ? [sequence.own] : [];
    });
}

/** Open bitstream units one after the other (5.3). */
function unitsOf(packet: Uint8Array): { type: number; bytes: Uint8Array }[] {
  const units = [];
  for (let at = 0; at < packet.length; ) {
    const header = packet[at]!;
    at += (header & 4) === 0 ? 1 : 2;
    let size = packet.length - at;
    if ((header & 2) !== 0) {
      size = 0;
      for (let shift = 0; ; shift += 7) {
        const byte = packet[at++];
        if (byte === undefined || shift > 28) throw new RangeError('The unit has no length.');
        size += (byte & 0x7f) * 2 ** shift;
        if (byte < 0x80) break;
      }
    }
    if (at + size > packet.length) throw new RangeError('The unit runs past its packet.');
    units.push({ type: (header >> 3) & 15, bytes: packet.subarray(at, at + size) });
    at += size;
  }
  return units;
}

/** 5.5.1, as far as frame headers need it. */
function readSequence(reader: BitReader): Sequence {
  reader.skip(4);
  const isStill = reader.bits(1) === 1;
  let timeBits = 0;
  if (isStill) reader.skip(5);
  else timeBits = skipOperatingPoints(reader);
  const [widthBits, heightBits] = [reader.bits(4) + 1, reader.bits(4) + 1];
  const most = { width: reader.bits(widthBits) + 1, height: reader.bits(heightBits) + 1 };
  const own = { width: 2 ** widthBits, height: 2 ** heightBits };
  if (isStill) return { most, own, isStill, timeBits, idBits: 0, screenContent: 2, integerMotion: 2 };
  const idBits = reader.bits(1) === 1 ? reader.bits(4) + 2 + reader.bits(3) + 1 : 0;
  reader.skip(3 + 4);
  if (reader.bits(1) === 1) reader.skip(2);
  const screenContent = reader.bits(1) === 1 ? 2 : reader.bits(1);
  const integerMotion = screenContent === 0 || reader.bits(1) === 1 ? 2 : reader.bits(1);
  return { most, own, isStill, timeBits, idBits, screenContent, integerMotion };
}

/** Timing and levels; returns the bits of a frame's time of presentation. */
function skipOperatingPoints(reader: BitReader): number {
  let [delayBits, timeBits] = [0, 0];
  if (reader.bits(1) === 1) {
    reader.skip(64);
    const isEven = reader.bits(1) === 1;
    if (isEven) reader.golomb();
    if (reader.bits(1) === 1) {
      delayBits = reader.bits(5) + 1;
      reader.skip(32 + 5);
      const bits = reader.bits(5) + 1;
      timeBits = isEven ? 0 : bits;
    }
  }
  const hasDelays = reader.bits(1) === 1;
  for (let left = reader.bits(5) + 1; left > 0; left--) {
    reader.skip(12);
    if (reader.bits(5) > 7) reader.skip(1);
    if (delayBits > 0 && reader.bits(1) === 1) reader.skip(2 * delayBits + 1);
    if (hasDelays && reader.bits(1) === 1) reader.skip(4);
  }
  return timeBits;
}

/** Whether a frame says a size of its own, which a decoder does not hold against that of the sequence (5.9.2). */
function hasOwnSize(reader: BitReader, { isStill, timeBits, idBits, screenContent, integerMotion }: Sequence): boolean {
  if (isStill || reader.bits(1) === 1) return false;
  const type = reader.bits(2);
  const isShown = reader.bits(1) === 1;
  reader.skip(isShown ? timeBits : 1);
  if (type !== SWITCH_FRAME && !(type === 0 && isShown)) reader.skip(1);
  reader.skip(1);
  const allowsScreenContent = screenContent === 2 ? reader.bits(1) === 1 : screenContent === 1;
  if (allowsScreenContent && integerMotion === 2) reader.skip(1);
  reader.skip(idBits);
  return type === SWITCH_FRAME || reader.bits(1) === 1;
}
