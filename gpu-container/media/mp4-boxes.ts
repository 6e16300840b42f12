/**
 * @file The few places where we read or write MP4 boxes ourselves (ISO/IEC 14496-12, 14496-15).
 */

/** A box of an MP4 file (ISO/IEC 14496-12 section 4.2). */
export interface Box {
  /** Four characters. */
  readonly type: string;
  /** Offsets of the content in the file. */
  readonly from: number;
  readonly to: number;
}

/** The boxes that lie one after the other in [from, to). */
export function boxesIn(file: Uint8Array, from = 0, to = file.length): Box[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const boxes: Box[] = [];
  for (let at = from; at + 8 <= to; ) {
    const short = view.getUint32(at);
    const size = short === 1 ? Number(view.getBigUint64(at + 8)) : short === 0 ? to - at : short;
    const header = short === 1 ? 16 : 8;
    if (size < header || at + size > to) throw new RangeError(`mp4: the box at ${at} runs past its parent.`);
    const type = String.fromCharCode(...file.subarray(at + 4, at + 8));
    boxes.push({ type, from: at + header, to: at + size });
    at += size;
  }
  return boxes;
}

const PARENTS = ['moov', 'trak', 'mdia'];
/** Full boxes that open with creation_time and modification_time: 32 bits each in version 0, 64 in version 1. */
const TIMED = ['mvhd', 'tkhd', 'mdhd'];

/** Sets every creation and modification time to 0, "unknown": the muxer writes the clock, we promise the same bytes. In place. */
export function clearTimes(file: Uint8Array, from = 0, to = file.length): void {
  for (const box of boxesIn(file, from, to)) {
    if (PARENTS.includes(box.type)) clearTimes(file, box.from, box.to);
    if (TIMED.includes(box.type)) file.fill(0, box.from + 4, box.from + 4 + (file[box.from] === 1 ? 16 : 8));
  }
}

/**
 * An AVCDecoderConfigurationRecord with the four bytes that High profile asks for and the encoder leaves out (14496-15,
 * 5.3.3.1.2): 4:2:0, eight bits of luma and chroma, no SPS extension. Others are returned as they are.
 */
export function completeAvcConfiguration(record: ArrayBuffer | ArrayBufferView): Uint8Array {
  const bytes = ArrayBuffer.isView(record)
    ? new Uint8Array(record.buffer, record.byteOffset, record.byteLength)
    : new Uint8Array(record);
  if (bytes[1] !== 100 || bytes.length !== parameterSetsEnd(bytes)) return bytes.slice();
  return Uint8Array.of(...bytes, 0xfc | 1, 0xf8, 0xf8, 0);
}

/** Offset behind the sequence and picture parameter sets. */
function parameterSetsEnd(bytes: Uint8Array): number {
  let at = 6;
  for (let left = bytes[5]! & 0x1f; left > 0; left--) at += 2 + ((bytes[at]! << 8) | bytes[at + 1]!);
  const pictures = bytes[at++]!;
  for (let left = pictures; left > 0; left--) at += 2 + ((bytes[at]! << 8) | bytes[at + 1]!);
  return at;
}
