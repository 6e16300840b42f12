/**
 * @file Sequence parameter sets of H.264 (ITU-T H.264, 7.3.2.1.1) and HEVC (ITU-T H.265, 7.3.2.2.1) as far as size and depth: a decoder
 * allocates what they say, whatever the container around them says.
 */
import { type BitReader, bitsOf } from './bit-reader.ts';

/** What a decoder will make room for. */
export interface Sequence {
  /** Pixels, whole blocks: up to 15 (63 in HEVC) more than are shown. */
  readonly width: number;
  readonly height: number;
  /** Bits of a luma sample. */
  readonly bits: number;
}

/** The largest set of an AVCDecoderConfigurationRecord (ISO/IEC 14496-15, 5.3.3.1); undefined where it holds none. */
export function avcSequence(record: Uint8Array): Sequence | undefined {
  let largest: Sequence | undefined;
  for (let at = 6, left = (record[5] ?? 0) & 0x1f; left > 0; left--, at += 2 + sizeAt(record, at))
    largest = larger(largest, avcParameterSet(record.subarray(at + 2, at + 2 + sizeAt(record, at))));
  return largest;
}

/** A sequence parameter set of H.264, with its NAL unit header. Throws RangeError where it ends too early. */
export function avcParameterSet(unit: Uint8Array): Sequence {
  const reader = payloadOf(unit);
  reader.skip(8); // NAL unit header
  const profile = reader.bits(8);
  reader.skip(16);
  reader.golomb();
  const bits = HIGH_PROFILES.has(profile) ? readHigh(reader) : 8;
  reader.golomb();
  const order = reader.golomb();
  if (order === 0) reader.golomb();
  if (order === 1) {
    reader.skip(1);
    reader.golomb();
    reader.golomb();
    for (let left = Math.min(255, reader.golomb()); left > 0; left--) reader.golomb();
  }
  reader.golomb();
  reader.skip(1);
  const width = (reader.golomb() + 1) * 16;
  const units = (reader.golomb() + 1) * 16;
  return { width, height: reader.bits(1) === 1 ? units : units * 2, bits };
}

/** The largest set of an HEVCDecoderConfigurationRecord (ISO/IEC 14496-15, 8.3.3.1); undefined where it holds none. */
export function hevcSequence(record: Uint8Array): Sequence | undefined {
  const SPS = 33;
  let largest: Sequence | undefined;
  for (let at = 23, arrays = record[22] ?? 0; arrays > 0; arrays--) {
    const type = (record[at] ?? 0) & 0x3f;
    const count = sizeAt(record, at + 1);
    at += 3;
    for (let left = count; left > 0 && at < record.length; left--, at += 2 + sizeAt(record, at))
      if (type === SPS)
        largest = larger(largest, hevcParameterSet(record.subarray(at + 2, at + 2 + sizeAt(record, at))));
  }
  return largest;
}

/** Of two sets the one that asks for more: more bits a sample, else more pixels. */
function larger(one: Sequence | undefined, other: Sequence): Sequence {
  const asksMore =
    one !== undefined && (one.bits - other.bits || one.width * one.height - other.width * other.height) > 0;
  return asksMore ? one : other;
}

/** Profiles that say how their samples are (7.3.2.1.1). */
const HIGH_PROFILES = new Set([100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135]);
const FULL_CHROMA = 3;

/** The bits of a luma sample; scaling lists are passed over. */
function readHigh(reader: BitReader): number {
  const chroma = reader.golomb();
  if (chroma === FULL_CHROMA) reader.skip(1);
  const bits = reader.golomb() + 8;
  reader.golomb();
  reader.skip(1);
  const lists = reader.bits(1) === 0 ? 0 : chroma === FULL_CHROMA ? 12 : 8;
  for (let list = 0; list < lists; list++) if (reader.bits(1) === 1) skipScalingList(reader, list < 6 ? 16 : 64);
  return bits;
}

/** 7.3.2.1.1.1: deltas until one makes the next scale 0. */
function skipScalingList(reader: BitReader, size: number): void {
  for (let left = size, scale = 8; left > 0 && scale !== 0; left--) {
    const code = reader.golomb();
    const delta = code % 2 === 1 ? (code + 1) / 2 : -code / 2;
    scale = (scale + delta + 256) % 256;
  }
}

/** A sequence parameter set of HEVC, with its NAL unit header. Throws RangeError where it ends too early. */
export function hevcParameterSet(unit: Uint8Array): Sequence {
  const reader = payloadOf(unit);
  reader.skip(16 + 4); // NAL unit header, video parameter set
  const subLayers = reader.bits(3);
  reader.skip(1);
  // profile_tier_level (7.3.3): 88 bits of profile and 8 of level, then flags and the same again for each sub-layer
  reader.skip(96);
  const present = Array.from({ length: subLayers }, () => reader.bits(2));
  if (subLayers > 0) reader.skip(2 * (8 - subLayers));
  for (const flags of present) reader.skip((flags & 2 ? 88 : 0) + (flags & 1 ? 8 : 0));
  reader.golomb();
  if (reader.golomb() === FULL_CHROMA) reader.skip(1);
  const [width, height] = [reader.golomb(), reader.golomb()];
  if (reader.bits(1) === 1) for (let side = 0; side < 4; side++) reader.golomb();
  return { width, height, bits: reader.golomb() + 8 };
}

function sizeAt(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

/** The payload of a NAL unit, without the bytes that keep start codes out of it (H.264 7.4.1, H.265 7.4.2). */
function payloadOf(unit: Uint8Array): BitReader {
  return bitsOf(unit.filter((byte, at) => !(byte === 3 && at >= 2 && unit[at - 1] === 0 && unit[at - 2] === 0)));
}
