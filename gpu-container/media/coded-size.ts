/**
 * @file What a decoder will make room for, read from each packet before it sees it: a key frame may say any size, whatever the container
 * around it says, and 16000x16000 fit into a few hundred bytes.
 */
import { avcParameterSet, avcSequence, hevcParameterSet, hevcSequence } from '#core/references/parameter-sets.ts';
import { openAv1Sizes } from './av1-size.ts';
import type { Size } from './resize.ts';
import { vp8Sizes, vp9Sizes } from './vpx-size.ts';

/**
 * A reader of the sizes that the packets of a track bring, to be called for each of them in order. It throws RangeError for a packet that
 * cannot be read so far.
 */
export function openCodedSizes({ codec, description }: VideoDecoderConfig): (packet: Uint8Array) => Size[] {
  const record = description === undefined ? undefined : bytesOf(description);
  if (codec.startsWith('vp8')) return vp8Sizes;
  if (codec.startsWith('vp09')) return vp9Sizes;
  if (codec.startsWith('av01')) {
    const read = openAv1Sizes();
    const first = record === undefined ? [] : read(record.subarray(4)); // behind the fields of av1C come units
    return packet => [...first, ...read(packet)];
  }
  const isHevc = codec.startsWith('hev1') || codec.startsWith('hvc1');
  if (!isHevc && !codec.startsWith('avc')) throw new RangeError('The codec is none of those that are taken.');
  const sequence = record && (isHevc ? hevcSequence : avcSequence)(record);
  const first = sequence === undefined ? [] : [sequence];
  const lengthBytes = record && ((record[isHevc ? 21 : 4] ?? 0) & 3) + 1;
  return packet => [...first, ...unitsOf(packet, lengthBytes).flatMap(isHevc ? hevcSizes : avcSizes)];
}

function avcSizes(unit: Uint8Array): Size[] {
  const SPS = 7;
  return (unit[0]! & 0x1f) === SPS ? [avcParameterSet(unit)] : [];
}

/** Layers beside the first have sets of another form, and nobody decodes them. */
function hevcSizes(unit: Uint8Array): Size[] {
  const SPS = 33;
  const layer = ((unit[0]! & 1) << 5) | ((unit[1] ?? 0) >> 3);
  return ((unit[0]! >> 1) & 0x3f) === SPS && layer === 0 ? [hevcParameterSet(unit)] : [];
}

/** NAL units behind their lengths (ISO/IEC 14496-15, 5.3.2), or between start codes where no record came (H.264 annex B). */
function unitsOf(packet: Uint8Array, lengthBytes: number | undefined): Uint8Array[] {
  if (lengthBytes === undefined) return betweenStartCodes(packet);
  const units: Uint8Array[] = [];
  for (let at = 0; at + lengthBytes <= packet.length; ) {
    let length = 0;
    for (let i = 0; i < lengthBytes; i++) length = length * 256 + packet[at++]!;
    if (at + length > packet.length) throw new RangeError('A unit runs past its packet.');
    if (length > 0) units.push(packet.subarray(at, at + length));
    at += length;
  }
  return units;
}

function betweenStartCodes(packet: Uint8Array): Uint8Array[] {
  const starts: number[] = [];
  for (let at = packet.indexOf(1); at >= 0; at = packet.indexOf(1, at + 1))
    if (at >= 2 && packet[at - 1] === 0 && packet[at - 2] === 0) starts.push(at + 1);
  return starts
    .map((from, k) => packet.subarray(from, (starts[k + 1] ?? packet.length + 3) - 3))
    .filter(unit => unit.length > 0);
}

function bytesOf(data: NonNullable<VideoDecoderConfig['description']>): Uint8Array {
  return ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data);
}
